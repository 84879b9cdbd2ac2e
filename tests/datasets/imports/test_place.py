"""Found boxes on documents: policies, borders, sizes, turning; nothing twice."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.datasets.formats.reading import ImportedBox, ImportedImage, Problems
from labeler.datasets.imports.place import ExistingBoxes, PlacedDocument, PlacedStatus, place_boxes
from labeler.model.document import AnnotationDocument, Rect, Status, check_document
from labeler.model.labels import clean_label
from tests.pictures import CORNERS, TURNED_BACK, picture
from tests.strategies import LABELS, documents

DOCUMENT = check_document({
    "rects": [], "image_path": "a.jpg", "image_width": 64, "image_height": 48,
    "metadata": {"status": "unlabeled"},
})  # fmt: skip
HUMAN = {"left": 1.0, "top": 1.0, "width": 5.0, "height": 5.0, "label": "cat", "id": "human"}


def with_rect(status: str = "in_progress") -> AnnotationDocument:
    return check_document(
        DOCUMENT.model_dump() | {"rects": [HUMAN], "metadata": {"status": status}}
    )


def box(*values: float, label: str = "car", **attributes: Any) -> ImportedBox:
    left, top, width, height = values
    return ImportedBox(label, left, top, width, height, f"box {values}", attributes)


def image(*boxes: ImportedBox, **more: Any) -> ImportedImage:
    return ImportedImage("a.jpg", boxes, "f.json", "image 1", **more)


def placed(
    found: ImportedImage,
    document: AnnotationDocument = DOCUMENT,
    existing: ExistingBoxes = ExistingBoxes.KEEP,
    orientation: int = 1,
) -> tuple[PlacedDocument, list[str]]:
    problems = Problems()
    result = place_boxes(found, document, existing, clean_label, problems, orientation)
    return result, [problem.line() for problem in problems.kept]


def edges(document: AnnotationDocument) -> list[tuple[float, ...]]:
    return [(rect.left, rect.top, rect.width, rect.height) for rect in document.rects]


def test_boxes_come_onto_an_image_without_any_and_it_is_done() -> None:
    result, problems = placed(image(box(1, 2, 3.456, 4, iscrowd=1), box(5, 5, 5, 5, label=" b ")))
    assert (result.outcome, problems) == (PlacedStatus.IMPORTED, [])
    assert result.document.status is Status.DONE
    first, second = result.document.rects
    assert (first.width, first.label, first.model_extra) == (3.46, "car", {"iscrowd": 1})
    assert second.label == "b"
    assert result.boxes == result.document.rects
    # Again: nothing is left to do, whatever is asked for.
    for existing in ExistingBoxes:
        again, _ = placed(image(box(1, 2, 3.456, 4), box(5, 5, 5, 5, label="b")),
                          result.document, existing)  # fmt: skip
        assert again == PlacedDocument(PlacedStatus.UNCHANGED, result.document)


def test_an_image_without_boxes_is_done_unless_its_boxes_could_not_be_read() -> None:
    assert placed(image())[0].document.status is Status.DONE
    result, problems = placed(image(lost=1))
    assert result == PlacedDocument(PlacedStatus.LEFT_OUT, DOCUMENT)
    assert "none of its boxes can be imported" in problems[0]
    result, problems = placed(image(box(1, 1, 0, 5)))
    assert result.outcome is PlacedStatus.LEFT_OUT
    assert len(problems) == 2


def test_what_happens_to_boxes_that_are_there() -> None:
    found = image(box(10, 10, 5, 5))
    kept, problems = placed(found, with_rect())
    assert kept == PlacedDocument(PlacedStatus.KEPT, with_rect())
    assert problems == ["f.json: image 1: a.jpg has boxes already and was left as it is"]
    replaced, _ = placed(found, with_rect(), ExistingBoxes.REPLACE)
    assert edges(replaced.document) == [(10, 10, 5, 5)]
    assert replaced.document.status is Status.DONE
    merged, _ = placed(found, with_rect(), ExistingBoxes.MERGE)
    assert edges(merged.document) == [(1, 1, 5, 5), (10, 10, 5, 5)]
    assert edges(merged.document)[1:] == [(rect.left, rect.top, rect.width, rect.height)
                                          for rect in merged.boxes]  # fmt: skip
    assert merged.document.status is Status.IN_PROGRESS  # a person is at it
    emptied, problems = placed(image(), with_rect(), ExistingBoxes.REPLACE)
    assert emptied.document.rects == ()
    assert "its 1 were removed" in problems[0]
    assert placed(image(), with_rect(), ExistingBoxes.MERGE)[0].outcome is PlacedStatus.UNCHANGED


def test_merging_leaves_out_what_is_there_by_content_or_by_id() -> None:
    found = image(box(1, 1, 5, 5, label="cat"), box(10, 10, 5, 5))
    merged, _ = placed(found, with_rect(), ExistingBoxes.MERGE)
    assert merged.document.rects[0].id == "human"
    assert len(merged.document.rects) == 2
    moved = merged.document.rects[1].model_copy(update={"left": 20.0})
    document = merged.document.model_copy(update={"rects": (merged.document.rects[0], moved)})
    assert placed(found, document, ExistingBoxes.MERGE)[0] == PlacedDocument(
        PlacedStatus.UNCHANGED, document
    )


@pytest.mark.parametrize(
    ("values", "expected", "words"),
    [
        ((-0.5, -0.5, 64.9, 48.9), (0, 0, 64, 48), ""),
        ((-5, 2, 10, 10), (0, 2, 5, 10), "cut off"),
        ((60, 40, 10, 10), (60, 40, 4, 8), "cut off"),
        ((64, 1, 5, 5), None, "outside"),
        ((-9, 1, 5, 5), None, "outside"),
        ((1e15, 1, 5, 5), None, "outside"),
        ((-1e300, 1, 2e300, 5), (0, 1, 64, 5), "cut off"),
        ((6, 6, -5, -4), (1, 2, 5, 4), ""),
        ((1, 1, 0, 5), None, "0 px wide"),
        ((1, 1, 0.001, 5), None, "less than a hundredth"),
    ],
)
def test_boxes_are_cut_at_the_border(
    values: tuple[float, ...], expected: tuple[float, ...] | None, words: str
) -> None:
    result, problems = placed(image(box(*values), box(1, 1, 1, 1)))
    rest = [(1, 1, 1, 1)]
    assert edges(result.document) == ([expected, *rest] if expected else rest)
    assert (words in problems[0]) if words else not problems


def test_doubled_boxes_and_bad_labels_are_named() -> None:
    found = image(box(1, 1, 2, 2), box(1, 1, 2.001, 2), box(1, 1, 2, 2, label="\u200b"))
    result, problems = placed(found)
    assert len(result.document.rects) == 1
    assert "the same box stands there twice" in problems[0]
    assert "label can't be empty" in problems[1]


def test_a_box_whose_text_can_not_be_a_label_is_lost() -> None:
    found = image(box(1, 1, 2, 2), box(5, 5, 2, 2, label="\n"))
    result, _ = placed(found)
    assert (len(result.document.rects), result.document.status) == (1, Status.IN_PROGRESS)
    document = with_rect("done")
    assert placed(found, document, ExistingBoxes.REPLACE)[0] == PlacedDocument(
        PlacedStatus.LEFT_OUT, document
    )
    # The same again changes nothing.
    again, _ = placed(found, result.document, ExistingBoxes.REPLACE)
    assert again.document is result.document


def test_an_image_that_is_not_annotated_stays_as_it_is_unless_something_is_lost() -> None:
    document = with_rect("done")
    for lost, status, words in (
        (0, PlacedStatus.KEPT, "nobody has drawn boxes on it there"),
        (1, PlacedStatus.LEFT_OUT, "none of its boxes can be imported"),
    ):
        found = image(lost=lost, is_annotated=False)
        result, problems = placed(found, document, ExistingBoxes.REPLACE)
        assert result == PlacedDocument(status, document)
        assert words in problems[0]


def test_boxes_on_the_photo_as_displayed_are_not_rotated() -> None:
    found = image(box(1, 2, 3, 4), width=48, height=64)
    for as_displayed, expected in ((True, [(1, 2, 3, 4)]), (False, [(58, 1, 4, 3)])):
        result, _ = placed(found._replace(as_displayed=as_displayed), orientation=6)
        assert edges(result.document) == expected


def test_shares_of_the_image_are_not_mistaken_for_pixels() -> None:
    shares = box(0.125, 0.25, 0.5, 0.4375)
    result, problems = placed(image(shares, box(0.1, 0.1, 0.2, 0.2)))
    assert result == PlacedDocument(PlacedStatus.LEFT_OUT, DOCUMENT)
    assert "shares of the image, not in pixels" in problems[0]
    # Beside a box that is not, and with the decimals that are kept, they may be pixels.
    assert placed(image(shares, box(5, 5, 2, 2)))[0].outcome is PlacedStatus.IMPORTED
    assert placed(image(box(0.12, 0.25, 0.5, 0.44)))[0].outcome is PlacedStatus.IMPORTED


def test_another_size_is_another_image() -> None:
    result, problems = placed(image(box(1, 1, 2, 2), width=640, height=480))
    assert result == PlacedDocument(PlacedStatus.LEFT_OUT, DOCUMENT)
    assert problems[0].endswith("its size there is 640 x 480, but a.jpg has 64 x 48")
    # A side alone that is not known does not matter.
    assert placed(image(box(1, 1, 2, 2), width=64))[0].outcome is PlacedStatus.IMPORTED
    assert placed(image(box(1, 1, 2, 2), width=48, height=64))[0].outcome is PlacedStatus.LEFT_OUT


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_drawn_on_the_photo_as_stored_are_rotated_with_it(orientation: int) -> None:
    """The box around each colored quarter, as stored, is around the same color as displayed."""
    turn = TURNED_BACK[orientation]
    assert turn is not None
    shown = picture(64, 48)
    stored = shown.transpose(turn)
    assert stored.size == (48, 64)
    quarters = [(1, 1), (25, 1), (1, 33), (25, 33)]
    found = image(*(box(x, y, 20, 25) for x, y in quarters), width=48, height=64)
    result, problems = placed(found, orientation=orientation)
    assert "EXIF orientation" in problems[0]
    for (x, y), rect in zip(quarters, result.document.rects, strict=True):
        assert (rect.width, rect.height) == (25, 20)
        for dx, dy in ((0, 0), (24, 19)):
            color = shown.getpixel((int(rect.left) + dx, int(rect.top) + dy))
            assert color == stored.getpixel((x, y))
            assert color in CORNERS


FOUND = st.builds(
    lambda values, label: box(*values, label=label),
    st.tuples(*[st.floats(-20, 120, width=32)] * 4),
    LABELS,
)


@given(
    documents(sized=True),
    st.lists(FOUND, max_size=5),
    st.sampled_from(ExistingBoxes),
    st.booleans(),
)
def test_any_boxes_make_a_document_that_may_be_saved(
    document: AnnotationDocument, boxes: list[ImportedBox], existing: ExistingBoxes, shares: bool
) -> None:
    found = ImportedImage("a", tuple(boxes), "f", shares=shares)
    result, _ = placed(found, document, existing)
    check_document(result.document.model_dump(exclude_unset=True))
    again, _ = placed(found, result.document, existing)
    assert again.document == result.document
    assert again.outcome is not PlacedStatus.IMPORTED
    if existing is ExistingBoxes.MERGE or (existing is ExistingBoxes.KEEP and document.rects):
        there = {rect.id: rect for rect in result.document.rects}
        assert all(there[rect.id] == rect for rect in document.rects)


def test_too_many_boxes_are_left_out() -> None:
    many = tuple(
        Rect(left=1, top=1, width=5, height=5, label="x", id=f"r{number}")
        for number in range(10_000)
    )  # fmt: skip
    document = DOCUMENT.model_copy(update={"rects": many})
    result, problems = placed(image(box(9, 9, 1, 1)), document, ExistingBoxes.MERGE)
    assert result.outcome is PlacedStatus.LEFT_OUT
    assert "at most 10000" in problems[0]
