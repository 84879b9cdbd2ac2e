"""Rects to the drawing of streamlit-drawable-canvas 0.13 and back. Pure.

The canvas (Fabric.js) knows nothing of rect ids. Each box that it is given carries a tag in
`strokeDashOffset`, a number that has no effect on an undashed outline and survives move, resize,
relabel, undo and redo. Boxes drawn in the canvas have tag 0 and get their id here, found again
from one reading to the next by what stayed the same about them. The id follows from the canvas and
from what is drawn, so that two instances that read the same drawing give the same box one id.

On the canvas a box has the name and color that its label has today, its look. What is stored with
it may be a former name: a text that is still the look's becomes what was stored again.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from labeler.errors import InvalidDocument
from labeler.model.document import Rect
from labeler.model.labels import LabelSet, clean_label
from labeler.ui.drawable.geometry import CanvasBox, Fit

STROKE: Final = 2
FONT_SIZE: Final = 13
_CLICK: Final = 2 * STROKE
"""The canvas makes boxes of this size from a click that hardly moved."""
_SAME: Final = 0.001
"""Canvas pixels; the canvas rounds its numbers to 4 decimals."""
_MOST_EARLIER: Final = 50
_MARK: Final = 4
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_TURNED: Final = "Boxes can't be rotated. Undone."
_MOVED_OUT: Final = "Boxes have to stay inside the image. Undone."
_ORIGIN: Final = {"left": 0.0, "top": 0.0, "center": 0.5, "right": 1.0, "bottom": 1.0}


class Look(NamedTuple):
    """What the canvas shows of a label: its name and its color, as #rrggbb."""

    name: str
    color: str


Looks = Mapping[str, Look]
"""By the label that is stored with a rect."""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A box that was drawn in the canvas, as last seen there, under the id it was given.

    `text` is what the canvas shows as its label, `label` the last proper label of the box. One
    that is not `there` was deleted, and an undo may bring it back just as it was. `earlier` is
    what it was before its last changes, to which undo and redo may take it at one go. `slack` is by
    how many canvas pixels `box` may be off where it was read from the store.
    """

    id: str
    box: CanvasBox
    text: str
    label: str = ""
    there: bool = True
    earlier: tuple[tuple[CanvasBox, str], ...] = ()
    slack: float = 0.0


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
class _Untagged:
    """A box that was drawn in the canvas, as it shows it now, at its place in the order."""

    place: int
    box: CanvasBox
    text: str
    turned: bool


@dataclass
class _Notes:
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
        box = fit.to_canvas(CanvasBox(rect.left, rect.top, rect.width, rect.height))
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
    """A number that stands for the id on the canvas: not 0, and exact as a double."""
    return int.from_bytes(hashlib.sha256(rect_id.encode("utf-8", "replace")).digest()[:6]) + 1


def was_sent(raw: Mapping[str, Any] | None) -> bool:
    """Whether a canvas has sent this, in which Fabric.js names its version.

    Else it is what the canvas was mounted with: nobody has used it, or the browser has mounted it a
    second time and lost what was drawn on it.
    """
    return bool(raw and raw.get("version"))


def read_drawing(
    raw: Mapping[str, Any] | None,
    fit: Fit,
    given: Sequence[Rect],
    looks: Looks,
    drawn: Sequence[DrawnBox],
    key: str = "",
) -> Reading:
    """The rects that the canvas of that key shows, in its order.

    `given` are the rects of its `initial_drawing`, `looks` their looks in it, `drawn` is what the
    last reading gave. A rect whose box did not move keeps its numbers exactly; others are clipped
    to the image and rounded to two decimals. One whose text is still its look's keeps its label
    exactly. What can't be taken over (a turned box, a click without a drag, a text that is no
    label) is put back or left out, and `messages` says so.
    """
    by_tag = {tag(rect.id): rect for rect in given}
    notes = _Notes()
    rects: list[Rect | None] = []
    untagged: list[_Untagged] = []
    for item in (raw or {}).get("objects", []):
        if item.get("type") != "LabeledRect":
            continue
        # Of two boxes with one tag the second is a copy, and new.
        known = by_tag.pop(int(_number(item.get("strokeDashOffset"))), None)
        if known is None:
            untagged.append(_Untagged(len(rects), _box(item), _text(item), _turned(item)))
        rects.append(known and _taken_over(known, item, fit, looks, notes))
    taken = {rect.id for rect in given} | {box.id for box in drawn}
    kept: list[DrawnBox] = []
    for one, before in zip(untagged, _remembered(untagged, drawn), strict=True):
        found = _drawn(one, before, fit, looks, notes)
        if found is not None:
            if not found.id:
                found = replace(found, id=_id_on(key, found, taken))
                taken.add(found.id)
            kept.append(found)
            rects[one.place] = _new_rect(found, fit)
    kept_ids = {box.id for box in kept}
    deleted = [replace(box, there=False) for box in drawn if box.id not in kept_ids]
    result = tuple(rect for rect in rects if rect is not None)
    return Reading(result, (*kept, *deleted), tuple(notes.messages), notes.differs)


def _taken_over(
    known: Rect, item: Mapping[str, Any], fit: Fit, looks: Looks, notes: _Notes
) -> Rect:
    """The rect after what was done to it on the canvas."""
    rect, box = known, _box(item)
    if _turned(item):
        notes.refuse(_TURNED)
    elif not _same(box, fit.to_canvas(CanvasBox(known.left, known.top, known.width, known.height))):
        moved = fit.to_image(box)
        if moved.width <= 0 or moved.height <= 0:
            notes.refuse(_MOVED_OUT)
        else:
            rect = rect.model_copy(
                update={
                    "left": moved.left,
                    "top": moved.top,
                    "width": moved.width,
                    "height": moved.height,
                }
            )
            notes.differs |= not _inside(box, fit)
    label = _text(item)
    if label != looks[known.label].name:
        rect = rect.model_copy(update={"label": _label(label, known.label, looks, notes)})
    return rect


def _drawn(
    one: _Untagged, before: DrawnBox | None, fit: Fit, looks: Looks, notes: _Notes
) -> DrawnBox | None:
    """The box that was drawn in the canvas; as it was before where that can't be taken over.

    None where it is new and can't be taken over; without an id where it is new.
    """
    outside = min(fit.to_image(one.box).width, fit.to_image(one.box).height) <= 0
    if before is None and max(one.box.width, one.box.height) <= _CLICK + _SAME:
        notes.refuse("That box is too small. Drag further.")
    elif before is None and one.turned:
        notes.refuse("Boxes can't be rotated; the rotated new box was left out.")
    elif before is None and outside:
        notes.refuse("A box outside the picture was left out.")
    elif one.turned:
        notes.refuse(_TURNED)
    elif outside:
        notes.refuse(_MOVED_OUT)
    else:
        notes.differs |= not _inside(one.box, fit)
        label = _label(one.text, before.label if before else "", looks, notes)
        if before is None:
            return DrawnBox("", one.box, one.text, label)
        state = (before.box, before.text)
        changed = state != (one.box, one.text)
        earlier = (*before.earlier, state)[-_MOST_EARLIER:] if changed else before.earlier
        return replace(
            before,
            box=one.box,
            text=one.text,
            label=label,
            there=True,
            earlier=earlier,
            slack=0.0,
        )
    return before


def drawn_on(key: str, rect_id: str) -> bool:
    """Whether an id was given to a box that was drawn on the canvas of that key."""
    return len(rect_id) == 3 * _MARK and rect_id.startswith(_letters(key, _MARK))


def _id_on(key: str, found: DrawnBox, taken: Set[str]) -> str:
    for number in itertools.count():
        text = f"{key} {found.box} {found.text} {number}"
        rect_id = _letters(key, _MARK) + _letters(text, 2 * _MARK)
        if rect_id not in taken:
            return rect_id
    raise AssertionError("unreachable")


def _letters(text: str, count: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest())
    return "".join(_ALPHABET[number // 36**place % 36] for place in range(count))


def _new_rect(found: DrawnBox, fit: Fit) -> Rect | None:
    """The rect of a drawn box; None while it has no proper label."""
    box = fit.to_image(found.box)
    if not found.label:
        return None
    return Rect(
        left=box.left, top=box.top, width=box.width, height=box.height,
        label=found.label, id=found.id,
    )  # fmt: skip


def _label(text: str, before: str, looks: Looks, notes: _Notes) -> str:
    try:
        label = clean_label(text)
    except InvalidDocument as error:
        notes.refuse(f"{error.message} The box keeps its label." if before else error.message)
        return before
    notes.differs |= text != (looks[label].name if label in looks else label)
    return label


def _remembered(untagged: Sequence[_Untagged], drawn: Sequence[DrawnBox]) -> list[DrawnBox | None]:
    """What each was at the last reading.

    An equal one comes first, then one that was like this earlier, then one that was moved or
    resized. A moved or turned box keeps its size, a resized one at least one corner, a relabeled
    one all of it. What is like none of the remembered is new: None.
    """
    rest = list(drawn)
    found: list[DrawnBox | None] = [None] * len(untagged)
    for like in (_equal, _once, _relabeled, _moved_or_resized):
        for index, one in enumerate(untagged):
            if found[index] is None:
                match = next((old for old in rest if like(old, one.box, one.text)), None)
                if match is not None:
                    rest.remove(match)
                    found[index] = match
    return found


def _equal(old: DrawnBox, box: CanvasBox, label: str) -> bool:
    return _same(old.box, box, old.slack) and old.text == label


def _once(old: DrawnBox, box: CanvasBox, label: str) -> bool:
    return any(_same(was, box) and text == label for was, text in old.earlier)


def _relabeled(old: DrawnBox, box: CanvasBox, _label: str) -> bool:
    return _same(old.box, box, old.slack)


def _moved_or_resized(old: DrawnBox, box: CanvasBox, label: str) -> bool:
    if old.text != label or not old.there:
        return False
    a, b, within = old.box, box, _SAME + old.slack
    if abs(a.width - b.width) < within and abs(a.height - b.height) < within:
        return True
    across = abs(a.left - b.left) < within or _near(a.left + a.width, b.left + b.width)
    down = abs(a.top - b.top) < within or _near(a.top + a.height, b.top + b.height)
    return across and down


def _near(a: float, b: float) -> bool:
    """Equal but for the rounding of a scale to 4 decimals."""
    return abs(a - b) < 0.2


def _text(item: Mapping[str, Any]) -> str:
    label = item.get("label")
    return label if isinstance(label, str) else ""


def _box(item: Mapping[str, Any]) -> CanvasBox:
    width = _number(item.get("width")) * _number(item.get("scaleX", 1))
    height = _number(item.get("height")) * _number(item.get("scaleY", 1))
    left = _number(item.get("left")) - _ORIGIN[item.get("originX", "left")] * width
    top = _number(item.get("top")) - _ORIGIN[item.get("originY", "top")] * height
    return CanvasBox(left, top, width, height).normalized()


def _number(value: Any) -> float:
    """The number in a drawing; 0 for what is none."""
    is_number = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if is_number else 0.0


def _turned(item: Mapping[str, Any]) -> bool:
    angle = _number(item.get("angle")) % 360
    skewed = abs(_number(item.get("skewX"))) > 0.01 or abs(_number(item.get("skewY"))) > 0.01
    return min(angle, 360 - angle) > 0.01 or skewed


def _same(a: CanvasBox, b: CanvasBox, slack: float = 0.0) -> bool:
    within = _SAME + slack
    return (
        abs(a.left - b.left) < within
        and abs(a.top - b.top) < within
        and abs(a.width - b.width) < within
        and abs(a.height - b.height) < within
    )


def _inside(box: CanvasBox, fit: Fit) -> bool:
    return (
        box.left >= -1
        and box.top >= -1
        and box.left + box.width <= fit.canvas_width + 1
        and box.top + box.height <= fit.canvas_height + 1
    )
