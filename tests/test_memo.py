"""What a tab remembers of its canvas: read back whole, and no box stored twice or under two ids."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.geometry import Box, Fit
from labeler.models import Rect
from labeler.ui.drawing import DrawnBox
from labeler.ui.memo import Memo, parse_memo, same_ids

FIT = Fit(image_width=640, image_height=480, canvas_width=1280, canvas_height=960)
"""Two canvas pixels to a pixel of the image."""


def rect(rect_id: str, left: float = 10, label: str = "cat") -> Rect:
    return Rect(left=left, top=20, width=30, height=40, label=label, id=rect_id)


def drawn(box_id: str, left: float = 10, label: str = "cat", **more: Any) -> DrawnBox:
    """A box as the canvas has it; `left` is in pixels of the image."""
    return DrawnBox(box_id, Box(2 * left, 40, 60, 80), label, label, **more)


def memo(**changes: Any) -> Memo:
    values: dict[str, Any] = {
        "image_id": "0" * 32,
        "key": "canvas_1",
        "fit": FIT,
        "room": (1280, 960),
        "given": (rect("a"),),
        "stored": (rect("a"), rect("b", 100)),
        "drawn": (drawn("b", 100),),
    }
    return Memo(**(values | changes))


def ids(boxes: tuple[DrawnBox, ...]) -> list[str]:
    return [box.id for box in boxes]


# --- kept as text ---------------------------------------------------------------------------


def test_it_is_read_back_as_it_was() -> None:
    was = (Box(1.5, 2, 3, 4.25), "dög <b>")
    kept = memo(
        given=(Rect.model_validate({**rect("a").model_dump(), "score": [1, {"x": None}]}),),
        drawn=(drawn("b", there=False), drawn("c", 7.125, "قطة", earlier=(was, was))),
        changed=True,
    )
    assert parse_memo(kept.model_dump_json()) == kept
    assert parse_memo(kept.model_dump_json(exclude_defaults=True)) == kept


def test_what_nobody_knows_of_a_box_is_kept() -> None:
    given = Rect.model_validate({**rect("a").model_dump(), "score": 0.5})
    text = memo(given=(given,)).model_dump_json(exclude_defaults=True)
    found = parse_memo(text)
    assert found
    assert found.given[0].model_dump()["score"] == 0.5


@pytest.mark.parametrize(
    "text",
    [None, "", "null", "[]", "{}", "{", b"{}", 5, {"image_id": "a"}, "\ud800", "nonsense"],
)
def test_anything_else_is_no_memo(text: object) -> None:
    assert parse_memo(text) is None


@pytest.mark.parametrize("key", ["image_id", "key", "fit", "room", "given", "stored", "drawn"])
def test_a_memo_that_lacks_something_or_has_it_wrong_is_none(key: str) -> None:
    whole = json.loads(memo().model_dump_json())
    assert parse_memo(json.dumps(whole)) == memo()
    assert parse_memo(json.dumps(whole | {key: [["x"]]})) is None
    del whole[key]
    assert parse_memo(json.dumps(whole)) is None


# --- the same ids ---------------------------------------------------------------------------


def test_a_box_that_was_stored_unheard_gets_its_stored_id() -> None:
    found = same_ids([drawn("new")], FIT, [], [rect("stored")])
    assert found == (drawn("stored"),)


def test_what_is_remembered_of_a_box_stays_with_it() -> None:
    was = (Box(1, 2, 3, 4), "cat")
    found = same_ids([drawn("new", earlier=(was,), there=False)], FIT, [], [rect("stored")])
    assert found == (drawn("stored", earlier=(was,), there=False),)


@pytest.mark.parametrize(
    ("stored", "same"),
    [
        (rect("s", 10.02), True),  # rounded twice
        (rect("s", 10.03), False),
        (rect("s", label="dog"), False),
        (rect("s").model_copy(update={"height": 40.02}), True),
        (rect("s").model_copy(update={"height": 41}), False),
        (rect("s").model_copy(update={"top": 19.5}), False),
        (rect("s").model_copy(update={"width": 30.5}), False),
    ],
)
def test_only_the_same_box_is_the_same(stored: Rect, same: bool) -> None:
    assert ids(same_ids([drawn("new")], FIT, [], [stored])) == (["s"] if same else ["new"])


def test_a_box_that_the_tab_has_heard_of_keeps_its_id() -> None:
    assert ids(same_ids([drawn("a")], FIT, [rect("a")], [rect("a"), rect("b")])) == ["a"]
    # Somebody else has deleted it, and drawn one in its place.
    assert ids(same_ids([drawn("a")], FIT, [rect("a")], [rect("b")])) == ["a"]


def test_a_stored_box_that_the_tab_knew_is_not_taken_for_a_new_one() -> None:
    assert ids(same_ids([drawn("new")], FIT, [rect("a")], [rect("a")])) == ["new"]


def test_equal_boxes_stay_two() -> None:
    both = [drawn("x"), drawn("y")]
    assert ids(same_ids(both, FIT, [], [rect("s")])) == ["s", "y"]
    assert ids(same_ids(both, FIT, [], [rect("s"), rect("t")])) == ["s", "t"]
    assert ids(same_ids(both, FIT, [], [rect("y")])) == ["x", "y"]
    assert ids(same_ids(both, FIT, [], [rect("y"), rect("x")])) == ["x", "y"]


NAMES = st.sampled_from("abcdef")
LEFTS = st.sampled_from([10.0, 10.01, 50.0])


@given(
    st.lists(st.builds(drawn, NAMES, LEFTS), unique_by=lambda box: box.id),
    st.lists(st.builds(rect, NAMES, LEFTS), unique_by=lambda box: box.id),
    st.lists(st.builds(rect, NAMES, LEFTS), unique_by=lambda box: box.id),
)
def test_no_two_boxes_come_to_have_one_id(
    boxes: list[DrawnBox], shown: list[Rect], stored: list[Rect]
) -> None:
    found = same_ids(boxes, FIT, shown, stored)
    assert len(set(ids(found))) == len(boxes)
    assert [(box.box, box.label) for box in found] == [(box.box, box.label) for box in boxes]
    for before, after in zip(boxes, found, strict=True):
        if after.id != before.id:
            assert after.id in {r.id for r in stored} - {r.id for r in shown}
