"""Label Studio's JSON-MIN: percent of the image; turned boxes, outlines and ellipses by their box.

The keys are those of the project's own labelling setup, so regions and the image are told by what
they look like. Label Studio puts eight hexadecimal digits and a dash before an uploaded name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

from labeler.errors import InvalidImport
from labeler.formats.found import FoundBox, FoundImage, Problems, around, number, shown, turned
from labeler.formats.safe_json import stream_json
from labeler.formats.sources import Source, opened

Box = tuple[float, float, float, float]

_LABELS: Final = ("rectanglelabels", "polygonlabels", "ellipselabels")
_OTHER_LABELS: Final = ("brushlabels", "keypointlabels", "vectorlabels", "videorectangle")
_IMAGE: Final = re.compile(r".*\.(jpe?g|png|webp|bmp|gif|tiff?)", re.IGNORECASE | re.DOTALL)
_UPLOADED: Final = re.compile(r"[0-9a-f]{8}-(?=.)")


def from_label_studio(source: Source, problems: Problems) -> Iterator[FoundImage]:
    """The images of the JSON files in `source`."""
    files = [name for name in source.files() if name.lower().endswith((".json", ".gz"))]
    if len(source.files()) == 1:
        files = list(source.files())
    elif not files:
        raise InvalidImport(
            f"{source.name} holds no file of Label Studio: none in it ends with .json."
        )
    for file in files:
        with opened(source, file) as stream:
            for key, line, task in stream_json(stream, file):
                if key or not isinstance(task, dict) or "annotations" in task:
                    raise InvalidImport(f"{file}: line {line}: it is no JSON-MIN. Export it so.")
                place = f"task {shown(task.get('id'))} on line {line}"
                name = next(filter(None, map(_image_name, task.values())), "")
                if not name:
                    problems.fault(file, place, "it names no image")
                else:
                    yield _image(task, name, file, place, problems)


def _image(
    task: Mapping[str, Any], name: str, file: str, place: str, problems: Problems
) -> FoundImage:
    regions = [region for value in task.values() for region in _regions(value)]
    boxes: list[FoundBox] = []
    size: tuple[int | None, int | None] = (None, None)
    for index, region in enumerate(regions, 1):
        where = f"{place}, region {index}"
        if any(kind in region for kind in _OTHER_LABELS):
            problems.skip(file, where, "it is no box and was left out")
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
                problems.note(file, where, "it is turned: the upright box around it was taken")
    lost = len(regions) - len(boxes)
    return FoundImage(name, tuple(boxes), file, place, *size, shares=True, lost=lost)


def _image_name(value: Any) -> str:
    """The image's path in a task's value; empty where it is none."""
    if not isinstance(value, str) or len(value) > 4096:
        return ""
    try:
        parts = urlsplit(value)
        asked = parse_qs(parts.query).get("d", [""])[0]  # /data/local-files/?d=folder/a.jpg
    except ValueError:
        return ""
    path = asked or unquote(parts.path) or ""
    if not _IMAGE.fullmatch(path):
        return ""
    path = path.replace("\\", "/").lstrip("/")
    if path.startswith("data/upload/"):
        return _UPLOADED.sub("", path.rpartition("/")[2], count=1)
    return path


def _regions(value: Any) -> list[Mapping[str, Any]]:
    found = value if isinstance(value, list) else []
    return [
        region
        for region in found
        if isinstance(region, dict) and any(kind in region for kind in (*_LABELS, *_OTHER_LABELS))
    ]


def _box(region: Mapping[str, Any], place: str) -> FoundBox:
    """The region's box in shares of the image."""
    kind = next(kind for kind in _LABELS if kind in region)
    labels = region[kind]
    if not (isinstance(labels, list) and labels and isinstance(labels[0], str)):
        raise ValueError(f"its label is {shown(labels)}")
    if len(labels) > 1:
        raise ValueError(f"it has {len(labels)} labels; a box has one")
    left, top, width, height = _percents(region, kind)
    return FoundBox(labels[0], left / 100, top / 100, width / 100, height / 100, place)


def _percents(region: Mapping[str, Any], kind: str) -> Box:
    if kind == "polygonlabels":
        points = region.get("points")
        if not isinstance(points, list) or not all(
            isinstance(point, list) and len(point) == 2 for point in points
        ):
            raise ValueError(f"its points are {shown(points)}, not pairs of numbers")
        return around((number(x), number(y)) for x, y in points)
    x, y = number(region.get("x")), number(region.get("y"))
    if kind == "ellipselabels":
        rx, ry = number(region.get("radiusX")), number(region.get("radiusY"))
        box = x - rx, y - ry, 2 * rx, 2 * ry
    else:
        box = x, y, number(region.get("width")), number(region.get("height"))
    rotation = number(region.get("rotation") or 0)
    if not rotation:
        return box
    # Turned in pixels, where a percent is not as long across as it is down.
    size = [number(region.get(f"original_{side}")) / 100 for side in ("width", "height")]
    if min(size) <= 0:
        raise ValueError("it is turned, and the image's size is missing")
    across, down = size
    left, top, width, height = turned(
        box[0] * across, box[1] * down, box[2] * across, box[3] * down, rotation,
        about_center=kind == "ellipselabels",
    )  # fmt: skip
    return left / across, top / down, width / across, height / down
