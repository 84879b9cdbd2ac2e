"""Counts of boxes and images by label: right for every label set, counted once."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from labeler.model.document import AnnotationDocument, Rect
from labeler.model.label_counts import Count, LabelCounts
from labeler.model.label_edits import merged, renamed, separated
from labeler.model.labels import LabelSet
from tests.strategies import documents, label_sets


def document(*labels: str) -> AnnotationDocument:
    rects = [
        Rect(left=0, top=0, width=1, height=1, label=label, id=f"r{number}")
        for number, label in enumerate(labels)
    ]
    return AnnotationDocument(rects=tuple(rects), image_path="a.png")


def counts_of(*found: AnnotationDocument) -> LabelCounts:
    counts = LabelCounts()
    for one in found:
        counts.add(one)
    return counts


def test_boxes_and_images_of_each_label() -> None:
    labels = LabelSet().added(["car", "dog", "bird"])
    counts = counts_of(
        document("car", "Car", "dog"), document("dog"), document(), document("fish", " fish", "CAR")
    )
    assert counts.images == 4
    assert counts.counted(labels) == {1: Count(3, 2), 2: Count(2, 2)}
    assert counts.unknown(labels) == {"fish": 2}
    assert counts.unknown(labels.added(["Fish"])) == {}


def test_edits_after_the_counting() -> None:
    """An image with both labels has one of the merged label, not two."""
    counts = counts_of(document("car", "dog"), document("dog"), document("auto"))
    labels = merged(renamed(LabelSet().added(["auto", "dog", "car"]), 1, "van"), 3, 1)
    labels = merged(labels, 2, 1)
    assert counts.counted(labels) == {1: Count(4, 3)}
    assert counts.own(labels) == {1: Count(1, 1), 2: Count(2, 2), 3: Count(1, 1)}
    assert counts.counted(separated(labels, 2)) == {1: Count(2, 2), 2: Count(2, 2)}


@given(st.lists(documents(), max_size=6), label_sets(), st.data())
def test_counting_is_looking_at_each(
    found: list[AnnotationDocument], labels: LabelSet, data: st.DataObject
) -> None:
    if len(labels.labels) > 1 and data.draw(st.booleans()):
        labels = merged(labels, 1, 2)
    boxes: Counter[int] = Counter()
    images: Counter[int] = Counter()
    for one in found:
        numbers = [label.number for r in one.rects if (label := labels.find(r.label))]
        boxes.update(numbers)
        images.update(set(numbers))
    counts = counts_of(*found)
    assert counts.counted(labels) == {n: Count(boxes[n], images[n]) for n in boxes}
    total = sum(len(one.rects) for one in found)
    assert boxes.total() + sum(counts.unknown(labels).values()) == total
