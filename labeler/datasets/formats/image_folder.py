"""Hugging Face's image folder: `metadata.jsonl` beside the images, one folder per split.

README.md says which folder is which split. Without it, `datasets` treats any folder called `test`
as the test split. `bbox` is left, top, width and height in pixels. `categories` counts from 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Final

from labeler.datasets.formats.writing import Dataset, ExportedImage, SpooledWriter, zip_layout
from labeler.datasets.rules import ExportBox
from labeler.datasets.selection import Part

_SPLITS: Final = {Part.TRAIN: "train", Part.VAL: "validation", Part.TEST: "test"}


def split_of(image: ExportedImage) -> str:
    """Return the split's Hugging Face name. Without a split, all images are in `train`."""
    return _SPLITS[Part(image.part or Part.TRAIN)]


def objects_of(image: ExportedImage, names: dict[int, str]) -> dict[str, list[Any]]:
    """Return the boxes as columns: `bbox`, label number from 0, its name, attributes as JSON."""
    return {
        "bbox": [bounds(box) for box in image.boxes],
        "categories": [box.category - 1 for box in image.boxes],
        "labels": [names[box.category] for box in image.boxes],
        "attributes": [box.attributes or "{}" for box in image.boxes],
    }


def bounds(box: ExportBox) -> list[float]:
    """Return left, top, width and height in pixels."""
    return [
        box.left / 100, box.top / 100, (box.right - box.left) / 100, (box.bottom - box.top) / 100,
    ]  # fmt: skip


def _members(dataset: Dataset) -> Iterator[tuple[str, bytes | Iterable[bytes]]]:
    splits = {split_of(image) for image in dataset.images()}
    found = [split for split in _SPLITS.values() if split in splits] or ["train"]
    yield "README.md", _readme(found).encode()
    names = {label.number: label.name for label in dataset.labels.labels}
    for split in found:
        yield f"{split}/metadata.jsonl", _metadata(dataset, split, names)


def _metadata(dataset: Dataset, split: str, names: dict[int, str]) -> Iterator[bytes]:
    for image in dataset.images():
        if split_of(image) == split:
            line = json.dumps(_row(image, names))
            yield f"{line}\n".encode()


def _row(image: ExportedImage, names: dict[int, str]) -> dict[str, Any]:
    return {
        "file_name": image.name,
        "image_id": image.image_id,
        "width": image.width,
        "height": image.height,
        "status": image.status,
        "objects": objects_of(image, names),
    }


def _readme(splits: list[str]) -> str:
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split in splits:
        lines += [f"  - split: {split}", f'    path: "{split}/**"']
    return "\n".join([*lines, "---", ""])


WRITER: Final = partial(
    SpooledWriter, zip_layout(_members, lambda image: f"{split_of(image)}/{image.name}")
)
