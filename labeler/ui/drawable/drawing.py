"""Rects to the drawing of streamlit-drawable-canvas 0.13 and back. Pure.

The canvas (Fabric.js) knows nothing of rect IDs. Each box that it is given carries a tag in
`strokeDashOffset`, a number that has no effect on an undashed outline and survives move, resize,
relabel, undo and redo. Boxes that were drawn on the canvas have tag 0. They get an ID here, and
keep it from one reading to the next by their place.

On the canvas a box has the name and color that its label has today, its look. What is stored with
it may be a former name: a text that is still the look's becomes what was stored again.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from labeler.errors import InvalidDocument
from labeler.model.document import Rect, derived_id
from labeler.model.labels import LabelSet, clean_label
from labeler.ui.drawable.geometry import CanvasBox, Fit

STROKE: Final = 2
FONT_SIZE: Final = 13
_CLICK: Final = 2 * STROKE
"""The canvas makes boxes of this size from a click that hardly moved."""
_SAME: Final = 0.001
"""Canvas pixels; the canvas rounds its numbers to 4 decimals."""
_ORIGIN: Final = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}


class Look(NamedTuple):
    """What the canvas shows of a label: its name and its color, as #rrggbb."""

    name: str
    color: str


Looks = Mapping[str, Look]
"""By the label that is stored with a rect."""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box that was drawn on the canvas, as it was last seen there, with the rect made of it.

    One that is not `there` was deleted. An undo may bring it back just as it was.
    """

    rect: Rect
    box: CanvasBox
    there: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What the canvas shows: the rects, what to remember for the next reading, what to say.

    `differs` is True where the canvas shows something that was not taken over, so that it has to
    be drawn anew.
    """

    rects: tuple[Rect, ...]
    drawn: tuple[DrawnBox, ...]
    messages: tuple[str, ...] = ()
    differs: bool = False


@dataclass(frozen=True, slots=True)
class _CanvasBoxNow:
    """One box as the canvas shows it now."""

    tag: int
    box: CanvasBox
    text: str
    is_turned: bool


@dataclass
class _Refusals:
    messages: list[str] = field(default_factory=list)
    differs: bool = False

    def refuse(self, message: str) -> None:
        self.differs = True
        if message not in self.messages:
            self.messages.append(message)


def looks_of(rects: Iterable[Rect], labels: LabelSet) -> dict[str, Look]:
    """How the labels of `rects` look today."""
    stored = dict.fromkeys(rect.label for rect in rects)
    return {label: Look(labels.shown(label), labels.color(label)) for label in stored}


def to_drawing(rects: Sequence[Rect], fit: Fit, looks: Looks) -> dict[str, Any]:
    """The canvas's `initial_drawing` for `rects`; `looks` has all their labels."""
    objects = []
    for rect in rects:
        name, color = looks[rect.label]
        box = _box_of(rect, fit)
        objects.append(
            {
                "type": "LabeledRect",
                "label": name,
                "left": box.left,
                "top": box.top,
                "width": box.width,
                "height": box.height,
                "originX": "left",
                "originY": "top",
                "scaleX": 1,
                "scaleY": 1,
                "angle": 0,
                "fill": fill(color),
                "stroke": color,
                "strokeWidth": STROKE,
                "strokeUniform": True,
                "strokeDashOffset": tag(rect.id),
                "fontSize": FONT_SIZE,
                "lockRotation": True,
            }
        )
    return {"objects": objects}


def fill(color: str) -> str:
    """The color, nearly transparent, for the inside of a box."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.12)"


def tag(rect_id: str) -> int:
    """A number that stands for the ID on the canvas: not 0, and exact as a double."""
    return int.from_bytes(hashlib.sha256(rect_id.encode("utf-8", "replace")).digest()[:6]) + 1


def was_sent(raw: Mapping[str, Any] | None) -> bool:
    """Whether a canvas has sent this, in which Fabric.js names its version.

    Else it is what the canvas was mounted with: nobody has drawn on it, or the browser has mounted
    it a second time and lost what was drawn.
    """
    return bool(raw and raw.get("version"))


def read_drawing(
    raw: Mapping[str, Any],
    fit: Fit,
    given: Sequence[Rect],
    looks: Looks,
    drawn: Sequence[DrawnBox],
    key: str,
) -> Reading:
    """The rects that the canvas of that key shows, in its order.

    `given` are the rects of its `initial_drawing`, `looks` their looks in it, `drawn` is what the
    last reading gave. A rect whose box did not move keeps its numbers exactly; others are clipped
    to the image and rounded to two decimals. A label whose text is still its look's stays exactly
    what it was. What can't be taken over (a turned box, a click without a drag, a text that is no
    label) is put back or left out, and `messages` says so.
    """
    by_tag = {tag(rect.id): rect for rect in given}
    taken = {rect.id for rect in given} | {old.rect.id for old in drawn}
    notes = _Refusals()
    shown = [_shown(item) for item in raw.get("objects", []) if item.get("type") == "LabeledRect"]
    # Of two boxes with one tag the second is a copy, and new.
    known = [by_tag.pop(one.tag, None) for one in shown]
    untagged = [one for one, rect in zip(shown, known, strict=True) if rect is None]
    before = iter(_remembered(untagged, drawn))
    rects: list[Rect] = []
    now: list[DrawnBox] = []
    for one, rect in zip(shown, known, strict=True):
        if rect is not None:
            name = looks[rect.label].name
            rects.append(_edited(rect, _box_of(rect, fit), name, one, fit, looks, notes))
            continue
        old = next(before)
        if old is not None:
            rect = _edited(old.rect, old.box, old.rect.label, one, fit, looks, notes)
        else:
            rect = _new(one, fit, looks, notes, f"{key} {len(taken)}")
        if rect is not None:
            rects.append(rect)
            taken.add(rect.id)
            # One that was put back is remembered where it was, so that it is put back again.
            is_put_back = old is not None and _sides(rect) == _sides(old.rect)
            now.append(DrawnBox(rect, old.box if old and is_put_back else one.box))
    kept = {box.rect.id for box in now}
    deleted = [replace(old, there=False) for old in drawn if old.rect.id not in kept]
    return Reading(tuple(rects), (*now, *deleted), tuple(notes.messages), notes.differs)


def _edited(
    rect: Rect,
    was: CanvasBox,
    name: str,
    now: _CanvasBoxNow,
    fit: Fit,
    looks: Looks,
    notes: _Refusals,
) -> Rect:
    """The rect after what was done to its box, which was at `was` under the text `name`."""
    if now.is_turned:
        notes.refuse("Boxes can't be rotated. Undone.")
    elif not _same(now.box, was):
        moved = fit.to_image(now.box)
        if moved.width <= 0 or moved.height <= 0:
            notes.refuse("Boxes have to stay inside the image. Undone.")
        else:
            notes.differs |= not _inside(now.box, fit)
            sides = ("left", "top", "width", "height")
            rect = rect.model_copy(update={side: getattr(moved, side) for side in sides})
    if now.text != name:
        try:
            label = clean_label(now.text)
        except InvalidDocument as error:
            notes.refuse(f"{error.message} The box keeps its label.")
        else:
            notes.differs |= now.text != _name(label, looks)
            rect = rect.model_copy(update={"label": label})
    return rect


def _new(one: _CanvasBoxNow, fit: Fit, looks: Looks, notes: _Refusals, seed: str) -> Rect | None:
    """The rect of a box that was just drawn; None where it can't be taken over."""
    box = fit.to_image(one.box)
    if max(one.box.width, one.box.height) <= _CLICK + _SAME:
        notes.refuse("That box is too small. Drag further.")
    elif one.is_turned:
        notes.refuse("Boxes can't be rotated. The new rotated box was left out.")
    elif box.width <= 0 or box.height <= 0:
        notes.refuse("A box outside the image was left out.")
    else:
        try:
            label = clean_label(one.text)
        except InvalidDocument as error:
            notes.refuse(error.message)
            return None
        notes.differs |= not _inside(one.box, fit) or one.text != _name(label, looks)
        return Rect(
            left=box.left, top=box.top, width=box.width, height=box.height,
            label=label, id=derived_id(f"{seed} {one.box} {label}"),
        )  # fmt: skip
    return None


def _name(label: str, looks: Looks) -> str:
    """What the canvas should show of the label."""
    return looks[label].name if label in looks else label


def _remembered(now: Sequence[_CanvasBoxNow], drawn: Sequence[DrawnBox]) -> list[DrawnBox | None]:
    """What each box was at the last reading; None for a new one.

    One at the same place comes first, deleted or not. The others are those that were moved or
    resized, in their order: the canvas keeps it.
    """
    rest = list(drawn)
    found: list[DrawnBox | None] = []
    for one in now:
        same = next((old for old in rest if _same(old.box, one.box)), None)
        if same is not None:
            rest.remove(same)
        found.append(same)
    moved = (old for old in rest if old.there)
    return [old or next(moved, None) for old in found]


def _shown(item: Mapping[str, Any]) -> _CanvasBoxNow:
    width = _number(item.get("width")) * _number(item.get("scaleX", 1))
    height = _number(item.get("height")) * _number(item.get("scaleY", 1))
    left = _number(item.get("left")) - _ORIGIN[item.get("originX", "left")] * width
    top = _number(item.get("top")) - _ORIGIN[item.get("originY", "top")] * height
    angle = _number(item.get("angle")) % 360
    skew = max(abs(_number(item.get("skewX"))), abs(_number(item.get("skewY"))))
    label = item.get("label")
    return _CanvasBoxNow(
        tag=int(_number(item.get("strokeDashOffset"))),
        box=CanvasBox(left, top, width, height).normalized(),
        text=label if isinstance(label, str) else "",
        is_turned=max(min(angle, 360 - angle), skew) > 0.01,
    )


def _number(value: Any) -> float:
    """The number in a drawing; 0 for what is none."""
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number else 0.0


def _box_of(rect: Rect, fit: Fit) -> CanvasBox:
    return fit.to_canvas(CanvasBox(rect.left, rect.top, rect.width, rect.height))


def _sides(rect: Rect) -> tuple[float, float, float, float]:
    return rect.left, rect.top, rect.width, rect.height


def _same(a: CanvasBox, b: CanvasBox) -> bool:
    return (
        abs(a.left - b.left) < _SAME
        and abs(a.top - b.top) < _SAME
        and abs(a.width - b.width) < _SAME
        and abs(a.height - b.height) < _SAME
    )


def _inside(box: CanvasBox, fit: Fit) -> bool:
    return (
        box.left >= -1
        and box.top >= -1
        and box.left + box.width <= fit.canvas_width + 1
        and box.top + box.height <= fit.canvas_height + 1
    )
