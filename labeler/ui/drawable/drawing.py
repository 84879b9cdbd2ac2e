"""Rects to the drawing of streamlit-drawable-canvas 0.13 and back. Pure.

The canvas (Fabric.js) does not know rect IDs. Each box that it is given carries a tag in
`strokeDashOffset`, a number that has no effect on an undashed outline and survives move, resize,
relabel, undo and redo. Boxes that were drawn on the canvas have tag 0. They get an ID here, and are
recognized by their place in later readings.

On the canvas a box has its look: the current name and color of its label. The stored text may be a
former name. If the text on the canvas is unchanged, the stored text is kept.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from labeler.errors import InvalidDocument
from labeler.model.document import Rect, derived_id
from labeler.model.labels import LabelSet, new_label
from labeler.ui.drawable.geometry import CanvasBox, Fit

STROKE: Final = 2
FONT_SIZE: Final = 13
_CLICK: Final = 2 * STROKE
"""The canvas makes boxes of this size from a click with hardly any movement."""
_SAME: Final = 0.001
"""Canvas pixels; the canvas rounds its numbers to 4 decimals."""
_ORIGIN: Final = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}


class Look(NamedTuple):
    """What the canvas shows of a label: its name and its color, as #rrggbb."""

    name: str
    color: str


Looks = Mapping[str, Look]
"""The looks by the label that is stored with a rect."""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box that was drawn on the canvas, as it was last seen there, with its rect.

    A box that is not `there` was deleted. An undo may bring it back exactly as it was.
    """

    rect: Rect
    box: CanvasBox
    there: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of the canvas: the rects, the state for the next reading, and the messages.

    `differs` is True if the canvas shows anything that was rejected, so that it has to be drawn
    again.
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
    """The current looks of the labels of `rects`."""
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
    """Whether a canvas has sent this, because Fabric.js names its version in it.

    Otherwise it is what the canvas was mounted with: nobody has drawn on it, or the browser has
    mounted it a second time and lost the drawing.
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
    """The rects that the canvas with that key shows, in its order.

    `given` are the rects of its `initial_drawing`, `looks` their looks in it, and `drawn` comes
    from the last reading. A rect whose box did not move keeps its numbers exactly; others are
    clipped to the image and rounded to two decimals. A label whose text is unchanged is kept
    exactly. Invalid changes (a turned box, a click without a drag, a text that is not a label) are
    reverted or left out, and `messages` says so.
    """
    by_tag = {tag(rect.id): rect for rect in given}
    taken = {rect.id for rect in given} | {old.rect.id for old in drawn}
    notes = _Refusals()
    shown = [_shown(item) for item in raw.get("objects", []) if item.get("type") == "LabeledRect"]
    # Of two boxes with one tag the second is a copy and counts as new.
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
            # A reverted box is remembered where it was, so that it is reverted again.
            now.append(DrawnBox(rect, old.box if old and _is_put_back(one, fit) else one.box))
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
    """The rect after the changes to its box, which was at `was` with the text `name`."""
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
            label = new_label(now.text)
        except InvalidDocument as error:
            notes.refuse(f"{error.message} The box keeps its label.")
        else:
            notes.differs |= now.text != _name(label, looks)
            rect = rect.model_copy(update={"label": label})
    return rect


def _is_put_back(one: _CanvasBoxNow, fit: Fit) -> bool:
    """Whether a box that was known before goes back to where it was."""
    box = fit.to_image(one.box)
    return one.is_turned or box.width <= 0 or box.height <= 0


def _new(one: _CanvasBoxNow, fit: Fit, looks: Looks, notes: _Refusals, seed: str) -> Rect | None:
    """The rect of a newly drawn box; None if it is rejected."""
    box = fit.to_image(one.box)
    if max(one.box.width, one.box.height) <= _CLICK + _SAME:
        notes.refuse("That box is too small. Drag further.")
    elif one.is_turned:
        notes.refuse("Boxes can't be rotated. The new rotated box was left out.")
    elif box.width <= 0 or box.height <= 0:
        notes.refuse("A box outside the image was left out.")
    else:
        try:
            label = new_label(one.text)
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
    """The look of the label on the canvas."""
    return looks[label].name if label in looks else label


def _remembered(now: Sequence[_CanvasBoxNow], drawn: Sequence[DrawnBox]) -> list[DrawnBox | None]:
    """What each box was at the last reading; None for a new one.

    A box at the same place comes first, deleted or not. The others were moved or resized, and match
    in their order, because the canvas keeps it.
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
    """The number in a drawing; 0 if the value is not a number."""
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number else 0.0


def _box_of(rect: Rect, fit: Fit) -> CanvasBox:
    return fit.to_canvas(CanvasBox(rect.left, rect.top, rect.width, rect.height))


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
