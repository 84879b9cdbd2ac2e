"""What a person does to a document, and the status that follows from it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.model import edits
from labeler.model.document import (
    AnnotationDocument,
    Metadata,
    Rect,
    Status,
    dump_document,
    parse_document,
)
from tests.strategies import documents, edited

BOX = Rect(left=1, top=2, width=3, height=4, label="car", id="a")
OTHER = Rect(left=5, top=6, width=7, height=8, label="dog", id="b")
UNSET = (None, "", "of another program")


def document(
    *rects: Rect, status: str | None = None, content_md5: str | None = None
) -> AnnotationDocument:
    metadata = Metadata.model_validate(
        {"x_key": 1}
        | ({"status": status} if status is not None else {})
        | ({"content_md5": content_md5} if content_md5 is not None else {})
    )
    return AnnotationDocument(rects=rects, image_path="a.jpg", metadata=metadata)


@pytest.mark.parametrize(
    ("before", "with_boxes", "without_boxes"),
    [
        (None, "in_progress", "unlabeled"),
        ("", "in_progress", "unlabeled"),
        ("of another program", "in_progress", "unlabeled"),
        ("unlabeled", "in_progress", "unlabeled"),
        ("in_progress", "in_progress", "unlabeled"),
        ("done", "done", "done"),
        ("approved", "done", "done"),
        ("skipped", "in_progress", "in_progress"),
        ("returned", "in_progress", "in_progress"),
    ],
)
def test_the_status_follows_a_change_of_boxes(
    before: str | None, with_boxes: str, without_boxes: str
) -> None:
    changed = edits.with_rects(document(BOX, status=before), [BOX, OTHER])
    assert (changed.status, changed.rects) == (with_boxes, (BOX, OTHER))
    emptied = edits.with_rects(document(BOX, status=before), [])
    assert (emptied.status, emptied.rects) == (without_boxes, ())


@given(documents())
def test_the_same_boxes_change_nothing(one: AnnotationDocument) -> None:
    assert edits.with_rects(one, list(one.rects)) is one


@given(st.data())
def test_only_boxes_and_status_change(data: st.DataObject) -> None:
    one = data.draw(documents())
    other = data.draw(edited(one))
    changed = edits.with_rects(one, other.rects)
    assert changed.rects == other.rects
    rest = {"rects": one.rects, "metadata": one.metadata}
    assert changed.model_copy(update=rest) == one
    status = {"status": one.metadata.status}
    same = changed.metadata.model_copy(update=status).model_dump(exclude={"status"})
    assert same == one.metadata.model_dump(exclude={"status"})


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("before", [*UNSET, *Status])
def test_a_status_is_set(before: str | None, status: Status) -> None:
    for one in (document(status=before), document(BOX, status=before)):
        changed = edits.with_status(one, status)
        assert changed.status is status
        assert changed.rects == one.rects
        assert changed.metadata.model_extra == {"x_key": 1}
        assert edits.with_status(changed, status) is changed


def test_a_status_that_is_so_anyway_writes_nothing() -> None:
    """Opening and leaving an image writes nothing, though its document names no status."""
    for one, status in ((document(), Status.UNLABELED), (document(BOX), Status.IN_PROGRESS)):
        assert edits.with_status(one, status) is one


# --- boxes that came in meanwhile ---------------------------------------------------------


def test_a_box_that_came_meanwhile_stays() -> None:
    now = document(BOX, OTHER)
    moved = BOX.model_copy(update={"left": 9.0})
    assert edits.with_drawn_rects(now, [BOX], [moved]).rects == (moved, OTHER)


def test_a_box_that_went_meanwhile_stays_away() -> None:
    now = document(OTHER)
    new = BOX.model_copy(update={"id": "c"})
    changed = edits.with_drawn_rects(now, [BOX, OTHER], [BOX, OTHER, new])
    assert {one.id for one in changed.rects} == {"b", "c"}


def test_a_deleted_box_goes_though_another_came() -> None:
    assert edits.with_drawn_rects(document(BOX, OTHER), [BOX], []).rects == (OTHER,)


@given(st.data())
def test_without_others_the_drawing_is_the_document(data: st.DataObject) -> None:
    one = data.draw(documents())
    drawn = data.draw(edited(one)).rects
    assert edits.with_drawn_rects(one, one.rects, drawn).rects == drawn


@given(st.data())
def test_nothing_that_one_side_added_is_lost(data: st.DataObject) -> None:
    shown = data.draw(documents())
    drawn = data.draw(edited(shown, new_ids=("n0", "n1")))
    now = data.draw(edited(shown, new_ids=("m0", "m1")))
    ids = {one.id for one in edits.with_drawn_rects(now, shown.rects, drawn.rects).rects}
    known = {one.id for one in shown.rects}
    assert ids >= {one.id for one in (*drawn.rects, *now.rects)} - known


# --- the image's own facts --------------------------------------------------------------


def test_a_missing_size_and_md5_are_filled_in() -> None:
    filled = edits.with_image_facts(document(BOX), 640, 480, "ff")
    assert (filled.image_width, filled.image_height) == (640, 480)
    assert filled.metadata.content_md5 == "ff"
    assert filled.metadata.model_extra == {"x_key": 1}
    assert filled.rects == (BOX,)
    assert edits.with_image_facts(filled, 640, 480, "ff") is filled


def test_a_size_and_md5_that_are_there_stay() -> None:
    one = document(content_md5="aa").model_copy(update={"image_width": 3, "image_height": 4})
    assert edits.with_image_facts(one, 640, 480, "ff") is one


def test_half_a_size_is_none() -> None:
    one = document(content_md5="aa").model_copy(update={"image_width": 3})
    filled = edits.with_image_facts(one, 640, 480, "ff")
    assert (filled.image_width, filled.image_height) == (640, 480)
    assert filled.metadata.content_md5 == "aa"


def test_a_reason_to_skip_goes_with_the_status() -> None:
    text = (
        b'{"rects": [], "image_path": "a.jpg", "metadata": {"status": "skipped",'
        b' "skip_reason": "Blurred", "x_key": 1.50, "saved_by": null}}'
    )
    skipped = parse_document(text, "a.json")
    assert edits.with_status(skipped, Status.SKIPPED) is skipped
    done = json.loads(dump_document(edits.with_status(skipped, Status.DONE)))["metadata"]
    assert done == {"saved_by": None, "status": "done", "x_key": 1.5}
