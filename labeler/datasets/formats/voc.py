"""Pascal VOC: one XML file per image, written and read by LabelImg's convention.

LabelImg counts pixels from 0, and a box goes from xmin to xmax, so its width is their difference.
The official datasets count from 1 and include the last pixel: a box of the whole image goes from 1
to its width. The reader recognizes a file's convention by what the file says of its origin, unless
the caller states it.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from labeler.datasets.formats.dataset_files import (
    DatasetFiles,
    files_ending_with,
    lines_of,
    opened,
)
from labeler.datasets.formats.file_names import split_name
from labeler.datasets.formats.reading import (
    ImportedBox,
    ImportedImage,
    Problems,
    number_in,
    shown,
    side_of,
    turned,
)
from labeler.datasets.formats.safe_xml import Element, stream_xml, xml_text
from labeler.datasets.formats.writing import Dataset, SpooledWriter, zip_layout
from labeler.datasets.rules import ExportBox
from labeler.errors import InvalidImport

MAX_FILE_BYTES: Final = 2**25
IMAGES_FOLDER: Final = "JPEGImages"
"""The folder of the images."""
LABELS_FILE: Final = "labels.txt"
"""The names of all labels, one per line. VOC itself has no place for labels without boxes."""
_OFFICIAL: Final = re.compile(r"(The )?VOC ?20\d\d\b.*", re.IGNORECASE)
_FLAGS: Final = ("difficult", "truncated", "occluded")
_UNSET: Final = frozenset({"", "0", "0.0", "false", "no", "n", "f", "none", "unspecified"})
_SET: Final = frozenset({"1", "1.0", "true", "yes", "y", "t"})


_KNOWN: Final = ("folder", "filename", "path", "source", "owner", "size", "object")
_SHAPES: Final = ("object", "bndbox", "robndbox", "polygon", "xmin")

Edges = tuple[float, float, float, float]


class Convention(StrEnum):
    """The meaning of the coordinates in a file."""

    AUTO = "auto"
    LABELIMG = "labelimg"
    OFFICIAL = "official"


def to_voc(file_name: str, size: tuple[int, int], objects: Iterable[tuple[str, ExportBox]]) -> str:
    """Return the XML of one image: its name below JPEGImages, its width and height, and its boxes.

    Each box has its label's name and the attributes that VOC has a word for. Numbers have at most
    two decimals.
    """
    width, height = size
    lines = [
        "<annotation>",
        f"\t<folder>{IMAGES_FOLDER}</folder>",
        f"\t<filename>{xml_text(file_name)}</filename>",
        "\t<source>\n\t\t<database>Unknown</database>\n\t</source>",
        f"\t<size>\n\t\t<width>{width}</width>\n\t\t<height>{height}</height>",
        "\t\t<depth>3</depth>\n\t</size>\n\t<segmented>0</segmented>",
    ]
    for name, (_, *edges, attributes) in objects:
        kept = json.loads(attributes) if attributes else {}
        flags = {flag: _flag(kept.get(flag)) for flag in ("truncated", "difficult")}
        flags |= {"occluded": _flag(kept["occluded"])} if "occluded" in kept else {}
        lines += [
            "\t<object>",
            f"\t\t<name>{xml_text(name)}</name>",
            f"\t\t<pose>{xml_text(str(kept.get('pose', 'Unspecified')))}</pose>",
            *(f"\t\t<{flag}>{xml_text(text)}</{flag}>" for flag, text in flags.items()),
            "\t\t<bndbox>",
            *(
                f"\t\t\t<{side}>{edge / 100:.12g}</{side}>"
                for side, edge in zip(("xmin", "ymin", "xmax", "ymax"), edges, strict=True)
            ),
            "\t\t</bndbox>",
            "\t</object>",
        ]
    return "\n".join([*lines, "</annotation>", ""])


def _flag(value: Any) -> str:
    """Return a flag as readers parse it, by int(): 1 for true. A number is kept."""
    return str(int(value)) if isinstance(value, bool | int) else "1" if value else "0"


def _members(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Yield the XML files, the lists of images by part, and the labels; see docs/formats.md."""
    names = {label.number: label.name for label in dataset.labels.labels}
    parts: dict[str, list[str]] = {}
    for image in dataset.images():
        stem = split_name(image.name)[0]
        parts.setdefault(image.part, []).append(stem)
        objects = ((names[box.category], box) for box in image.boxes)
        text = to_voc(image.name, (image.width, image.height), objects)
        yield f"Annotations/{stem}.xml", text.encode()
    lists = {part: stems for part, stems in parts.items() if part}
    lists["trainval"] = [stem for part in ("", "train", "val") for stem in parts.get(part, ())]
    for name, stems in lists.items():
        yield f"ImageSets/Main/{name}.txt", "".join(f"{stem}\n" for stem in stems).encode()
    yield LABELS_FILE, "".join(f"{name}\n" for name in names.values()).encode()


WRITER: Final = partial(
    SpooledWriter, zip_layout(_members, lambda image: f"{IMAGES_FOLDER}/{image.name}", by_stem=True)
)


def from_voc(
    source: DatasetFiles, problems: Problems, convention: Convention = Convention.AUTO
) -> Iterator[ImportedImage]:
    """Yield the images of the XML files in `source`. An unreadable file is a fault."""
    files = files_ending_with(".xml", source, "VOC")
    problems.labels += lines_of(LABELS_FILE, source)
    for file in files:
        try:
            if source.size(file) > MAX_FILE_BYTES:
                raise InvalidImport(f"{file} is larger than a VOC file can be.")
            with opened(source, file) as stream:
                parts = list(stream_xml(stream, file, "annotation"))
        except InvalidImport as error:
            if len(files) == 1:
                raise
            problems.refused(file, error)
        else:
            yield image_of(parts, file, problems, convention)


READER: Final = from_voc


def image_of(
    parts: list[Element], file: str, problems: Problems, convention: Convention
) -> ImportedImage:
    """Return the image of one file, from the elements below its root."""
    root = Element("annotation", {}, 1, children=parts)
    name = (root.text_of("filename") or "").replace("\\", "/")
    base = name.rpartition("/")[2] or PurePosixPath(file).stem
    if convention is Convention.AUTO:
        convention = _convention(root)
    size = root.find("size")
    width, height = (side_of(size.text_of(side)) if size else None for side in ("width", "height"))
    boxes: list[ImportedBox] = []
    objects = [child for child in parts if child.tag == "object"]
    lost = 0
    # Other nested elements of an image without objects may be its objects.
    others = [
        part for part in parts if part.tag not in _KNOWN and (part.children or part.attributes)
    ]
    for child in parts:
        if child.tag != "object" and _holds_shape(child):
            problems.fault(file, f"{child.tag} on line {child.line}", "not an <object> of VOC")
            lost += 1
    for index, element in enumerate(objects):
        place = f"object {index + 1} on line {element.line}"
        try:
            found = _found_boxes(element, place, convention)
        except ValueError as error:
            problems.fault(file, place, str(error))
            lost += 1
        else:
            boxes += found
            if element.find("bndbox") is None:
                problems.note(file, place, "it is rotated; the upright box around it was imported")
        for part in element.children:
            if part.tag == "part":
                problems.skip(file, f"part on line {part.line}", "parts of objects are skipped")
    return ImportedImage(
        name or base, tuple(boxes), file, "", width, height,
        any_extension="." not in base[1:] or not name, lost=lost,
        folder=_folder(root, base) if "/" not in name else "",
        is_annotated=bool(objects) or not others,
    )  # fmt: skip


def _folder(root: Element, base: str) -> str:
    """Return the image's folder, from its whole path if there is one, as LabelImg has it.

    Official files state the name of the dataset there. For them, this returns an empty text.
    """
    folders, _, last = (root.text_of("path") or "").replace("\\", "/").rpartition("/")
    said = folders.rpartition("/")[2] if last == base else ""
    folder = said or root.text_of("folder") or ""
    return "" if _OFFICIAL.fullmatch(folder) else folder


def _convention(root: Element) -> Convention:
    source = root.find("source")
    origins = (root.text_of("folder"), source.text_of("database") if source else None)
    official = any(_OFFICIAL.fullmatch(origin or "") for origin in origins)
    return Convention.OFFICIAL if official else Convention.LABELIMG


def _holds_shape(element: Element) -> bool:
    """Return whether an element other than an object may hold an object."""
    return element.tag.lower() in _SHAPES or any(map(_holds_shape, element.children))


def _found_boxes(element: Element, place: str, convention: Convention) -> list[ImportedBox]:
    """Return the boxes of an object. Some programs write several into one object."""
    label = element.text_of("name")
    if not label:
        raise ValueError("it has no name")
    kept = _attributes(element)
    found = [child for child in element.children if child.tag == "bndbox"]
    edges = [_edges(bounds, convention) for bounds in found]
    if not found:
        turned_box = element.find("robndbox")
        if turned_box is None:
            other = next((child.tag for child in element.children if "box" in child.tag), None)
            raise ValueError(f"it has no bndbox{f', but <{other}>' if other else ''}")
        edges = [_upright(turned_box)]
    return [ImportedBox(label, *four, place, kept) for four in edges]


def _upright(element: Element) -> Edges:
    """Return the upright box around roLabelImg's turned box, given as center, size and radians."""
    x, y, width, height, angle = (
        number_in(element.text_of(name)) for name in ("cx", "cy", "w", "h", "angle")
    )
    return turned(
        x - width / 2, y - height / 2, width, height, math.degrees(angle), about_center=True
    )


def _edges(bounds: Element, convention: Convention) -> Edges:
    """Return left, top, width and height. Raises ValueError."""
    left, top, right, bottom = (
        number_in(bounds.text_of(side)) for side in ("xmin", "ymin", "xmax", "ymax")
    )
    # Some tools write the corners in drawing order.
    left, right = sorted((left, right))
    top, bottom = sorted((top, bottom))
    if convention is Convention.OFFICIAL:
        left, top = left - 1, top - 1
    return left, top, right - left, bottom - top


def _attributes(element: Element) -> Mapping[str, Any]:
    """Return the attributes that the object states."""
    kept: dict[str, Any] = {}
    for name in _FLAGS:
        text = (element.text_of(name) or "").strip().lower()
        if text in _SET:
            kept[name] = True
        elif text not in _UNSET:
            kept[name] = int(text) if text.isascii() and text.isdigit() and len(text) < 9 else text
    pose = element.text_of("pose") or ""
    if pose.lower() not in _UNSET:
        kept["pose"] = shown(pose)[1:-1]
    return kept
