"""COCO: the project's boxes as one file that every reader of COCO takes without damage.

The file is a function of the images and the label set: no clock, the same in, the same bytes out.
What its rules are: strict ASCII JSON; numbers of images, categories and annotations from 1;
boxes to 2 decimals, inside the image as computed in doubles, at least 1 px each way, none twice in
an image. What does not fit is left out and reported.

`file_name` is the object's name below uploads/. Two images whose names differ only in case or
extension keep them, for a file that can't be found is worse; they are reported, since some
readers take them for one. Two that are just the same (nobody kept the originals) are told apart
by the image ID in front.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Final, NamedTuple, Self

from labeler.errors import DamagedDocument, InvalidDocument, UnknownLabels
from labeler.labels import LABELS_KEY, LabelSet, clean_label, label_key
from labeler.models import AnnotationDocument, Rect, Status, saved_time
from labeler.selection import has_result

MAX_NUMBER: Final = 2**31 - 1
MAX_PLACES: Final = 100
"""How many images a summary names for each finding; the counts are always exact."""

_SPOOL_BYTES: Final = 4 * 2**20
_CHUNK_BYTES: Final = 2**18
_BATCH: Final = 500
_NO_TIME: Final = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_RELATIVE: Final = re.compile(r"[A-Za-z]:|.*[\\\x00-\x1f\x7f]", re.DOTALL)


class CocoImage(NamedTuple):
    """One image of the project. Its number is from 1 and never changes.

    `document` is None where it can't be opened; then the image is left out and reported.
    `file_name` is the name of the original below uploads/; empty means the document's.
    """

    number: int
    document: AnnotationDocument | None
    file_name: str = ""


class Finding(Enum):
    """What was left out or changed, in words for a person."""

    DAMAGED = "Images left out because their document can't be opened"
    NO_SIZE = "Images left out because their size is not known; open them once"
    BAD_NAME = "Images left out because their name is not a relative path"
    BAD_LABEL = "Boxes left out because they have no proper label"
    SMALL = "Boxes left out because inside the image they are less than 1 px wide or high"
    TWICE = "Boxes left out because the same box is there already"
    CUT = "Boxes cut off at the image's border"
    RENAMED = "Images named with a folder in front because another one has the same name"
    SIMILAR = "Images with a name that another one has but for case or extension"


class Place(NamedTuple):
    """Where something was found; `rect_id` is empty for a whole image."""

    file_name: str
    rect_id: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What went into a file and what did not.

    `boxes` counts by label, in the label set's order, unused labels too; `statuses` counts the
    images in the file, `not_chosen` those that nobody asked for. `findings` counts what was left
    out or changed; `places` names the first of each.
    """

    images: int
    annotations: int
    boxes: dict[str, int]
    statuses: dict[Status, int]
    not_chosen: dict[Status, int]
    findings: dict[Finding, int]
    places: dict[Finding, tuple[Place, ...]]

    def left_out_lines(self) -> list[str]:
        """A line for a person for each thing that was left out or changed."""
        lines = []
        if self.not_chosen:
            counts = ", ".join(f"{count} {status}" for status, count in self.not_chosen.items())
            lines.append(f"Images not asked for: {counts}")
        for finding, count in self.findings.items():
            names = list(dict.fromkeys(place.file_name for place in self.places[finding]))
            more = ", …" if len(names) > 3 else ""
            lines.append(f"{finding.value}: {count} ({', '.join(names[:3])}{more})")
        return lines


def to_coco(
    images: Iterable[CocoImage],
    labels: LabelSet,
    chosen: Callable[[AnnotationDocument], bool] = has_result,
) -> CocoFile:
    """The COCO file of the `chosen` ones of `images`, which come in ascending order of numbers.

    All of `images` is read, once, before this returns, and none is held: memory stays flat, and a
    failure leaves no half a file. Close the result, or use it in a `with`.

    Raises UnknownLabels, which names all labels in use that `labels` lacks; DamagedDocument where
    the numbers of `labels` are not 1 to N; ValueError for numbers of images that do not ascend.
    """
    writer = _Writer(labels)
    try:
        for image in images:
            if image.document is not None and not chosen(image.document):
                writer.not_chosen[image.document.status] += 1
            else:
                writer.add(image)
        return writer.finished()
    except BaseException:
        writer.close()
        raise


class CocoFile:
    """A finished COCO file, and the summary of what is in it."""

    def __init__(self, parts: list[bytes | SpooledTemporaryFile[bytes]], summary: Summary) -> None:
        self._parts = parts
        self.summary = summary

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes from its beginning, in pieces of at most 256 KiB."""
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
                continue
            part.seek(0)
            while chunk := part.read(_CHUNK_BYTES):
                yield chunk

    def close(self) -> None:
        """Give up what holds the bytes; calling twice is harmless."""
        for part in self._parts:
            if not isinstance(part, bytes):
                part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Array:
    """The elements of a JSON array on their way into a file; in memory while they are few."""

    def __init__(self) -> None:
        self.spool = SpooledTemporaryFile[bytes](_SPOOL_BYTES)
        self.count = 0
        self._batch: list[str] = []

    def add(self, element: str) -> None:
        self._batch.append(element if self.count == 0 else f",\n{element}")
        self.count += 1
        if len(self._batch) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        self.spool.write("".join(self._batch).encode("ascii"))
        self._batch.clear()


class _Writer:
    """Takes image after image; what it holds grows only by the images' names."""

    def __init__(self, labels: LabelSet) -> None:
        _check_numbers(labels)
        self.not_chosen: Counter[Status] = Counter()
        self._labels = labels
        self._known: dict[str, int | None] = {}
        self._unknown: dict[str, str] = {}
        self._names: set[str] = set()
        self._stems: set[str] = set()
        self._images = _Array()
        self._annotations = _Array()
        self._number = 0
        self._newest = _NO_TIME
        self._boxes: Counter[int] = Counter()
        self._statuses: Counter[Status] = Counter()
        self._places: dict[Finding, list[Place]] = {}
        self._findings: Counter[Finding] = Counter()

    def add(self, image: CocoImage) -> None:
        number, document, file_name = image
        if not self._number < number <= MAX_NUMBER:
            raise ValueError(f"image number {number} after {self._number}")
        self._number = number
        if document is None:
            self._report(Finding.DAMAGED, file_name)
            return
        file_name = file_name or document.image_path
        width, height = document.image_width, document.image_height
        if width is None or height is None:
            self._report(Finding.NO_SIZE, file_name)
            return
        if not _is_relative(file_name):
            self._report(Finding.BAD_NAME, file_name)
            return
        name = self._unique(file_name, document.metadata.image_id or str(number), number)
        self._images.add(
            f'{{"id":{number},"file_name":{json.dumps(name)},"width":{width},"height":{height}}}'
        )
        self._statuses[document.status] += 1
        self._newest = max(self._newest, saved_time(document) or _NO_TIME)
        self._add_rects(number, document.rects, name, width, height)

    def finished(self) -> CocoFile:
        if self._unknown:
            raise UnknownLabels(sorted(self._unknown.values()))
        self._images.flush()
        self._annotations.flush()
        info = {
            "description": "Labelled boxes, exported by Labeler",
            "version": "1.0",
            "date_created": self._newest.isoformat(timespec="seconds"),
        }
        categories = ",\n".join(
            f'{{"id":{label.number},"name":{json.dumps(label.name)},"supercategory":""}}'
            for label in self._labels.labels
        )
        head = f'{{"info":{json.dumps(info)},\n"licenses":[],\n"images":[\n'
        parts: list[bytes | SpooledTemporaryFile[bytes]] = [
            head.encode("ascii"),
            self._images.spool,
            b'\n],\n"annotations":[\n',
            self._annotations.spool,
            f'\n],\n"categories":[\n{categories}\n]}}\n'.encode("ascii"),
        ]
        return CocoFile(parts, self._summary())

    def close(self) -> None:
        self._images.spool.close()
        self._annotations.spool.close()

    def _summary(self) -> Summary:
        return Summary(
            images=self._images.count,
            annotations=self._annotations.count,
            boxes={label.name: self._boxes[label.number] for label in self._labels.labels},
            statuses={one: self._statuses[one] for one in Status if self._statuses[one]},
            not_chosen={one: self.not_chosen[one] for one in Status if self.not_chosen[one]},
            findings={one: self._findings[one] for one in Finding if self._findings[one]},
            places={one: tuple(self._places[one]) for one in Finding if self._findings[one]},
        )

    def _add_rects(
        self, image: int, rects: Iterable[Rect], name: str, width: int, height: int
    ) -> None:
        seen: set[tuple[int, ...]] = set()
        for rect in rects:
            category = self._category(rect.label)
            left, right, cut_x = _span(rect.left, rect.width, width)
            top, bottom, cut_y = _span(rect.top, rect.height, height)
            box = (category or 0, left, top, right, bottom)
            if category is None:
                self._report(Finding.BAD_LABEL, name, rect.id)
            elif right - left < 100 or bottom - top < 100:
                self._report(Finding.SMALL, name, rect.id)
            elif box in seen:
                self._report(Finding.TWICE, name, rect.id)
            else:
                seen.add(box)
                if cut_x or cut_y:
                    self._report(Finding.CUT, name, rect.id)
                self._boxes[category] += 1
                w, h = (right - left) / 100, (bottom - top) / 100
                self._annotations.add(
                    f'{{"id":{self._annotations.count + 1},"image_id":{image},'
                    f'"category_id":{category},"bbox":[{left / 100},{top / 100},{w},{h}],'
                    f'"area":{w * h},"iscrowd":0,"segmentation":[]}}'
                )

    def _category(self, label: str) -> int | None:
        """The number of the label's category, None where it is no proper label."""
        if label not in self._known:
            try:
                name = clean_label(label)
                known = self._labels.find(name)
                number = known.number if known else 0
            except InvalidDocument:
                self._known[label] = None
                return None
            if number == 0:
                key = label_key(name)
                self._unknown[key] = min(name, self._unknown.get(key, name))
            self._known[label] = number
        return self._known[label]

    def _unique(self, file_name: str, folder: str, number: int) -> str:
        """The name under which the image goes into the file, reported where others have it."""
        name = file_name
        if name in self._names:
            name = f"{folder}/{file_name}" if _is_relative(folder) else f"{number}/{file_name}"
            while name in self._names:
                name = f"{number}/{name}"
            self._report(Finding.RENAMED, name)
        self._names.add(name)
        folders, slash, base = name.rpartition("/")
        stem = (folders + slash + (base.rpartition(".")[0] or base)).casefold()
        if stem in self._stems:
            self._report(Finding.SIMILAR, name)
        self._stems.add(stem)
        return name

    def _report(self, finding: Finding, file_name: str, rect_id: str = "") -> None:
        self._findings[finding] += 1
        places = self._places.setdefault(finding, [])
        if len(places) < MAX_PLACES:
            places.append(Place(file_name, rect_id))


def _check_numbers(labels: LabelSet) -> None:
    for expected, label in enumerate(labels.labels, start=1):
        if label.number != expected:
            raise DamagedDocument(
                f"{LABELS_KEY}: COCO needs labels numbered from 1 without gaps, in order, and "
                f"{label.name!r} has the number {label.number} instead of {expected}. Mend it by "
                "hand, or restore an earlier version of it."
            )


def _is_relative(name: str) -> bool:
    """Whether a reader that joins the name to its folder finds the file in there."""
    return not _NOT_RELATIVE.match(name) and not {"", ".", ".."} & set(name.split("/"))


def _span(start: float, length: float, limit: int) -> tuple[int, int, bool]:
    """Both ends in hundredths of a pixel, inside the image, and whether that cut anything off.

    Whole hundredths: so start and length, each the nearest double, never add up to more than the
    limit, and equal boxes are equal numbers.
    """
    end = start + length
    if start >= 0 and end <= limit:
        return round(start * 100), round(end * 100), False
    low, high = max(0.0, min(start, limit)), max(0.0, min(end, limit))
    return round(low * 100), round(high * 100), low - start > 0.005 or end - high > 0.005
