"""CVAT's XML 1.1 for images: boxes; turned boxes, outlines, ellipses and masks by their box."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from labeler.datasets.formats.dataset_files import DatasetFiles, opened
from labeler.datasets.formats.found import (
    FoundBox,
    FoundImage,
    Problems,
    around,
    number_in,
    shown,
    side_of,
    turned,
)
from labeler.datasets.formats.safe_xml import Element, stream_xml
from labeler.errors import InvalidImport

Box = tuple[float, float, float, float]

_SHAPES: Final = ("box", "polygon", "ellipse", "mask")
_AROUND: Final = ("version", "meta")
_OTHER_SHAPES: Final = ("polyline", "points", "cuboid", "skeleton")


def from_cvat(source: DatasetFiles, problems: Problems) -> Iterator[FoundImage]:
    """The images of the XML files in `source`."""
    files = [name for name in source.files() if name.lower().endswith(".xml")]
    if len(source.files()) == 1:
        files = list(source.files())
    elif not files:
        raise InvalidImport(f"{source.name} holds no CVAT file: none in it ends with .xml.")
    for file in files:
        with opened(source, file) as stream:
            for element in stream_xml(stream, file, "annotations"):
                if element.tag == "image":
                    yield _image(element, file, problems)
                elif element.tag == "track":
                    problems.skip(
                        file, f"track on line {element.line}",
                        "it is of a video; export the task as `CVAT for images 1.1`",
                    )  # fmt: skip
                elif element.tag not in _AROUND:
                    problems.fault(
                        file, f"{element.tag} on line {element.line}",
                        "it is nothing that CVAT writes",
                    )  # fmt: skip


READER: Final = from_cvat


def _image(element: Element, file: str, problems: Problems) -> FoundImage:
    name = element.attributes.get("name", "").replace("\\", "/")
    where = f"image {name or '?'}"
    sides = (element.attributes.get(side) for side in ("width", "height"))
    width, height = map(side_of, sides)
    if not name:
        problems.fault(file, f"image on line {element.line}", "it has no name")
    boxes: list[FoundBox] = []
    shapes = [child for child in element.children if child.tag != "tag"]
    tags = [child for child in element.children if child.tag == "tag"]
    if tags:
        said = ", ".join(shown(tag.attributes.get("label")) for tag in tags[:3])
        problems.note(file, where, f"what it says of the whole image is not taken: {said}")
    for shape in shapes:
        place = f"{where}, {shape.tag} on line {shape.line}"
        if shape.tag not in _SHAPES:
            if shape.tag in _OTHER_SHAPES:
                problems.skip(file, place, "not a box; skipped")
            else:
                problems.fault(file, place, "it is nothing that CVAT writes")
            continue
        try:
            label = shape.attributes.get("label")
            if not label:
                raise ValueError("it has no label")
            boxes.append(FoundBox(label, *_box(shape), place, _kept(shape)))
        except ValueError as error:
            problems.fault(file, place, str(error))
        else:
            if shape.attributes.get("rotation", "0").strip("0.") and shape.tag != "mask":
                problems.note(file, place, "it is turned: the upright box around it was taken")
    return FoundImage(
        name, tuple(boxes), file, where, width, height,
        lost=len(shapes) - len(boxes), is_annotated=bool(shapes) or not tags,
        folder=element.attributes.get("subset", ""),
    )  # fmt: skip


def _box(shape: Element) -> Box:
    def value(name: str) -> float:
        return number_in(shape.attributes.get(name))

    rotation = number_in(shape.attributes.get("rotation", "0"))
    if shape.tag == "mask":
        return value("left"), value("top"), value("width"), value("height")
    if shape.tag == "polygon":
        pairs = [pair.split(",") for pair in shape.attributes.get("points", "").split(";") if pair]
        if not all(len(pair) == 2 for pair in pairs):
            raise ValueError(f"its points are {shown(shape.attributes.get('points'))}")
        return around((number_in(x), number_in(y)) for x, y in pairs)
    if shape.tag == "ellipse":
        x, y, rx, ry = map(value, ("cx", "cy", "rx", "ry"))
        left, top, width, height = x - rx, y - ry, 2 * rx, 2 * ry
    else:
        left, top = value("xtl"), value("ytl")
        width, height = value("xbr") - left, value("ybr") - top
    if not rotation:
        return left, top, width, height
    return turned(left, top, width, height, rotation, about_center=True)


def _kept(shape: Element) -> Mapping[str, Any]:
    said = {
        child.attributes["name"]: child.text.strip()
        for child in shape.children
        if child.tag == "attribute" and child.attributes.get("name")
    }
    kept: dict[str, Any] = {}
    for name, text in said.items():
        if text.lower() not in ("", "false", "0"):
            kept[name] = True if text.lower() == "true" else text
    if shape.attributes.get("occluded") == "1":
        kept["occluded"] = True
    return kept
