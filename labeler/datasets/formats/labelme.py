"""labelme: one JSON file per image, beside it. Outlines are read as their boxes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Final

from labeler.datasets.formats.dataset_files import (
    DatasetFiles,
    files_ending_with,
    lines_of,
    read_whole,
)
from labeler.datasets.formats.file_names import split_name
from labeler.datasets.formats.reading import (
    ImportedBox,
    ImportedImage,
    Problems,
    around,
    may_hold_boxes,
    number,
    other_format,
    shown,
    side_of,
)
from labeler.datasets.formats.safe_json import load_json
from labeler.datasets.formats.writing import Dataset, ExportedImage, SpooledWriter, zip_layout
from labeler.datasets.formats.zip_manifest import CROISSANT, MANIFEST, own_files
from labeler.datasets.rules import ExportBox
from labeler.errors import InvalidImport
from labeler.model.attributes import KNOWN_ATTRIBUTES, is_set

MAX_FILE_BYTES: Final = 2**26
"""The largest file, in bytes. It may contain the image itself, as text."""
_SHAPES: Final = (
    "rectangle", "polygon", "circle", "mask", "oriented_rectangle", "rotation", "quadrilateral",
)  # fmt: skip
"""Shapes with a box around them. The last three come from AnyLabeling."""


LABELS_FILE: Final = "labels.txt"
"""The file for `labelme --labels`: one name per line. Names that begin with `__` are not labels."""
_TAKEN: Final = frozenset(name.removesuffix(".json") for name in (MANIFEST, CROISSANT))
_VERSION: Final = "5.5.0"
"""The labelme version whose format is written. Later versions read it."""


def to_labelme(image: ExportedImage, names: Mapping[int, str]) -> bytes:
    """Return the JSON of one image, which lies beside it. Attributes that are true become flags."""
    content: dict[str, Any] = {
        "version": _VERSION,
        "flags": {},
        "shapes": [_shape(box, names[box.category]) for box in image.boxes],
        "imagePath": image.name.rpartition("/")[2],
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }
    return json.dumps(content, indent=2).encode()


def _shape(box: ExportBox, label: str) -> dict[str, Any]:
    said = json.loads(box.attributes) if box.attributes else {}
    return {
        "label": label,
        "points": [[box.left / 100, box.top / 100], [box.right / 100, box.bottom / 100]],
        "group_id": None,
        "description": "",
        "shape_type": "rectangle",
        "flags": {
            name: True
            for name, value in said.items()
            if value is True or (name in KNOWN_ATTRIBUTES and is_set(value))
        },
        "mask": None,
    }


def _place(image: ExportedImage) -> str:
    return f"{image.part}/{image.name}" if image.part else image.name


def _members(dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    names = {label.number: label.name for label in dataset.labels.labels}
    for image in dataset.images():
        yield f"{split_name(_place(image))[0]}.json", to_labelme(image, names)
    yield LABELS_FILE, "".join(f"{name}\n" for name in names.values()).encode()


WRITER: Final = partial(
    SpooledWriter,
    zip_layout(_members, _place, by_stem=True, by_part=True, taken_stems=_TAKEN),
)


def from_labelme(source: DatasetFiles, problems: Problems) -> Iterator[ImportedImage]:
    """Yield the images of the JSON files in `source`. An unreadable file is a fault."""
    files = files_ending_with(".json", source, "labelme", own_files(source))
    listed = lines_of(LABELS_FILE, source)
    problems.labels += [label for label in listed if not label.startswith("__")]
    for file in files:
        try:
            yield _image(load_json(read_whole(source, file, MAX_FILE_BYTES), file), file, problems)
        except InvalidImport as error:
            if len(files) == 1:
                raise
            problems.refused(file, error)


READER: Final = from_labelme


def _image(data: Any, file: str, problems: Problems) -> ImportedImage:
    shapes = data.get("shapes") if isinstance(data, dict) else None
    if not isinstance(shapes, list):
        keys = set(data) - {"shapes"} if isinstance(data, dict) else {""}
        raise InvalidImport(
            f"{file}: not a labelme file: it has no list `shapes`.{other_format(keys)}"
        )
    path = data.get("imagePath")
    # The path is relative to the JSON file. It may lead up and down.
    named = path.replace("\\", "/") if isinstance(path, str) else ""
    name = named or PurePosixPath(file).stem
    boxes: list[ImportedBox] = []
    for index, shape in enumerate(shapes):
        place = f"shape {index + 1}"
        kind = shape.get("shape_type", "polygon") if isinstance(shape, dict) else ""
        if kind not in _SHAPES:
            problems.skip(file, place, f"{shown(kind)} has no box; skipped")
            continue
        try:
            boxes.append(_box(shape, kind, place))
        except ValueError as error:
            problems.fault(file, place, str(error))
    flags = data.get("flags")
    raised = [name for name, value in flags.items() if value] if isinstance(flags, dict) else []
    if raised:
        said = ", ".join(map(shown, raised[:3]))
        problems.note(file, "", f"what it says about the whole image was skipped: {said}")
    others = [key for key, value in data.items() if key != "shapes" and may_hold_boxes(value)]
    if others and not shapes:
        said = ", ".join(map(shown, others[:3]))
        problems.note(file, "", f"it has no shapes, and a list that is not understood: {said}")
    width, height = side_of(data.get("imageWidth")), side_of(data.get("imageHeight"))
    return ImportedImage(
        name, tuple(boxes), file, "", width, height, any_extension=not named,
        lost=len(shapes) - len(boxes), is_annotated=bool(shapes) or not (raised or others),
    )  # fmt: skip


def _box(shape: Mapping[str, Any], kind: str, place: str) -> ImportedBox:
    label, points = shape.get("label"), shape.get("points")
    if not isinstance(label, str):
        raise ValueError(f"its label is {shown(label)}, not a text")
    if not isinstance(points, list) or not all(
        isinstance(point, list) and len(point) == 2 for point in points
    ):
        raise ValueError(f"its points are {shown(points)}, not pairs of numbers")
    pairs = [(number(x), number(y)) for x, y in points]
    if kind == "circle":
        if len(pairs) != 2:
            raise ValueError(f"a circle has two points, not {len(pairs)}")
        (x, y), (edge_x, edge_y) = pairs
        radius = math.hypot(edge_x - x, edge_y - y)
        pairs = [(x - radius, y - radius), (x + radius, y + radius)]
    flags = shape.get("flags")
    said = (
        {name: True for name, value in (flags or {}).items() if value is True}
        if isinstance(flags, dict)
        else {}
    )
    if shape.get("difficult") is True:
        said["difficult"] = True
    return ImportedBox(label, *around(pairs), place, said)
