"""The result of reading a dataset: images with boxes, and the problems on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from labeler.errors import InvalidImport
from labeler.runtime.visible_text import shortened

MAX_KEPT: Final = 10_000
"""How many problems are kept with their places. The counts are always exact."""
_MOST_TOLD: Final = 600
"""Characters of a reason: many quote the file, which may have a text of any length there."""
MAX_NUMBER: Final = 1e12
"""The largest number that is taken: far beyond every image."""

_NOTHING: Final[Mapping[str, Any]] = {}


class ImportedBox(NamedTuple):
    """One box as a file has it: left, top, width and height, in pixels or shares of the image.

    `label` is the file's own text, not yet checked. `place` says where in the file the box stands.
    `attributes` are kept as keys of the rect.
    """

    label: str
    left: float
    top: float
    width: float
    height: float
    place: str
    attributes: Mapping[str, Any] = _NOTHING


class ImportedImage(NamedTuple):
    """One image of a dataset.

    An image without boxes was looked at by a person, unless `is_annotated` is False. `name` is the
    name or path in the file, or the file's own path if the file gives none. Its extension may be
    missing (`any_extension`). `width` and `height` are the size that the file states, if any. With
    `shares`, boxes are in shares of the image's width and height (0 to 1), else in pixels. `lost`
    counts the file's entries for the image that are not among `boxes`: such an image is never
    emptied and never marked done. `is_annotated` is False if the file says that nobody has
    annotated the image yet, or does not tell. `folder` is the image's folder as the file states it
    apart from the name. With `as_displayed`, boxes are on the photo as displayed, although its size
    may be that of the photo as stored.
    """

    name: str
    boxes: tuple[ImportedBox, ...]
    file: str
    place: str = ""
    width: int | None = None
    height: int | None = None
    shares: bool = False
    any_extension: bool = False
    lost: int = 0
    is_annotated: bool = True
    folder: str = ""
    as_displayed: bool = False


class Problem(NamedTuple):
    """One thing that was left out or changed: its location and the reason.

    A `fault` is something unreadable, such as a damaged file or an invalid number. Without `fault`,
    it was understood and then left out or changed.
    """

    file: str
    place: str
    reason: str
    fault: bool = False

    def line(self) -> str:
        """Return the problem on one line, for a person."""
        where = f"{self.file}: {self.place}" if self.file and self.place else self.file + self.place
        return f"{where}: {self.reason}"


class Problems:
    """Collects problems: the first 10,000 with their places, and the counts of all.

    `labels` are the labels that a file lists beside its boxes, in its order. `left_out` counts
    everything left out, including faults. The rest was changed on import, or kept as asked.
    """

    def __init__(self) -> None:
        self.kept: list[Problem] = []
        self.count = 0
        self.faults = 0
        self.left_out = 0
        self.labels: list[str] = []

    def note(self, file: str, place: str, reason: str) -> None:
        """Note something that was changed on import, or kept as asked."""
        self._add(Problem(file, place, reason))

    def skip(self, file: str, place: str, reason: str) -> None:
        """Note something that was understood and left out."""
        self.left_out += 1
        self._add(Problem(file, place, reason))

    def fault(self, file: str, place: str, reason: str) -> None:
        """Note something that is unreadable and was left out."""
        self.left_out += 1
        self._add(Problem(file, place, reason, fault=True))

    def refused(self, file: str, error: InvalidImport) -> None:
        """Note one rejected file among others."""
        reason = error.message.removeprefix(f"{file}: ").rstrip(".")
        self.fault(file, "", f"it{reason[len(file) :]}" if reason.startswith(file) else reason)

    def add(self, other: Problems) -> None:
        """Add all problems of another collection."""
        self.left_out += other.left_out
        self.count += other.count - len(other.kept)
        self.faults += other.faults - sum(problem.fault for problem in other.kept)
        for problem in other.kept:
            self._add(problem)

    def _add(self, problem: Problem) -> None:
        # Names on disk and JSON may hold lone surrogates, which cannot be sent on.
        file, place, reason = (
            shortened(text, _MOST_TOLD).encode("utf-8", "backslashreplace").decode()
            for text in problem[:3]
        )
        problem = Problem(file, place, reason, problem.fault)
        self.count += 1
        self.faults += problem.fault
        if len(self.kept) < MAX_KEPT:
            self.kept.append(problem)


def around(points: Iterable[tuple[float, float]]) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the box around these points.

    Raises ValueError if there are no points.
    """
    pairs = list(points)
    if not all(map(math.isfinite, (value for pair in pairs for value in pair))):
        raise ValueError("a coordinate is not a finite number")
    if not pairs:
        raise ValueError("it has no points")
    left, top = (min(pair[axis] for pair in pairs) for axis in (0, 1))
    right, bottom = (max(pair[axis] for pair in pairs) for axis in (0, 1))
    return left, top, right - left, bottom - top


def turned(
    left: float, top: float, width: float, height: float, degrees: float, *, about_center: bool
) -> tuple[float, float, float, float]:
    """Return the upright box around a box turned clockwise about its center or left top corner."""
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = (left + width / 2, top + height / 2) if about_center else (left, top)
    corners = [(left + across - x, top + down - y) for across in (0, width) for down in (0, height)]
    return around((x + dx * cos - dy * sin, y + dx * sin + dy * cos) for dx, dy in corners)


def number(value: Any) -> float:
    """Return the value as a number. Raises ValueError for texts, booleans and what `_checked` has.

    What a few sums and products make of such numbers is finite as well.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{shown(value)} is not a number")
    try:
        found = float(value)
    except OverflowError as error:
        raise ValueError("a number is too large") from error
    return _checked(found, value)


def number_in(text: str | None) -> float:
    """Return the text as a number. Raises ValueError for anything else, as `number` does."""
    try:
        found = float(text or "")
    except ValueError as error:
        raise ValueError(f"{shown(text)} is not a number") from error
    return _checked(found, text)


def _checked(found: float, value: Any) -> float:
    """Return the number. Raises ValueError for `nan`, `inf` and whatever no image can have."""
    if not math.isfinite(found):
        raise ValueError(f"{shown(value)} is not a finite number")
    if abs(found) > MAX_NUMBER:
        raise ValueError("a number is too large")
    return found


def side_of(value: Any) -> int | None:
    """Return an image's side in pixels, from a number or a text, or None if it is unknown."""
    try:
        found = number_in(value) if isinstance(value, str) else number(value)
    except ValueError:
        return None
    return int(found) if found >= 1 and found.is_integer() else None


def may_hold_boxes(value: Any) -> bool:
    """Return whether a value under an unknown key may hold boxes.

    They are lists or objects in a list, or in an object. A list of numbers or texts, or an object
    of them, describes the image.
    """
    if isinstance(value, dict):
        value = list(value.values())
    return isinstance(value, list) and any(isinstance(one, list | dict) and one for one in value)


def names_image(value: Any) -> bool:
    """Return whether an element of an unknown list says which image it belongs to."""
    return isinstance(value, dict) and any(
        key.lower().startswith(("image", "img", "file")) for key in value
    )


def other_format(keys: Iterable[str], element: Any = None) -> str:
    """Return a clause that says what a JSON file with these outermost keys looks like, or "".

    An empty key stands for an outermost list, and `element` is one of its elements.
    """
    found = set(keys)
    of_element = set(element) if isinstance(element, dict) else set()
    if {"shapes", "imagePath"} <= found:
        return " It looks like a file of labelme: choose that format."
    if {"images", "annotations"} <= found:
        return " It looks like a COCO dataset: choose that format."
    if {"image_id", "category_id"} <= of_element:
        return " It looks like the results of a detector: choose the dataset that they belong to."
    if "" in found and of_element & {
        "data",
        "image",
        "annotations",
        "annotation_id",
        "predictions",
    }:
        return " It looks like an export of Label Studio: choose that format."
    return ""


def shown(value: Any) -> str:
    """Return a value from a file for a message, shortened."""
    text = repr(value) if value is not None else "nothing"
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]
