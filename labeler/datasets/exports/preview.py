"""What an export would hold, estimated from the image index. No document is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from labeler.datasets.selection import Part, Selection
from labeler.model.labels import LabelSet
from labeler.project.image_entry import ImageEntry


@dataclass(frozen=True, slots=True)
class ExportPreview:
    """How many images and boxes the selection includes.

    The export may still leave out boxes that readers would reject. `parts` counts the images per
    part of a split. `unknown` counts images whose labels the index does not know, so only their
    documents can tell whether they are included.
    """

    images: int
    boxes: int
    parts: dict[Part, int]
    unknown: int


def preview_export(
    selection: Selection,
    labels: LabelSet,
    entries: Iterable[ImageEntry],
    file_name: Callable[[ImageEntry], str],
) -> ExportPreview:
    """Return the preview. Raises InvalidRequest if the selection names an unknown label."""
    numbers = selection.numbers(labels)
    images = boxes = unknown = 0
    parts: Counter[Part] = Counter()
    for entry in entries:
        if not selection.takes(entry.status, bool(entry.rects)):
            continue
        if not selection.has_place_for(entry.image_id, file_name(entry)):
            continue
        count: int | None = entry.rects
        if numbers is not None:
            count = _boxes_of(entry, labels, numbers)
            if count is None:
                unknown += 1
            if not count:
                continue
        images += 1
        boxes += count or 0
        part = selection.part_of(entry.image_id)
        if part is not None:
            parts[part] += 1
    return ExportPreview(images, boxes, {one: parts[one] for one in Part if parts[one]}, unknown)


def _boxes_of(entry: ImageEntry, labels: LabelSet, numbers: frozenset[int]) -> int | None:
    """Count the boxes with these labels. Return None if the index does not know them."""
    counts = entry.label_counts
    if counts is None:
        return None if entry.rects else 0
    found = ((labels.find(text), count) for text, count in counts.items())
    return sum(count for label, count in found if label and label.number in numbers)
