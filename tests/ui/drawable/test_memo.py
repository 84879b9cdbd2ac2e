"""What a tab remembers of its canvas: read back whole, and no box stored twice or under two ids."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.model.document import Rect
from labeler.ui.drawable.drawing import DrawnBox, Look, Reading, read_drawing
from labeler.ui.drawable.geometry import CanvasBox, Fit
from labeler.ui.drawable.memo import Memo, as_drawn, parse_memo, unheard

FIT = Fit(image_width=640, image_height=480, canvas_width=1280, canvas_height=960)
"""Two canvas pixels to a pixel of the image."""


def rect(rect_id: str, left: float = 10, label: str = "cat") -> Rect:
    return Rect(left=left, top=20, width=30, height=40, label=label, id=rect_id)


def drawn(box_id: str, left: float = 10, label: str = "cat", **more: Any) -> DrawnBox:
    """A box as the canvas has it; `left` is in pixels of the image."""
    return DrawnBox(box_id, CanvasBox(2 * left, 40, 60, 80), label, label, **more)


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


# --- kept as text ---------------------------------------------------------------------------


def test_it_is_read_back_as_it_was() -> None:
    was = (CanvasBox(1.5, 2, 3, 4.25), "dög <b>")
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


# --- stored, and the tab has not heard of it -------------------------------------------------

LOOKS = {label: Look(label, "#000000") for label in ("cat", "dog")}


def item(box: CanvasBox, label: str = "cat") -> dict[str, Any]:
    """A box as the canvas reports one that was drawn in it, in canvas pixels."""
    return {"type": "LabeledRect", "label": label, **dataclasses.asdict(box)}


def reading(*items: dict[str, Any], remembered: Sequence[DrawnBox] = ()) -> Reading:
    return read_drawing({"objects": list(items)}, FIT, (), LOOKS, remembered, "canvas_1")


BOXES = st.builds(
    CanvasBox,
    st.floats(0, 600).map(lambda x: round(x, 4)),
    st.floats(0, 400).map(lambda x: round(x, 4)),
    st.floats(20, 600).map(lambda x: round(x, 4)),
    st.floats(20, 500).map(lambda x: round(x, 4)),
)


@given(BOXES, st.sampled_from(["nothing", "moved", "relabeled"]))
def test_a_box_that_was_stored_unheard_keeps_its_id_whatever_was_done_to_it(
    box: CanvasBox, done: str
) -> None:
    """One instance has stored it and ended; the next one knows only the store and the canvas."""
    (stored,) = reading(item(box)).rects
    more = unheard(memo(drawn=(), given=(), stored=()), [rect("b"), stored])
    assert more == (stored,)
    remembered = [as_drawn(stored, FIT)]
    if done == "moved":
        box = dataclasses.replace(box, left=box.left + 11, top=box.top + 7)
    after = reading(item(box, "dog" if done == "relabeled" else "cat"), remembered=remembered)
    assert [one.id for one in after.rects] == [stored.id]
    assert (after.rects == (stored,)) == (done == "nothing")
    assert reading(remembered=remembered).rects == ()


def test_two_instances_give_what_is_drawn_the_same_ids() -> None:
    items = [
        item(CanvasBox(10, 10, 50, 50)),
        item(CanvasBox(10, 10, 50, 50)),
        item(CanvasBox(90, 10, 50, 50)),
    ]
    first, second = reading(*items), reading(*items)
    assert first == second
    assert len({one.id for one in first.rects}) == 3


def test_a_box_of_another_canvas_or_one_that_the_tab_knows_is_none_of_them() -> None:
    (stored,) = reading(item(CanvasBox(10, 10, 50, 50))).rects
    assert unheard(memo(key="canvas_2"), [stored]) == ()
    assert unheard(memo(given=(stored,)), [stored]) == ()
    assert unheard(memo(drawn=(drawn(stored.id),)), [stored]) == ()
    assert unheard(memo(), [rect("k3v9x2ma")]) == ()
