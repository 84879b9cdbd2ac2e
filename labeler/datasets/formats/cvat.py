"""CVAT's XML 1.1 for images. Turned boxes, outlines, ellipses and masks become upright boxes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Final

from labeler.datasets.formats.dataset_files import DatasetFiles, files_ending_with, opened
from labeler.datasets.formats.reading import (
    ImportedBox,
    ImportedImage,
    Problems,
    around,
    number_in,
    shown,
    side_of,
    turned,
)
from labeler.datasets.formats.safe_xml import Element, stream_xml, xml_text
from labeler.datasets.formats.writing import Dataset, ExportedImage, SpooledWriter, zip_layout
from labeler.datasets.rules import ExportBox
from labeler.model.attributes import KNOWN_ATTRIBUTES, is_set
from labeler.model.labels import Label

Box = tuple[float, float, float, float]

_SHAPES: Final = ("box", "polygon", "ellipse", "mask")
_OTHER_SHAPES: Final = ("polyline", "points", "cuboid", "skeleton")


def _members(dataset: Dataset) -> Iterator[tuple[str, Iterable[bytes]]]:
    lines = _lines(dataset)
    yield "annotations.xml", (f"{line}\n".encode() for line in lines)


def _lines(dataset: Dataset) -> Iterator[str]:
    """Yield the labels with the attributes of their boxes, then the images with their boxes."""
    names = {label.number: label.name for label in dataset.labels.labels}
    are_flags: dict[int, dict[str, bool]] = {number: {} for number in names}
    count = 0
    for image in dataset.images():
        count += 1
        for box in image.boxes:
            known = are_flags[box.category]
            for name, value in _said(box).items():
                known[name] = known.get(name, True) and value is True
    yield '<?xml version="1.0" encoding="utf-8"?>'
    yield "<annotations>"
    yield "  <version>1.1</version>"
    yield f"  <meta><task><size>{count}</size><mode>annotation</mode><labels>"
    for label in dataset.labels.labels:
        yield _label(label, are_flags[label.number])
    yield "  </labels></task></meta>"
    for number, image in enumerate(dataset.images()):
        yield from _image_lines(number, image, names)
    yield "</annotations>"


def _place(image: ExportedImage) -> str:
    return f"images/{image.part}/{image.name}" if image.part else f"images/{image.name}"


def _label(label: Label, are_flags: Mapping[str, bool]) -> str:
    inputs = "".join(
        f"<attribute><name>{xml_text(name)}</name><mutable>False</mutable>"
        f"<input_type>{'checkbox' if is_flag else 'text'}</input_type>"
        f"<default_value>{'false' if is_flag else ''}</default_value>"
        f"<values>{'false' if is_flag else ''}</values></attribute>"
        for name, is_flag in sorted(are_flags.items())
    )
    return (
        f"    <label><name>{xml_text(label.name)}</name><color>{label.color}</color>"
        f"<type>rectangle</type><attributes>{inputs}</attributes></label>"
    )


def _image_lines(number: int, image: ExportedImage, names: Mapping[int, str]) -> Iterator[str]:
    subset = f" subset={_quoted(image.part)}" if image.part else ""
    yield (
        f'  <image id="{number}" name={_quoted(image.name)}{subset} '
        f'width="{image.width}" height="{image.height}">'
    )
    for box in image.boxes:
        sides = " ".join(
            f'{side}="{edge / 100:.2f}"'
            for side, edge in zip(("xtl", "ytl", "xbr", "ybr"), box[1:5], strict=True)
        )
        yield (
            f'    <box label={_quoted(names[box.category])} source="manual" '
            f'occluded="{int(_is_occluded(box))}" {sides} z_order="0">'
        )
        for name, value in _said(box).items():
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"      <attribute name={_quoted(name)}>{xml_text(text)}</attribute>"
        yield "    </box>"
    yield "  </image>"


def _said(box: ExportBox) -> dict[str, Any]:
    """Return the box's attributes without the one that CVAT stores in a field of its own."""
    said: dict[str, Any] = json.loads(box.attributes) if box.attributes else {}
    if _is_occluded(box):
        del said["occluded"]
    return {
        name: True if name in KNOWN_ATTRIBUTES and is_set(value) else value
        for name, value in said.items()
    }


def _is_occluded(box: ExportBox) -> bool:
    return bool(box.attributes) and is_set(json.loads(box.attributes).get("occluded"))


def _quoted(text: str) -> str:
    return f'"{xml_text(text, quote=True)}"'


WRITER: Final = partial(SpooledWriter, zip_layout(_members, _place))


def from_cvat(source: DatasetFiles, problems: Problems) -> Iterator[ImportedImage]:
    """Yield the images of the XML files in `source`."""
    files = files_ending_with(".xml", source, "CVAT")
    for file in files:
        empty: list[ImportedImage] = []
        others = 0
        with opened(source, file) as stream:
            for element in stream_xml(stream, file, "annotations"):
                if element.tag == "image":
                    image = _image(element, file, problems)
                    if image.boxes or image.lost:
                        yield image
                    else:
                        empty.append(image)
                    continue
                others += element.tag not in ("meta", "version")
                if element.tag == "track":
                    problems.skip(
                        file, f"track on line {element.line}",
                        "it is of a video; export the task as `CVAT for images 1.1`",
                    )  # fmt: skip
                elif element.tag == "meta":
                    problems.labels += _label_names(element)
                elif element.tag != "version":
                    problems.fault(
                        file, f"{element.tag} on line {element.line}",
                        "not an element that CVAT writes",
                    )  # fmt: skip
        # What is not understood may be the boxes of an image without boxes.
        yield from (image._replace(lost=others) for image in empty)


READER: Final = from_cvat


def _label_names(element: Element) -> Iterator[str]:
    """Yield the labels of a task, job or project in its order, including unused ones."""
    for child in element.children:
        if child.tag == "labels":
            names = (label.text_of("name") for label in child.children if label.tag == "label")
            yield from filter(None, names)
        else:
            yield from _label_names(child)


def _image(element: Element, file: str, problems: Problems) -> ImportedImage:
    name = element.attributes.get("name", "").replace("\\", "/")
    where = f"image {name or '?'}"
    sides = (element.attributes.get(side) for side in ("width", "height"))
    width, height = map(side_of, sides)
    if not name:
        problems.fault(file, f"image on line {element.line}", "it has no name")
    boxes: list[ImportedBox] = []
    shapes = [child for child in element.children if child.tag != "tag"]
    tags = [child for child in element.children if child.tag == "tag"]
    if tags:
        said = ", ".join(shown(tag.attributes.get("label")) for tag in tags[:3])
        problems.note(file, where, f"what it says about the whole image was skipped: {said}")
    for shape in shapes:
        place = f"{where}, {shape.tag} on line {shape.line}"
        if shape.tag not in _SHAPES:
            if shape.tag in _OTHER_SHAPES:
                problems.skip(file, place, "not a box; skipped")
            else:
                problems.fault(file, place, "not an element that CVAT writes")
            continue
        try:
            label = shape.attributes.get("label")
            if not label:
                raise ValueError("it has no label")
            boxes.append(ImportedBox(label, *_box(shape), place, _kept(shape)))
        except ValueError as error:
            problems.fault(file, place, str(error))
        else:
            if shape.attributes.get("rotation", "0").strip("0.") and shape.tag != "mask":
                problems.note(file, place, "it is rotated; the upright box around it was imported")
    return ImportedImage(
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
