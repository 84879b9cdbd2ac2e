"""Datasets on disk for the tests of readers."""

from __future__ import annotations

import contextlib
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from labeler.datasets.formats.dataset_files import open_dataset_files
from labeler.datasets.formats.reading import ImportedBox, ImportedImage, Problems
from labeler.datasets.formats.registry import IMPORTED, find_format
from labeler.datasets.formats.voc import Convention

Content = bytes | str | dict[str, Any] | list[Any]


def written(folder: Path, files: Mapping[str, Content]) -> Path:
    """The folder with these files in it; what is no text or bytes is written as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(as_bytes(content))
    return folder


def zipped(path: Path, files: Mapping[str, Content]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, as_bytes(content))
    return path


def as_bytes(content: Content) -> bytes:
    if isinstance(content, bytes):
        return content
    return (content if isinstance(content, str) else json.dumps(content)).encode()


def found_in(
    path: Path, kind: str, voc: Convention = Convention.AUTO
) -> tuple[list[ImportedImage], list[str]]:
    """The images in a dataset, and the problems on the way, a line each."""
    problems = Problems()
    with contextlib.closing(open_dataset_files(path)) as source:
        images = list(find_format(kind, IMPORTED).read(source, problems, voc))
    return images, [problem.line() for problem in problems.kept]


def box_of(box: ImportedBox) -> tuple[str, float, float, float, float]:
    return box[0], *(round(value, 6) for value in box[1:5])  # type: ignore[return-value]


def boxes_of(image: ImportedImage) -> list[tuple[str, float, float, float, float]]:
    return [box_of(box) for box in image.boxes]
