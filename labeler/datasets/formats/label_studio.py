"""Label Studio's JSON and JSON-MIN. Turned boxes and outlines become upright boxes.

Coordinates are percentages of the image. The keys come from the project's own labeling setup, so
regions and the image are recognized by their shape. A region may be stored under two keys, its
shape under one and its label under another (`<Rectangle>` and `<Labels>`): entries of the same
shape are one region. Label Studio puts eight hexadecimal digits and a dash before an uploaded name.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import quote

from labeler.datasets.formats.addresses import path_in_address
from labeler.datasets.formats.croissant import Field, RecordSet
from labeler.datasets.formats.dataset_files import DatasetFiles, files_ending_with, opened
from labeler.datasets.formats.reading import (
    ImportedBox,
    ImportedImage,
    Problems,
    around,
    number,
    other_format,
    shown,
    turned,
)
from labeler.datasets.formats.safe_json import stream_json
from labeler.datasets.formats.writing import Dataset, ExportedImage, Layout, SpooledWriter
from labeler.datasets.rules import ExportBox
from labeler.errors import InvalidImport
from labeler.image_names import is_image_name
from labeler.model.document import Status

Box = tuple[float, float, float, float]

_NO_BOX: Final = (
    "rle", "brushlabels", "bitmasklabels", "imageDataURL", "keypointlabels", "vertices",
    "vectorlabels", "sequence", "videorectangle",
)  # fmt: skip
"""Keys of masks, points, lines and videos."""
_SHAPE: Final = (
    "x", "y", "width", "height", "rotation", "radiusX", "radiusY", "points", "original_width",
    "original_height",
)  # fmt: skip
_AROUND: Final = frozenset({
    "id", "inner_id", "annotation_id", "annotator", "annotators", "created_at", "updated_at",
    "lead_time", "agreement", "predictions", "drafts",
})  # fmt: skip
"""Keys of JSON-MIN that hold neither answers nor the task's data."""


def _chunks(dataset: Dataset) -> Iterator[bytes]:
    names = {label.number: label.name for label in dataset.labels.labels}
    before = "["
    for image in dataset.images():
        task = json.dumps(to_task(image, names))
        yield f"{before}\n{task}".encode()
        before = ","
    yield b"\n]\n" if before == "," else b"[]\n"


def to_task(image: ExportedImage, names: Mapping[int, str]) -> dict[str, Any]:
    """Return the task of one image.

    It is annotated if somebody has drawn on the image or marked it done. The image's address points
    below Label Studio's own storage of local files.
    """
    regions = [
        _region(image, box, names[box.category], f"{image.number}-{index}")
        for index, box in enumerate(image.boxes, 1)
    ]
    is_annotated = bool(regions) or image.status in (Status.DONE, Status.APPROVED)
    data = {"image": f"/data/local-files/?d={quote(image.name)}"}
    if image.part:
        data["split"] = image.part
    annotation = {"id": image.number, "result": regions, "was_cancelled": False}
    return {
        "id": image.number,
        "data": data,
        "annotations": [annotation] if is_annotated else [],
        "predictions": [],
    }


def _region(image: ExportedImage, box: ExportBox, label: str, region_id: str) -> dict[str, Any]:
    return {
        "id": region_id,
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": image.width,
        "original_height": image.height,
        "image_rotation": 0,
        "value": {
            "x": box.left / image.width,
            "y": box.top / image.height,
            "width": (box.right - box.left) / image.width,
            "height": (box.bottom - box.top) / image.height,
            "rotation": 0,
            "rectanglelabels": [label],
        },
    }


WRITER: Final = partial(SpooledWriter, Layout(_chunks))
RECORD_SETS: Final = (
    RecordSet("tasks", (
        Field("id", "sc:Integer", "$[*].id"),
        Field("image", "sc:Text", "$[*].data.image"),
    )),
)  # fmt: skip


def from_label_studio(source: DatasetFiles, problems: Problems) -> Iterator[ImportedImage]:
    """Yield the images of the JSON files in `source`."""
    files = files_ending_with((".json", ".gz"), source, "Label Studio")
    for file in files:
        with opened(source, file) as stream:
            keys: set[str] = set()
            for key, line, task in stream_json(stream, file):
                keys.add(key)
                if key == "" and isinstance(task, dict):
                    yield from _image(task, file, line, problems)
                elif key == "":
                    problems.fault(file, f"line {line}", f"{shown(task)} is not a task")
        if keys - {""}:
            raise InvalidImport(
                f"{file} is not an export of Label Studio: a list of tasks was expected. Export "
                f"it as JSON or JSON-MIN.{other_format(keys)}"
            )


READER: Final = from_label_studio


def _image(
    task: Mapping[str, Any], file: str, line: int, problems: Problems
) -> Iterator[ImportedImage]:
    """Yield the image of one task, or nothing if the task names no image or several."""
    place = f"task {shown(task.get('id'))} on line {line}"
    data = task.get("data")
    # JSON keeps the task's data apart, and its annotations under a key that was renamed once.
    whole = isinstance(data, dict) and not any(map(_image_name, task.values()))
    values = list(data.values()) if whole and isinstance(data, dict) else list(task.values())
    pages = [page for value in values for page in _pages(value)]
    names = sorted(set(filter(None, map(_image_name, [*values, *pages]))))
    unread = 0
    if len(names) != 1 or len(pages) > 1:
        why = f"it names several images: {', '.join(names[:3])}" if names else "it names no image"
        problems.fault(file, place, why)
        return
    if whole:
        annotations, unread = _results(task.get("annotations", task.get("completions")))
        regions = list(itertools.chain.from_iterable(annotations))
        is_annotated = bool(annotations)
    else:
        answers = {key: value for key, value in task.items() if key not in _AROUND}
        regions = [region for value in answers.values() for region in _dicts(value)]
        annotations = [regions]
        # Answers of an unknown kind, which are not regions, say nothing about boxes.
        unknown = [value for value in answers.values() if value and not _image_name(value)]
        is_annotated = bool(regions) or (task.get("annotation_id") is not None and not unknown)
    boxes: list[ImportedBox] = []
    size: tuple[int | None, int | None] = (None, None)
    joined, lost, others = _joined(regions)
    lost += unread
    for index, region in enumerate(joined, 1):
        where = f"{place}, region {index}"
        if any(kind in region for kind in _NO_BOX):
            problems.skip(file, where, "not a box; skipped")
            continue
        try:
            boxes.append(_box(region, where))
            sides = (region.get("original_width"), region.get("original_height"))
            if all(type(side) is int and side > 0 for side in sides):
                size = sides
        except ValueError as error:
            problems.fault(file, where, str(error))
        else:
            if region.get("rotation"):
                problems.note(file, where, "it is rotated; the upright box around it was imported")
    if lost:
        problems.skip(file, place, f"{lost} regions of an unknown shape were left out")
    if others:
        problems.note(file, place, f"{others} answers without a region were skipped")
        # An image without boxes may be empty or not drawn on yet, so its answers count as lost.
        lost += 0 if boxes else others
    if any(len(_joined(one)[0]) < len(joined) for one in annotations):
        problems.note(
            file, place, f"it has {len(annotations)} annotations; the boxes of all were imported"
        )
        lost += 1
    yield ImportedImage(
        names[0], tuple(boxes), file, place, *size,
        shares=True, lost=lost + len(joined) - len(boxes), is_annotated=is_annotated,
    )  # fmt: skip


def _results(annotations: Any) -> tuple[list[list[Mapping[str, Any]]], int]:
    """Return the regions of each annotation that was not canceled, and the number of non-regions.

    If one of several annotations was chosen as the ground truth, only its regions are returned.
    """
    given = [one for one in _dicts(annotations) if not one.get("was_cancelled")]
    true = [one for one in given if one.get("ground_truth") is True]
    found: list[list[Mapping[str, Any]]] = []
    unread = 0
    for annotation in true if len(true) == 1 else given:
        regions: list[Mapping[str, Any]] = []
        relations = 0
        results = annotation.get("result") or []
        for result in results if isinstance(results, list) else [results]:
            value = result.get("value") if isinstance(result, dict) else None
            if isinstance(value, dict):
                sizes = {key: result[key] for key in _SHAPE[-2:] if key in result}
                regions.append({**value, **sizes})
            elif isinstance(result, dict) and result.get("type") == "relation":
                relations += 1
            else:
                unread += 1
        # Relations lead from one region to another, so regions are missing.
        unread += 0 if regions else relations
        found.append(regions)
    return found, unread


def _joined(regions: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], int, int]:
    """Return each region once with all of its keys, the count of unknown shapes, and of answers.

    Choices, ratings and texts about the whole image are answers.
    """
    found: dict[str, dict[str, Any]] = {}
    lost = others = 0
    for region in regions:
        shape = {key: region[key] for key in (*_SHAPE, *_NO_BOX) if key in region}
        if shape.keys() <= set(_SHAPE[-2:]):
            if any(key.endswith("labels") for key in region):
                lost += 1
            else:
                others += 1
            continue
        known = found.setdefault(json.dumps(shape, sort_keys=True, default=str), {})
        for key, value in region.items():
            if key.endswith("labels") and isinstance(known.get(key), list):
                known[key] = [*known[key], *(one for one in value if one not in known[key])]
            else:
                known[key] = value
    return list(found.values()), lost, others


def _image_name(value: Any) -> str:
    """Return the image's path in a task's value, or an empty text if the value is no path."""
    if not isinstance(value, str) or len(value) > 4096:
        return ""
    path = path_in_address(value)
    return path if is_image_name(path) else ""


def _pages(value: Any) -> list[str]:
    """Return the images of a task with a list of pages, which are texts or objects."""
    some = value if isinstance(value, list) else []
    texts = [text for one in some for text in (one.values() if isinstance(one, dict) else [one])]
    return list(filter(None, map(_image_name, texts)))


def _dicts(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _box(region: Mapping[str, Any], place: str) -> ImportedBox:
    """Return the region's box in shares of the image."""
    given = [value for key, value in region.items() if key.endswith("labels")]
    if not all(
        isinstance(value, list) and all(isinstance(one, str) for one in value) for value in given
    ):
        raise ValueError(f"its label is {shown(given[0])}")
    labels = list(dict.fromkeys(label for value in given for label in value))
    if not labels:
        raise ValueError("it has no label")
    if len(labels) > 1:
        raise ValueError(f"it has {len(labels)} labels; a box has one")
    left, top, width, height = _percents(region)
    return ImportedBox(labels[0], left / 100, top / 100, width / 100, height / 100, place)


def _percents(region: Mapping[str, Any]) -> Box:
    if "points" in region:
        points = region.get("points")
        if not isinstance(points, list) or not all(
            isinstance(point, list) and len(point) == 2 for point in points
        ):
            raise ValueError(f"its points are {shown(points)}, not pairs of numbers")
        return around((number(x), number(y)) for x, y in points)
    x, y = number(region.get("x")), number(region.get("y"))
    if "radiusX" in region:
        rx, ry = number(region.get("radiusX")), number(region.get("radiusY"))
        box = x - rx, y - ry, 2 * rx, 2 * ry
    else:
        box = x, y, number(region.get("width")), number(region.get("height"))
    rotation = number(region.get("rotation") or 0)
    if not rotation:
        return box
    # The box is turned in pixels, because a percent of the width differs from a percent of the
    # height.
    size = [number(region.get(f"original_{side}")) / 100 for side in ("width", "height")]
    if min(size) < 0.01:  # less than a pixel
        raise ValueError("it is rotated, and the image's size is missing")
    across, down = size
    left, top, width, height = turned(
        box[0] * across, box[1] * down, box[2] * across, box[3] * down, rotation,
        about_center="radiusX" in region,
    )  # fmt: skip
    return left / across, top / down, width / across, height / down
