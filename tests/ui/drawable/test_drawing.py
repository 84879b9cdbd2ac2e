"""Rects to the canvas's drawing and back: nothing is lost, and each box keeps its id."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labeler.model.document import AnnotationDocument, Rect
from labeler.model.label_edits import renamed
from labeler.model.labels import LabelSet
from labeler.ui.drawable.drawing import (
    DrawnBox,
    Reading,
    fill,
    looks_of,
    read_drawing,
    tag,
    to_drawing,
)
from labeler.ui.drawable.geometry import Fit
from tests.strategies import LABELS, UNKNOWN, documents

FIT = Fit(1000, 800, 500, 400)
"""Two image pixels to one on the canvas."""

LABELS_NOW = renamed(LabelSet().added(["car", "auto"]), 2, "vehicle")
"""A box that is stored as "auto" is a vehicle today."""
Drawing = dict[str, Any]
KEY = "canvas_1"


def drawing_of(*objects: dict[str, Any]) -> Drawing:
    return {"version": "6.5.1", "objects": list(objects)}


def drawn_box(
    left: float, top: float, width: float, height: float, label: str = "car", **more: Any
) -> dict[str, Any]:
    """A box as the canvas reports one that was drawn in it."""
    return {
        "type": "LabeledRect", "originX": "left", "originY": "top",
        "left": left, "top": top, "width": width, "height": height,
        "scaleX": 1, "scaleY": 1, "angle": 0, "skewX": 0, "skewY": 0,
        "strokeDashOffset": 0, "label": label, **more,
    }  # fmt: skip


def read(drawing: Drawing, *given_rects: Rect, drawn: tuple[DrawnBox, ...] = ()) -> Reading:
    return read_drawing(drawing, FIT, given_rects, looks_of(given_rects, LABELS_NOW), drawn, KEY)


def shown(*rects: Rect, fit: Fit = FIT) -> Drawing:
    return drawing_of(*to_drawing(rects, fit, looks_of(rects, LABELS_NOW))["objects"])


def rect(
    left: float = 100, top: float = 80, width: float = 200, height: float = 160,
    label: str = "car", rect_id: str = "a",
) -> Rect:  # fmt: skip
    return Rect(left=left, top=top, width=width, height=height, label=label, id=rect_id)


def box_of(one: Rect) -> tuple[float, float, float, float]:
    return one.left, one.top, one.width, one.height


def rounded_as_fabric_does(drawing: Drawing) -> Drawing:
    """The numbers come back with four decimals."""
    for item in drawing["objects"]:
        for name in ("left", "top", "width", "height"):
            item[name] = round(item[name], 4)
    return drawing


# --- unchanged ----------------------------------------------------------------------------


@given(documents(sized=True, unknown=UNKNOWN), st.integers(50, 3000), st.integers(50, 3000))
def test_what_nobody_touched_comes_back_as_it_was(
    document: AnnotationDocument, width: int, height: int
) -> None:
    assert document.image_width
    assert document.image_height
    fit = Fit.into(document.image_width, document.image_height, width, height)
    drawing = rounded_as_fabric_does(shown(*document.rects, fit=fit))
    looks = looks_of(document.rects, LABELS_NOW)
    reading = read_drawing(drawing, fit, document.rects, looks, (), KEY)
    assert reading == Reading(document.rects, ())


@given(st.data())
def test_large_images_keep_every_decimal(data: st.DataObject) -> None:
    size = data.draw(st.tuples(st.integers(1, 12_000), st.integers(1, 12_000)))
    fit = Fit.into(*size, data.draw(st.integers(100, 2000)), data.draw(st.integers(100, 2000)))
    ends = [sorted(data.draw(st.integers(0, limit * 100)) / 100 for _ in "ab") for limit in size]
    (left, right), (top, bottom) = ends
    known = rect(left, top, round(right - left, 2), round(bottom - top, 2))
    drawing = rounded_as_fabric_does(shown(known, fit=fit))
    looks = looks_of([known], LABELS_NOW)
    assert read_drawing(drawing, fit, [known], looks, (), KEY) == Reading((known,), ())


@pytest.mark.parametrize("label", ["", "   ", "x" * 200, "two\nlines", "\u202eturned"])
def test_odd_labels_of_existing_documents_stay(label: str) -> None:
    """Format 1.0 took any text: a box is not lost because its label would be refused today."""
    odd, moved = rect(label=label), rect(10, 10, 20, 20, label=label, rect_id="b")
    drawing = shown(odd, moved)
    drawing["objects"][1]["left"] += 7
    reading = read(drawing, odd, moved)
    assert reading.rects == (odd, moved.model_copy(update={"left": 24.0}))
    assert reading.messages == ()


def test_rects_outside_the_image_stay_until_somebody_moves_them() -> None:
    outside = rect(-50, 700, 2000, 500)
    drawing = shown(outside)
    assert read(drawing, outside) == Reading((outside,), ())
    drawing["objects"][0]["left"] += 10
    moved = read(drawing, outside)
    assert box_of(moved.rects[0]) == (0, 700, 1000, 100)
    assert moved.differs


def test_an_empty_drawing_holds_nothing() -> None:
    for nothing in ({}, drawing_of(), drawing_of({"type": "Path"}, {})):
        assert read(nothing, rect()) == Reading((), ())


# --- what people do to boxes that were there ----------------------------------------------


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ({"left": 60}, (120, 80, 200, 160)),
        ({"left": 60.125, "top": 44.5555}, (120.25, 89.11, 200, 160)),
        ({"scaleX": 1.5}, (100, 80, 300, 160)),
        ({"scaleY": 0.5, "top": 60}, (100, 120, 200, 80)),
        ({"width": 10, "scaleX": 2, "flipX": True}, (100, 80, 40, 160)),
        ({"originX": "center", "originY": "center", "left": 100, "top": 80}, (100, 80, 200, 160)),
        ({"originX": "right", "originY": "bottom", "left": 150, "top": 120}, (100, 80, 200, 160)),
        ({"originX": "right", "left": 50}, (0, 80, 100, 160)),
        ({"left": -30}, (0, 80, 140, 160)),
        ({"top": 360}, (100, 720, 200, 80)),
        ({"scaleX": 40, "scaleY": 40, "left": -90, "top": -90}, (0, 0, 1000, 800)),
    ],
)
def test_a_box_is_where_it_was_left(
    change: dict[str, Any], wanted: tuple[float, float, float, float]
) -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"][0] |= change
    reading = read(drawing, known)
    assert [box_of(one) for one in reading.rects] == [wanted]
    assert [one.id for one in reading.rects] == ["a"]
    assert reading.messages == ()


def test_unknown_keys_and_the_id_stay_with_a_moved_box() -> None:
    known = Rect.model_validate(rect().model_dump() | {"score": 0.5})
    drawing = shown(known)
    drawing["objects"][0]["left"] += 1
    assert read(drawing, known).rects[0].model_dump() == known.model_dump() | {"left": 102.0}


@pytest.mark.parametrize(
    "turn", [{"angle": 12}, {"angle": -90}, {"angle": 359.5}, {"skewX": 5}, {"skewY": -3}]
)
def test_a_rotated_box_is_put_back_with_a_word(turn: dict[str, Any]) -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"][0] |= {"left": 77, **turn}
    reading = read(drawing, known)
    assert reading.rects == (known,)
    assert reading.differs
    assert "rotated" in reading.messages[0]


def test_a_full_turn_is_none() -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"][0] |= {"angle": 360}
    assert read(drawing, known) == Reading((known,), ())


def test_a_group_that_was_rotated_is_put_back_as_a_whole() -> None:
    boxes = [rect(), rect(400, 300, 50, 60, rect_id="b"), rect(700, 90, 30, 40, rect_id="c")]
    drawing = shown(*boxes)
    for item in drawing["objects"][:2]:
        item |= {"angle": 30, "left": item["left"] + 11, "top": item["top"] - 7}
    reading = read(drawing, *boxes)
    assert reading.rects == tuple(boxes)
    assert reading.differs
    assert len(reading.messages) == 1


def test_a_group_that_was_moved_moves() -> None:
    boxes = [rect(), rect(400, 300, 50, 60, rect_id="b"), rect(700, 90, 30, 40, rect_id="c")]
    drawing = shown(*boxes)
    for item in drawing["objects"][1:]:
        item["left"] += 5
        item["top"] -= 10
    reading = read(drawing, *boxes)
    assert [box_of(one) for one in reading.rects] == [
        box_of(boxes[0]), (410, 280, 50, 60), (710, 70, 30, 40),
    ]  # fmt: skip
    assert [one.id for one in reading.rects] == ["a", "b", "c"]
    assert not reading.differs


@pytest.mark.parametrize("place", [{"left": -101}, {"left": 500.0}, {"top": 401}, {"top": -80.0}])
def test_a_box_moved_out_of_the_image_is_put_back(place: dict[str, Any]) -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"][0] |= place
    reading = read(drawing, known)
    assert reading.rects == (known,)
    assert reading.differs
    assert "inside the image" in reading.messages[0]


def test_a_deleted_box_is_gone_and_an_undo_brings_it_back_as_it_was() -> None:
    boxes = [rect(), rect(400, 300, 50, 60, rect_id="b")]
    drawing = shown(*boxes)
    deleted = drawing_of(drawing["objects"][1])
    assert read(deleted, *boxes).rects == (boxes[1],)
    assert read(drawing, *boxes).rects == tuple(boxes)


def test_one_box_that_is_there_twice_becomes_two() -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"].append(drawing["objects"][0] | {"left": 300})
    reading = read(drawing, known)
    assert reading.rects[0] == known
    assert box_of(reading.rects[1]) == (600, 80, 200, 160)
    assert len({one.id for one in reading.rects}) == 2


# --- labels -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("dog", "dog"),
        ("not in the set", "not in the set"),
        ("  traffic   light ", "traffic light"),
        ('<b>"x"</b>', '<b>"x"</b>'),
        ("قطة", "قطة"),
        ("👩‍🚒", "👩‍🚒"),
        ("x" * 100, "x" * 100),
    ],
)
def test_a_box_is_relabeled(text: str, label: str) -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"][0]["label"] = text
    reading = read(drawing, known)
    assert reading.rects == (known.model_copy(update={"label": label}),)
    assert reading.messages == ()
    assert reading.differs == (text != label)


@pytest.mark.parametrize("text", ["", "   ", "x" * 200, "a\x07b", "\u202ex", "\u200b", None])
def test_a_text_that_is_no_label_is_refused_with_a_word(text: str | None) -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"][0]["label"] = text
    reading = read(drawing, known)
    assert reading.rects == (known,)
    assert reading.differs
    assert reading.messages[0].endswith("The box keeps its label.")


@pytest.mark.parametrize("text", ["", "   ", "x" * 200])
def test_a_new_box_keeps_its_first_proper_label(text: str) -> None:
    first = read(drawing_of(drawn_box(10, 10, 50, 50, "car")))
    second = read(drawing_of(drawn_box(10, 10, 50, 50, text)), drawn=first.drawn)
    assert second.rects == first.rects
    assert second.differs
    third = read(drawing_of(drawn_box(10, 10, 50, 50, "dog")), drawn=second.drawn)
    assert third.rects == (first.rects[0].model_copy(update={"label": "dog"}),)


def test_a_box_with_a_former_name_shows_todays_and_keeps_what_is_stored() -> None:
    former = rect(label="Auto")
    drawing = shown(former)
    assert drawing["objects"][0]["label"] == "vehicle"
    assert drawing["objects"][0]["stroke"] == LABELS_NOW.color("vehicle")
    assert read(drawing, former) == Reading((former,), ())
    drawing["objects"][0]["left"] += 7
    moved = read(drawing, former)
    assert moved.rects == (former.model_copy(update={"left": 114.0}),)
    assert not moved.differs
    drawing["objects"][0]["label"] = "car"
    assert read(drawing, former).rects[0].label == "car"


@pytest.mark.parametrize("stored", ["Auto", "car"])
def test_a_former_name_that_is_typed_is_taken_and_shown_anew(stored: str) -> None:
    known, other = rect(label=stored), rect(500, 400, 90, 70, "Auto", "b")
    drawing = shown(known, other)
    drawing["objects"][0]["label"] = "Auto"
    reading = read(drawing, known, other)
    assert reading.rects[0].label == "Auto"
    assert reading.differs
    new = read(drawing_of(*shown(other)["objects"], drawn_box(1, 2, 30, 40, "Auto")), other)
    assert new.rects[1].label == "Auto"
    assert new.differs


def test_a_new_box_without_a_label_waits_for_one() -> None:
    first = read(drawing_of(drawn_box(10, 10, 50, 50, "")))
    assert first.rects == ()
    assert first.messages
    second = read(drawing_of(drawn_box(10, 10, 50, 50, "dog")), drawn=first.drawn)
    assert [one.label for one in second.rects] == ["dog"]


# --- new boxes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "item",
    [
        drawn_box(10, 20, 50, 60),
        drawn_box(60, 80, -50, -60),
        drawn_box(60, 20, -50, 60),
        drawn_box(60, 80, 50, 60, scaleX=-1, scaleY=-1),
        drawn_box(60, 80, 50, 60, originX="right", originY="bottom"),
        drawn_box(35, 50, 50, 60, originX="center", originY="center"),
    ],
)
def test_a_box_may_be_drawn_from_any_corner(item: dict[str, Any]) -> None:
    reading = read(drawing_of(item))
    assert [box_of(one) for one in reading.rects] == [(20, 40, 100, 120)]
    assert reading.rects[0].label == "car"
    assert not reading.differs


@pytest.mark.parametrize(
    ("item", "wanted"),
    [
        (drawn_box(-40, -30, 100, 90), (0, 0, 120, 120)),
        (drawn_box(450, 350, 100, 90), (900, 700, 100, 100)),
        (drawn_box(-9, -9, 999, 999), (0, 0, 1000, 800)),
    ],
)
def test_a_box_over_the_edge_ends_at_the_edge(
    item: dict[str, Any], wanted: tuple[float, ...]
) -> None:
    reading = read(drawing_of(item))
    assert [box_of(one) for one in reading.rects] == [wanted]
    assert reading.differs


def test_a_box_half_a_stroke_over_the_edge_needs_no_word() -> None:
    reading = read(drawing_of(drawn_box(-1, -0.5, 100, 90)))
    assert [box_of(one) for one in reading.rects] == [(0, 0, 198, 179)]
    assert not reading.differs


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (drawn_box(50, 50, 2, 2), "too small"),
        (drawn_box(50, 50, 0, 0), "too small"),
        (drawn_box(50, 50, 4, 3), "too small"),
        (drawn_box(50, 50, 90, 60, angle=45), "rotated"),
        (drawn_box(600, 50, 90, 60), "outside"),
        (drawn_box(-200, -200, 90, 60), "outside"),
    ],
)
def test_what_is_no_box_is_left_out_with_a_word(item: dict[str, Any], told: str) -> None:
    known = rect()
    drawing = shown(known)
    drawing["objects"].append(item)
    reading = read(drawing, known)
    assert reading.rects == (known,)
    assert reading.differs
    assert [told in message for message in reading.messages] == [True]


def test_a_flat_box_with_a_drag_is_kept() -> None:
    assert len(read(drawing_of(drawn_box(50, 50, 90, 2))).rects) == 1


@pytest.mark.parametrize("value", [None, "12", float("nan"), float("inf"), True, [], {}])
@pytest.mark.parametrize("name", ["left", "width", "scaleX", "angle", "strokeDashOffset"])
def test_a_drawing_with_odd_values_is_read(name: str, value: object) -> None:
    reading = read(drawing_of(drawn_box(10, 20, 50, 60) | {name: value}), rect())
    for one in reading.rects:
        assert 0 <= one.left <= one.left + one.width <= 1000


@given(st.lists(st.tuples(*[st.integers(-100, 600)] * 4, LABELS), max_size=6))
def test_new_boxes_lie_in_the_image_and_have_ids_of_their_own(
    boxes: list[tuple[int, int, int, int, str]],
) -> None:
    reading = read(drawing_of(*(drawn_box(*box) for box in boxes)))
    ids = [one.id for one in reading.rects]
    assert len(set(ids)) == len(ids)
    for one in reading.rects:
        assert one.label
        assert 0 <= one.left <= one.left + one.width <= 1000 + 1e-9
        assert 0 <= one.top <= one.top + one.height <= 800 + 1e-9


DONE_TO_NEW = [
    ({"angle": 30, "left": 77, "top": 12}, "rotated"),
    ({"left": 600.0}, "inside the image"),
    ({"top": -99}, "inside the image"),
]


@pytest.mark.parametrize(("change", "told"), DONE_TO_NEW)
def test_a_new_box_that_is_rotated_or_moved_out_is_put_back(
    change: dict[str, Any], told: str
) -> None:
    """A group may hold boxes that were drawn a moment ago: they are no less worth."""
    item = drawn_box(10, 20, 50, 60)
    first = read(drawing_of(item))
    for _ in range(2):
        second = read(drawing_of(item | change), drawn=first.drawn)
        assert second.rects == first.rects
        assert second.differs
        assert told in second.messages[0]
        first = second


def test_a_new_box_may_become_tiny() -> None:
    first = read(drawing_of(drawn_box(10, 20, 50, 60)))
    second = read(
        drawing_of(drawn_box(10, 20, 50, 60, scaleX=0.02, scaleY=0.02)), drawn=first.drawn
    )
    assert [one.id for one in second.rects] == [first.rects[0].id]
    assert box_of(second.rects[0]) == (20, 40, 2, 2.4)
    assert second.messages == ()


def test_a_new_box_in_the_corner_of_a_deleted_one_is_another() -> None:
    first = read(drawing_of(drawn_box(10, 20, 50, 60)))
    second = read(drawing_of(), drawn=first.drawn)
    third = read(drawing_of(drawn_box(10, 20, 90, 80)), drawn=second.drawn)
    assert third.rects[0].id != first.rects[0].id
    undone = read(drawing_of(drawn_box(10, 20, 50, 60)), drawn=third.drawn)
    assert undone.rects == first.rects


def test_a_box_that_was_dragged_past_the_edge_alone_keeps_its_id_over_an_undone_deletion() -> None:
    """What is cut off at the edge leaves its rect as it was, but not its place on the canvas."""
    first = read(drawing_of(drawn_box(0, 0, 50, 60)))
    past_the_edge = drawn_box(-5, -6, 55, 66)
    second = read(drawing_of(past_the_edge), drawn=first.drawn)
    assert second.rects == first.rects
    deleted = read(drawing_of(), drawn=second.drawn)
    assert read(drawing_of(past_the_edge), drawn=deleted.drawn).rects == first.rects


def test_a_click_is_not_remembered() -> None:
    click = drawn_box(50, 50, 2, 2)
    first = read(drawing_of(click))
    assert read(drawing_of(click), drawn=first.drawn).rects == ()


# --- ids ----------------------------------------------------------------------------------


@given(st.text(max_size=12), st.text(max_size=12))
def test_a_tag_stands_for_one_id(one: str, other: str) -> None:
    assert tag(one) == tag(one)
    assert tag(one) != 0
    assert float(tag(one)) == tag(one)
    assert (tag(one) == tag(other)) == (one == other)


def test_a_color_is_see_through_inside() -> None:
    assert fill("#e6194b") == "rgba(230, 25, 75, 0.12)"


class Canvas(RuleBasedStateMachine):
    """Somebody draws, changes, deletes and undoes; after each step every box has its own id."""

    def __init__(self) -> None:
        super().__init__()
        self.random = random.Random(7)
        self.given = (rect(label="Auto"), rect(500, 400, 90, 70, rect_id="b"))
        self.objects: list[dict[str, Any]] = shown(*self.given)["objects"]
        for name, item in zip("ab", self.objects, strict=True):
            item["true"] = name
        self.past: list[list[dict[str, Any]]] = []
        self.drawn: tuple[DrawnBox, ...] = ()
        self.ids: dict[str, str] = {"a": "a", "b": "b"}
        self.sizes = iter(range(20, 10_000))

    def _remember(self) -> None:
        self.past.append(copy.deepcopy(self.objects))

    def _one(self) -> dict[str, Any]:
        return self.random.choice(self.objects)

    @rule(left=st.integers(0, 300), top=st.integers(0, 300), label=st.sampled_from(["car", "dog"]))
    def draw(self, left: int, top: int, label: str) -> None:
        """Each box has a size of its own, as boxes that people draw do."""
        self._remember()
        size = next(self.sizes)
        item = drawn_box(left, top, 10 + size / 10, 30 + size / 7, label)
        self.objects.append(item | {"true": f"new{size}"})

    @precondition(lambda self: self.objects)
    @rule(right=st.integers(1, 30), down=st.integers(1, 30))
    def move(self, right: int, down: int) -> None:
        self._remember()
        item = self._one()
        item["left"] += right
        item["top"] += down

    @precondition(lambda self: self.objects)
    @rule(scale=st.sampled_from([0.8, 1.1, 1.3]))
    def resize(self, scale: float) -> None:
        """By the handle at the right bottom corner, or the one at the left top."""
        self._remember()
        item = self._one()
        if self.random.random() < 0.5:
            item["left"] += item["width"] * item["scaleX"] * (1 - scale)
            item["top"] += item["height"] * item["scaleY"] * (1 - scale)
        item["scaleX"] = round(item["scaleX"] * scale, 4)
        item["scaleY"] = round(item["scaleY"] * scale, 4)

    @precondition(lambda self: self.objects)
    @rule(label=st.sampled_from(["car", "dog", "vehicle", "Auto"]))
    def relabel(self, label: str) -> None:
        self._remember()
        self._one()["label"] = label

    @precondition(lambda self: self.objects)
    @rule()
    def delete(self) -> None:
        self._remember()
        self.objects.remove(self._one())

    @precondition(lambda self: self.past)
    @rule()
    def undo(self) -> None:
        self.objects = self.past.pop()

    @invariant()
    def each_box_has_its_id(self) -> None:
        looks = looks_of(self.given, LABELS_NOW)
        reading = read_drawing({"objects": self.objects}, FIT, self.given, looks, self.drawn, KEY)
        self.drawn = reading.drawn
        assert len(reading.rects) == len(self.objects)
        for item, one in zip(self.objects, reading.rects, strict=True):
            assert self.ids.setdefault(item["true"], one.id) == one.id
        assert len(set(self.ids.values())) == len(self.ids)


TestCanvas = Canvas.TestCase
