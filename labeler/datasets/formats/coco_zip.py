"""COCO with the images: a zip of `annotations/` and `images/`.

The annotations are one file, or one file per part of a split. Their file names are relative to
`images/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from labeler.datasets.formats.coco_writer import annotation_line, categories, image_line
from labeler.datasets.formats.writing import Dataset, ExportedImage, SpooledWriter, zip_layout


def _members(dataset: Dataset) -> Iterator[tuple[str, Iterable[bytes]]]:
    parts = dict.fromkeys(image.part for image in dataset.images())
    for part in parts or [""]:
        yield f"annotations/instances_{part or 'default'}.json", _coco(dataset, part)


def _coco(dataset: Dataset, part: str) -> Iterator[bytes]:
    """Yield the COCO file of one part, in chunks."""

    def images() -> Iterator[ExportedImage]:
        return (image for image in dataset.images() if image.part == part)

    yield b'{"info":{"description":"Labeled boxes, exported by Labeler","version":"1.0"},\n'
    yield b'"licenses":[],\n"images":[\n'
    lines = (image_line(one.number, one.name, one.width, one.height) for one in images())
    yield from _joined(lines)
    yield b'\n],\n"annotations":[\n'
    boxes = ((image.number, box) for image in images() for box in image.boxes)
    yield from _joined(
        annotation_line(number, image, box) for number, (image, box) in enumerate(boxes, 1)
    )
    yield b"\n],\n" + categories(dataset.labels) + b"}\n"


def _joined(lines: Iterable[str]) -> Iterator[bytes]:
    before = ""
    for line in lines:
        yield f"{before}{line}".encode("ascii")
        before = ",\n"


WRITER: Final = partial(SpooledWriter, zip_layout(_members, lambda image: f"images/{image.name}"))
