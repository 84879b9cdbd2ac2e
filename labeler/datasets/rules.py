"""Decides which boxes of a document go into a dataset, by the same rules in every format.

Readers of datasets fail on, or corrupt, boxes that leave the image, are under 1 px, or occur twice;
labels without a number; and images without a size. So a box is cut at the image's border and
rounded to hundredths of a pixel. Boxes and images that break a rule are left out and reported.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final, NamedTuple

from labeler.datasets.selection import Selection
from labeler.errors import DamagedDocument, InvalidDocument, UnknownLabels
from labeler.model.document import AnnotationDocument, Rect, Status, saved_time
from labeler.model.labels import LabelSet, clean_label, label_key
from labeler.model.layout import LABELS_KEY

MAX_PLACES: Final = 100
"""How many images a summary names per warning. The counts are always exact."""
_NOT_RELATIVE: Final = re.compile(r"[A-Za-z]:|.*[\\\x00-\x1f\x7f]", re.DOTALL)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NO_LABEL: Final = -1


class ExportWarning(Enum):
    """How an export differs from the project, in words for a person."""

    DAMAGED = "Images left out because their document can't be opened"
    NO_SIZE = "Images left out because their size is not known; open them once"
    BAD_NAME = "Images left out because their name is not a relative path"
    OTHER_NAME = "Images left out because their name was not asked for"
    OTHER_PART = "Images left out because they are in another part of the split"
    NO_BOX = "Images left out because they have no box of the labels asked for"
    BAD_LABEL = "Boxes left out because they have no proper label"
    OTHER_LABEL = "Boxes left out because their label was not asked for"
    SMALL = "Boxes left out because inside the image they are less than 1 px wide or high"
    TWICE = "Boxes left out because the same box is already there"
    CUT = "Boxes cut off at the image's border"
    RENAMED = "Images named with a folder in front because another one has the same name"
    SIMILAR = "Images with a name that another one has but for case or extension"


NOT_ASKED: Final = "STATUS"
"""The reason for leaving out an image whose status the selection does not include."""
_WANTED: Final = frozenset(
    {ExportWarning.OTHER_NAME, ExportWarning.OTHER_PART, ExportWarning.OTHER_LABEL}
)
"""Warnings about exclusions that the selection asked for. Their images are not named."""


class ExportBox(NamedTuple):
    """A box in whole hundredths of a pixel, inside its image. `category` is its label's number.

    With whole numbers, start and length, each as the nearest double, never add up to more than the
    limit, and equal boxes compare equal. `attributes` holds the rect's attributes as JSON with
    sorted keys, or an empty text if it has none.
    """

    category: int
    left: int
    top: int
    right: int
    bottom: int
    attributes: str = ""


@dataclass(slots=True)
class ImageResult:
    """The result for one image: a function of its document, its name, labels and selection.

    `left_out_by` is empty for an included image, else NOT_ASKED or an ExportWarning's name.
    `saved_at` is in whole seconds since 1970, 0 if it is not known. `boxes` counts the included
    boxes. `warnings` counts excluded and cut boxes by the ExportWarning's name, or is None if there
    are none. The class is not frozen, because that costs three times as much, and there are
    hundreds of thousands of results.
    """

    status: str
    left_out_by: str = ""
    width: int = 0
    height: int = 0
    saved_at: int = 0
    boxes: int = 0
    warnings: Mapping[str, int] | None = None


class ExportRules:
    """Turns documents into boxes, for one label set and one selection.

    `asked` holds the numbers of the selected labels, None if all are selected. Raises
    DamagedDocument if the labels' numbers are not 1 to N. Raises InvalidRequest if the selection
    names an unknown label.
    """

    def __init__(self, labels: LabelSet, selection: Selection) -> None:
        _check_numbers(labels)
        self.labels = labels
        self.selection = selection
        self.asked = selection.numbers(labels)
        self._known: dict[str, int] = {}
        self._unknown: dict[str, str] = {}

    def apply(
        self, document: AnnotationDocument | None, file_name: str
    ) -> tuple[ImageResult, Sequence[ExportBox]]:
        """Return the image's result and boxes. `document` is None if it cannot be opened."""
        if document is None:
            return ImageResult("", ExportWarning.DAMAGED.name), ()
        status = document.status
        if not self.selection.names_file(file_name):
            return ImageResult(status.value, ExportWarning.OTHER_NAME.name), ()
        if not self.selection.takes(status, bool(document.rects)):
            return ImageResult(status.value, NOT_ASKED), ()
        width, height = document.image_width, document.image_height
        if width is None or height is None:
            return ImageResult(status.value, ExportWarning.NO_SIZE.name), ()
        if not is_relative(file_name):
            return ImageResult(status.value, ExportWarning.BAD_NAME.name), ()
        boxes, warnings = self._boxes(document.rects, width, height)
        if self.asked is not None and not boxes:
            return ImageResult(status.value, ExportWarning.NO_BOX.name), ()
        saved_at = _seconds(document)
        return (
            ImageResult(status.value, "", width, height, saved_at, len(boxes), warnings),
            boxes,
        )

    def check(self) -> None:
        """Raise UnknownLabels if the label set lacks labels met so far; the error names them."""
        if self._unknown:
            raise UnknownLabels(sorted(self._unknown.values()))

    def _boxes(
        self, rects: Iterable[Rect], width: int, height: int
    ) -> tuple[list[ExportBox], Mapping[str, int] | None]:
        boxes: dict[tuple[int, int, int, int, int], str] = {}
        warnings: list[ExportWarning] = []
        asked, known = self.asked, self._known
        for rect in rects:
            label = rect.label
            category = known[label] if label in known else self._number(label)
            if category == _NO_LABEL:
                warnings.append(ExportWarning.BAD_LABEL)
                continue
            if asked is not None and category not in asked:
                warnings.append(ExportWarning.OTHER_LABEL)
                continue
            left, top = rect.left, rect.top
            right, bottom = left + rect.width, top + rect.height
            cut = False
            if not (left >= 0 and right <= width):
                left, right, cut = _inside(left, right, width)
            if not (top >= 0 and bottom <= height):
                top, bottom, cut_too = _inside(top, bottom, height)
                cut = cut or cut_too
            x, y = round(left * 100), round(top * 100)
            end_x, end_y = round(right * 100), round(bottom * 100)
            if end_x - x < 100 or end_y - y < 100:
                warnings.append(ExportWarning.SMALL)
                continue
            edges = (category, x, y, end_x, end_y)
            if edges in boxes:
                warnings.append(ExportWarning.TWICE)
                continue
            extra = rect.model_extra
            boxes[edges] = attributes_of(extra) if extra else ""
            if cut:
                warnings.append(ExportWarning.CUT)
        # This takes half the time of Box(...), and there are millions of boxes.
        found = [tuple.__new__(ExportBox, (*edges, said)) for edges, said in boxes.items()]
        return found, _counts(warnings) if warnings else None

    def _number(self, label: str) -> int:
        """Return the label's number, 0 if the set lacks it, _NO_LABEL if it is no proper label."""
        number = _NO_LABEL
        try:
            name = clean_label(label)
        except InvalidDocument:
            pass
        else:
            found = self.labels.find(name)
            number = found.number if found else 0
            if found is None:
                key = label_key(name)
                self._unknown[key] = min(name, self._unknown.get(key, name))
        self._known[label] = number
        return number


def attributes_of(extra: Mapping[str, Any]) -> str:
    """Return a rect's attributes as JSON. False and empty ones are left out."""
    said = {
        key: value
        for key, value in extra.items()
        if value is not None and value is not False and value != ""
    }
    return json.dumps(said, sort_keys=True, separators=(",", ":")) if said else ""


@dataclass(frozen=True, slots=True)
class ExportSummary:
    """What an export includes and what it leaves out.

    `boxes` counts by label, in the label set's order, including unused labels. `statuses` counts
    the included images, and `not_chosen` the images in a status outside the selection. `warnings`
    counts everything else that was left out or changed. `places` names the first images per
    warning.
    """

    images: int
    annotations: int
    boxes: dict[str, int]
    statuses: dict[Status, int]
    not_chosen: dict[Status, int]
    warnings: dict[ExportWarning, int]
    places: dict[ExportWarning, tuple[str, ...]]

    def lines(self) -> list[str]:
        """Return what was included and left out, for a person, one line per fact."""
        lines = []
        for what, counts in (("Images", self.statuses), ("Boxes", self.boxes)):
            known = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
            if known:
                lines.append(f"{what}: {known}")
        return lines + self.warning_lines()

    def warning_lines(self) -> list[str]:
        """Return one line for a person per kind of thing that was left out or changed."""
        lines = []
        if self.not_chosen:
            counts = ", ".join(f"{count} {status}" for status, count in self.not_chosen.items())
            lines.append(f"Images not asked for: {counts}")
        for warning, count in self.warnings.items():
            names = self.places.get(warning, ())
            more = ", …" if len(names) > 3 else ""
            places = f" ({', '.join(names[:3])}{more})" if names else ""
            lines.append(f"{warning.value}: {count}{places}")
        return lines


class SummaryBuilder:
    """Counts images and warnings, and builds the summary."""

    def __init__(self) -> None:
        self.images = 0
        self.newest = 0
        self._statuses: Counter[str] = Counter()
        self._not_chosen: Counter[str] = Counter()
        self._warnings: Counter[ExportWarning] = Counter()
        self._places: dict[ExportWarning, dict[str, None]] = {}

    def add(self, file_name: str, result: ImageResult) -> None:
        """Count one image of that name."""
        if not result.left_out_by:
            self.images += 1
            self._statuses[result.status] += 1
            if result.saved_at > self.newest:
                self.newest = result.saved_at
            if result.warnings:
                for name, count in result.warnings.items():
                    self.report(ExportWarning[name], file_name, count)
        elif result.left_out_by == NOT_ASKED:
            self._not_chosen[result.status] += 1
        else:
            self.report(ExportWarning[result.left_out_by], file_name)

    def report(self, warning: ExportWarning, file_name: str, count: int = 1) -> None:
        """Count a warning about the image of that name."""
        self._warnings[warning] += count
        if warning not in _WANTED:
            places = self._places.setdefault(warning, {})
            if len(places) < MAX_PLACES:
                places[file_name] = None

    def summary(self, boxes: dict[str, int]) -> ExportSummary:
        """Return the summary, with these boxes by label."""
        return ExportSummary(
            images=self.images,
            annotations=sum(boxes.values()),
            boxes=boxes,
            statuses=_in_order(self._statuses),
            not_chosen=_in_order(self._not_chosen),
            warnings={one: self._warnings[one] for one in ExportWarning if self._warnings[one]},
            places={one: tuple(self._places[one]) for one in ExportWarning if one in self._places},
        )


def is_relative(name: str) -> bool:
    """Return whether a reader that joins the name to its folder stays inside the folder."""
    return not _NOT_RELATIVE.match(name) and not {"", ".", ".."} & set(name.split("/"))


def _counts(warnings: Iterable[ExportWarning]) -> dict[str, int]:
    counts = Counter(warnings)
    return {one.name: counts[one] for one in ExportWarning if counts[one]}


def _in_order(counts: Counter[str]) -> dict[Status, int]:
    return {one: counts[one.value] for one in Status if counts[one.value]}


def _check_numbers(labels: LabelSet) -> None:
    for expected, label in enumerate(labels.labels, start=1):
        if label.number != expected:
            raise DamagedDocument(
                f"{LABELS_KEY}: exports need labels numbered from 1 without gaps, in order, and "
                f"{label.name!r} has the number {label.number} instead of {expected}. Repair it by "
                "hand, or restore an earlier version of it."
            )


def _inside(start: float, end: float, limit: int) -> tuple[float, float, bool]:
    """Return both ends inside the image, and whether anything was cut off."""
    low, high = max(0.0, min(start, limit)), max(0.0, min(end, limit))
    return low, high, low - start > 0.005 or end - high > 0.005


def _seconds(document: AnnotationDocument) -> int:
    return seconds_of(saved_time(document))


def seconds_of(time: datetime | None) -> int:
    """Return the time in whole seconds since 1970, 0 if it is not known."""
    return int((time - _EPOCH).total_seconds() // 1) if time is not None and time > _EPOCH else 0
