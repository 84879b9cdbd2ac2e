"""Ultralytics' NDJSON: a line about the dataset, then one line per image, boxes as in YOLO.

Images have the same names as in the YOLO zip. If no name has a folder, the file says `"path": "."`.
Ultralytics then finds the images if the file lies beside the `images` folder of such a zip.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import Final

from labeler.datasets.formats.croissant import Field, RecordSet
from labeler.datasets.formats.writing import Dataset, ExportedImage, Layout, SpooledWriter
from labeler.datasets.formats.yolo import RESERVED, part_of, shares

_BATCH: Final = 1000


def _chunks(dataset: Dataset) -> Iterator[bytes]:
    names = {str(label.number - 1): label.name for label in dataset.labels.labels}
    first: dict[str, object] = {"type": "dataset", "task": "detect", "class_names": names}
    # Ultralytics rejects a name with a folder if it has to look beside the file.
    if not any("/" in image.name for image in dataset.images()):
        first["path"] = "."
    lines = [json.dumps(first)]
    for image in dataset.images():
        lines.append(json.dumps(_line(image)))
        if len(lines) >= _BATCH:
            yield _joined(lines)
            lines = []
    yield _joined(lines)


def _joined(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _line(image: ExportedImage) -> dict[str, object]:
    boxes = [
        [box.category - 1, *(round(share, 8) for share in shares(box, image.width, image.height))]
        for box in image.boxes
    ]
    return {
        "type": "image",
        "file": image.name,
        "width": image.width,
        "height": image.height,
        "split": part_of(image),
        "annotations": {"boxes": boxes},
    }


WRITER: Final = partial(
    SpooledWriter,
    Layout(_chunks, by_stem=True, by_part=True, known_extensions=True, reserved=RESERVED),
)
RECORD_SETS: Final = (
    RecordSet("lines", (
        Field("type", "sc:Text", "type"),  # "dataset" on the first line, which is not an image
        Field("file", "sc:Text", "file"),
        Field("width", "sc:Integer", "width"),
        Field("height", "sc:Integer", "height"),
        Field("split", "sc:Text", "split"),
        Field("boxes", "sc:Float", "annotations", "$.boxes", shape="-1,5"),
    )),
)  # fmt: skip
