"""Reads COCO with any numbering. Without a box, polygons and run lengths give one.

Memory holds about 60 bytes per box and the images' names, whatever the file's size: 100,000 images
with seven boxes each take about 80 MB. The lists may come in any order.
"""

from __future__ import annotations

import itertools
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

from labeler.datasets.formats.dataset_files import DatasetFiles, files_ending_with, opened
from labeler.datasets.formats.reading import (
    ImportedBox,
    ImportedImage,
    Problems,
    around,
    may_hold_boxes,
    names_image,
    number,
    other_format,
    shown,
    side_of,
)
from labeler.datasets.formats.safe_json import LIST_BEGINS, stream_json
from labeler.datasets.formats.zip_manifest import own_files
from labeler.errors import InvalidImport
from labeler.model.attributes import KNOWN_ATTRIBUTES

Box = tuple[float, float, float, float]

_NONE_AT_ZERO: Final = (*KNOWN_ATTRIBUTES, "rotation")
"""Attributes that mean nothing if they are 0. CVAT writes a rotation for every box."""
_OTHER_LISTS: Final = frozenset({"licenses", "videos", "tracks", "keypoint_categories"})
"""Known lists of COCO and of its variants that hold no boxes."""
_MAX_SIDE: Final = 2**31 - 1
_NUMBER: Final = re.compile("0|[1-9][0-9]{0,17}")


def from_coco(source: DatasetFiles, problems: Problems) -> Iterator[ImportedImage]:
    """Yield the images of the COCO files in `source`, each after its file is read to the end."""
    files = files_ending_with((".json", ".gz"), source, "COCO", own_files(source))
    for file in files:
        with opened(source, file) as stream:
            dataset = _Dataset(file, problems)
            for key, line, value in stream_json(stream, file):
                dataset.take(key, line, value)
        reason = dataset.refused()
        if not reason:
            yield from dataset.found()
        elif len(files) == 1:
            raise InvalidImport(f"{file} {reason}")
        else:
            problems.skip(file, "", f"it {reason.rstrip('.')}")


READER: Final = from_coco


class _Image(NamedTuple):
    name: str
    width: int | None
    height: int | None
    place: str


class _Dataset:
    """One file's images, categories and annotations. Annotations are kept in arrays."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.images: list[_Image] = []
        self._file = file
        self._problems = problems
        self._image_ids: dict[Any, int] = {}
        self._names: dict[Any, str] = {}
        self._ids: dict[Any, int] = {}
        self._lost: Counter[int] = Counter()
        self._keys: set[str] = set()
        self._element: Any = None
        self._as_displayed = False
        self._unclear: set[Any] = set()
        self._shared: set[int] = set()
        self._unassigned = 0
        self._described: set[int] = set()
        self._beside: Counter[str] = Counter()
        # One entry per annotation: image and category as numbers of _ids, the box, the id.
        self._of_image = array("l")
        self._of_category = array("l")
        self._boxes = array("d")
        self._attributes: dict[int, dict[str, Any]] = {}
        self._annotation = array("q")

    def take(self, key: str, line: int, value: Any) -> None:
        """Take one element of a list, or the beginning of a list."""
        self._keys.add(key)
        if value is LIST_BEGINS:
            return
        match key:
            case "images":
                self._take_image(line, value)
            case "categories":
                self._take_category(line, value)
            case "annotations":
                self._take_annotation(line, value)
            case "info":
                # This program draws on the photo as displayed and states the size of the photo as
                # stored.
                by = value.get("contributor") if isinstance(value, dict) else None
                self._as_displayed = by == "Label Studio"
            case "":
                self._element = value
            case _ if key not in _OTHER_LISTS and (may_hold_boxes(value) or names_image(value)):
                self._beside[f"elements of `{key}`"] += 1

    def refused(self) -> str:
        """Return why the file as a whole is no dataset, or an empty text if it is one."""
        if "images" not in self._keys:
            looks = other_format(self._keys, self._element)
            return f"is not a COCO dataset: it has no list `images`.{looks}"
        if "annotations" not in self._keys:
            return (
                "has no list `annotations`: it lists images and no boxes. Choose the file that "
                "holds the annotations."
            )
        return ""

    def _take_image(self, line: int, value: Any) -> None:
        place = f"image {shown(value.get('id'))}" if isinstance(value, dict) else f"line {line}"
        try:
            name = _file_name(value)
            key = _id(value, "id")
            width, height = side_of(value.get("width")), side_of(value.get("height"))
            if key in self._image_ids:
                # Two images share an id, so their boxes cannot be told apart. An image that is
                # listed twice keeps its own boxes.
                if self.images[self._image_ids[key]].name != name:
                    self._shared.add(self._image_ids[key])
                raise ValueError("another image has this id")
        except ValueError as error:
            self._problems.fault(self._file, place, str(error))
            return
        if any(map(may_hold_boxes, value.values())):
            self._described.add(len(self.images))
        self._image_ids[key] = len(self.images)
        self.images.append(_Image(name, width, height, place))

    def _take_category(self, line: int, value: Any) -> None:
        try:
            key, name = _id(value, "id"), _text(value, "name")
            if self._names.get(key, name) != name:
                self._unclear.add(key)
                raise ValueError(f"category {shown(key)} has two names")
            self._names[key] = name
            self._problems.labels.append(name)
        except ValueError as error:
            self._problems.fault(self._file, f"line {line}", str(error))

    def _take_annotation(self, line: int, value: Any) -> None:
        place = (
            f"annotation {shown(value.get('id'))}" if isinstance(value, dict) else f"line {line}"
        )
        try:
            image = self._ids.setdefault(_id(value, "image_id"), len(self._ids))
        except ValueError as error:
            self._problems.fault(self._file, place, str(error))
            self._unassigned += 1
            return
        if "caption" in value and not {"bbox", "segmentation"} & value.keys():
            self._beside["captions"] += 1
            return
        try:
            if "segments_info" in value:
                raise ValueError("it is of a panoptic segmentation; choose the file of instances")
            category, box = _id(value, "category_id"), _box(value)
        except ValueError as error:
            self._problems.fault(self._file, place, str(error))
            self._lost[image] += 1
            return
        known = value.get("id")
        has_id = type(known) is int and 0 <= known < 2**63
        self._of_image.append(image)
        self._of_category.append(self._ids.setdefault(category, len(self._ids)))
        self._boxes.extend(box)
        said = _attributes(value)
        if said:
            self._attributes[len(self._annotation)] = said
        self._annotation.append(known if has_id else -line)

    def found(self) -> Iterator[ImportedImage]:
        """Yield the images with their boxes. Both keep the file's order."""
        by_number = {number: key for key, number in self._ids.items()}
        images = [self._image_of(by_number[number]) for number in range(len(by_number))]
        for what, count in sorted(self._beside.items()):
            self._problems.note(self._file, "", f"its {what} were skipped ({count})")
        lost = Counter({images[number]: count for number, count in self._lost.items()})
        # In a file without categories, an image without boxes may never have been looked at.
        looked_at = bool(self._names) and not self._beside
        of_image = array("l", (images[number] for number in self._of_image))
        # The sort is stable, so the boxes of an image keep their order.
        order = array("l", sorted(range(len(of_image)), key=of_image.__getitem__))
        waiting = itertools.groupby(order, key=of_image.__getitem__)
        index, group = next(waiting, (-1, iter(())))
        unassigned = self._unassigned + lost.pop(-1, 0)
        if index < 0:
            for annotation in group:
                unassigned += 1
                self._problems.fault(
                    self._file, self._place(annotation),
                    f"there is no image {shown(by_number[self._of_image[annotation]])}",
                )  # fmt: skip
            index, group = next(waiting, (-1, iter(())))
        for current, image in enumerate(self.images):
            boxes: list[ImportedBox] = []
            missing = lost[current]
            if index == current:
                found = [self._found_box(number, by_number) for number in group]
                boxes = [box for box in found if box]
                missing += len(found) - len(boxes)
                index, group = next(waiting, (-1, iter(())))
            if current in self._shared:
                missing += len(boxes)
                boxes = []
            if not boxes:
                # An annotation of an unknown image may belong to this image.
                missing += unassigned
            yield ImportedImage(
                image.name, tuple(boxes), self._file, image.place, image.width, image.height,
                lost=missing,
                is_annotated=bool(boxes) or (looked_at and current not in self._described),
                as_displayed=self._as_displayed,
            )  # fmt: skip

    def _image_of(self, key: Any) -> int:
        """Return the index of the image with that id, or with that name as some write it, or -1."""
        return self._image_ids.get(key, self._names_of_images.get(key, -1))

    @cached_property
    def _names_of_images(self) -> dict[str, int]:
        counts = Counter(image.name for image in self.images)
        return {
            image.name: place for place, image in enumerate(self.images) if counts[image.name] == 1
        }

    def _found_box(self, annotation: int, by_number: dict[int, Any]) -> ImportedBox | None:
        category = by_number[self._of_category[annotation]]
        place = self._place(annotation)
        label = self._names.get(category)
        if label is None or category in self._unclear:
            known = f"its category {shown(category)} has two names"
            why = known if label else f"there is no category {shown(category)}"
            self._problems.fault(self._file, place, why)
            return None
        left, top, width, height = self._boxes[4 * annotation : 4 * annotation + 4]
        said = self._attributes.get(annotation, {})
        return ImportedBox(label, left, top, width, height, place, said)

    def _place(self, annotation: int) -> str:
        known = self._annotation[annotation]
        return f"annotation {known}" if known >= 0 else f"annotation on line {-known}"


def _id(value: Any, key: str) -> Any:
    """Return an id, a whole number or a text. 1, 1.0 and "1" are the same id. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError(f"{shown(value)} is not an object")
    found = value.get(key)
    if isinstance(found, float) and found.is_integer():
        return int(found)
    if isinstance(found, str) and _NUMBER.fullmatch(found):
        return int(found)
    if isinstance(found, bool) or not isinstance(found, int | str):
        raise ValueError(f"its {key} is {shown(found)}, not a number")
    return found


def _attributes(annotation: dict[str, Any]) -> dict[str, Any]:
    """Return the box's attributes. CVAT and Datumaro keep them in an object `attributes`."""
    given = annotation.get("attributes")
    said = {
        key: value
        for key, value in (given.items() if isinstance(given, dict) else ())
        if value is not None and value is not False and value != ""
    }
    if annotation.get("iscrowd") in (1, True):
        said["iscrowd"] = 1
    return {
        key: True if key in KNOWN_ATTRIBUTES and value == 1 else value
        for key, value in said.items()
        if value != 0 or key not in _NONE_AT_ZERO
    }


def _file_name(value: Any) -> str:
    """Return the image's path. LVIS has only a URL, whose last part is the name."""
    address = value.get("coco_url") if isinstance(value, dict) else None
    if isinstance(address, str) and not value.get("file_name"):
        name = unquote(urlsplit(address).path).rpartition("/")[2]
        if name:
            return name
    return _text(value, "file_name").replace("\\", "/")


def _text(value: Any, key: str) -> str:
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, str) or not found:
        raise ValueError(f"its {key} is {shown(found)}, not a text")
    return found


def _box(annotation: dict[str, Any]) -> Box:
    """Return left, top, width and height. Raises ValueError if the annotation has no box."""
    bbox, outline = annotation.get("bbox"), annotation.get("segmentation")
    # Some programs write four zeros if they know the outline alone.
    if (bbox and bbox != [0, 0, 0, 0]) or not outline:
        if not isinstance(bbox, list) or len(bbox) != 4:
            raise ValueError(f"its bbox is {shown(bbox)}, not four numbers")
        left, top, width, height = map(number, bbox)
        return left, top, width, height
    if isinstance(outline, dict):
        return box_of_runs(outline.get("size"), outline.get("counts"))
    if not isinstance(outline, list) or not all(
        isinstance(part, list) and len(part) % 2 == 0 for part in outline
    ):
        raise ValueError(f"its segmentation is {shown(outline)}, not a list of polygons")
    values = [[number(value) for value in part] for part in outline]
    return around(pair for part in values for pair in zip(part[::2], part[1::2], strict=True))


def box_of_runs(size: Any, counts: Any) -> Box:
    """Return the box of a mask given as run lengths, columns first.

    `counts` is a list or pycocotools' text. Raises ValueError if they are not the run lengths of a
    mask of that size.
    """
    if not (
        isinstance(size, list)
        and len(size) == 2
        and all(type(side) is int and 0 < side <= _MAX_SIDE for side in size)
    ):
        raise ValueError(f"the size of its mask is {shown(size)}, not two numbers")
    height, width = size
    if isinstance(counts, str):
        counts = _unpacked(counts)
    if not isinstance(counts, list) or not all(type(run) is int and run >= 0 for run in counts):
        raise ValueError("the run lengths of its mask are not numbers")
    left = top = _MAX_SIDE
    right = bottom = -1
    at = 0
    for index, run in enumerate(counts):
        if index % 2 and run:
            last = at + run - 1
            left, right = min(left, at // height), max(right, last // height)
            if at // height == last // height:
                top, bottom = min(top, at % height), max(bottom, last % height)
            else:  # the run continues in the next column, so it touches both borders
                top, bottom = 0, height - 1
        at += run
    if at != height * width:
        raise ValueError("the run lengths of its mask don't fill it")
    if right < 0:
        raise ValueError("its mask is empty")
    return float(left), float(top), float(right + 1 - left), float(bottom + 1 - top)


def _unpacked(text: str) -> list[int]:
    """Return the run lengths in pycocotools' text.

    Each character has five bits. From the third run on, the text holds differences. The format is
    described in pycocotools' common/maskApi.c, rleFrString.
    """
    counts: list[int] = []
    value = shift = 0
    for char in text:
        bits = ord(char) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("the run lengths of its mask are corrupted")
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:
            continue
        if bits & 0x10:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
        value = shift = 0
    if shift:
        raise ValueError("the run lengths of its mask are cut off")
    return counts
