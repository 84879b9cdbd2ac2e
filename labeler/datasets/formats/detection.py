"""Detects a dataset's format from its file names and the beginning of the first files."""

from __future__ import annotations

import re
from typing import Any, Final

from labeler.datasets.formats.dataset_files import DatasetFiles, opened
from labeler.datasets.formats.registry import IMPORTED, DatasetFormat, find_format
from labeler.datasets.formats.safe_json import LIST_BEGINS, stream_json
from labeler.datasets.formats.zip_manifest import own_files
from labeler.errors import InvalidImport

_LOOKED_AT: Final = 5
"""How many files of one kind are looked at. Some may be of another kind, such as settings."""
_ELEMENTS: Final = 1000
_HEAD_BYTES: Final = 2**16
_COCO: Final = frozenset({"images", "annotations", "categories"})
_LABELME: Final = frozenset({"shapes", "imagePath"})
_TASK: Final = frozenset({"data", "annotations", "annotation_id", "predictions"})
_COMMENT: Final = re.compile(rb"<!--.*?-->", re.DOTALL)
_ROOT: Final = re.compile(rb"<([A-Za-z][\w.:-]*)")
_ROOTS: Final = {b"annotation": "voc", b"annotations": "cvat"}
_LINE: Final = re.compile(rb"\s*\d+(\s+[-+.\deE]+){4}")


def detect_format(source: DatasetFiles) -> DatasetFormat:
    """Return the dataset's format. Raises InvalidImport if no readable format fits."""
    own = own_files(source)
    files = [name for name in source.files() if name not in own]
    found = (
        _first(source, _ending(files, ".json", ".gz"), _json_format)
        or _first(source, _ending(files, ".xml"), _xml_format)
        or _first(source, _ending(files, ".txt"), _text_format)
    )
    if not found and len(files) == 1:  # a single file may have any name
        found = _first(source, files, _any_format)
    if not found:
        names = ", ".join(kind.title for kind in IMPORTED)
        raise InvalidImport(
            f"The format of {source.name} is not known. These are read: {names}. If it is one of "
            "them, choose it."
        )
    return find_format(found)


def _ending(files: list[str], *endings: str) -> list[str]:
    return [name for name in files if name.lower().endswith(endings)]


def _first(source: DatasetFiles, files: list[str], look: Any) -> str:
    """Return the first format that one of the files looks like, or an empty text."""
    for file in files[:_LOOKED_AT]:
        try:
            found: str = look(source, file)
        except InvalidImport:  # the reader of the chosen format will report the error
            found = ""
        if found:
            return found
    return ""


def _json_format(source: DatasetFiles, file: str) -> str:
    with opened(source, file) as stream:
        for count, (key, _, value) in enumerate(stream_json(stream, file)):
            if key in _COCO:
                return "coco"
            if key in _LABELME:
                return "labelme"
            if key == "" and value is not LIST_BEGINS:
                is_task = isinstance(value, dict) and not _TASK.isdisjoint(value)
                return "labelstudio" if is_task or _has_image(value) else ""
            if count > _ELEMENTS:
                break
    return ""


def _has_image(value: Any) -> bool:
    """Return whether an element is a JSON-MIN task, which has the image beside the answers."""
    return isinstance(value, dict) and "image" in value and "image_id" not in value


def _xml_format(source: DatasetFiles, file: str) -> str:
    root = _ROOT.search(_COMMENT.sub(b"", _head(source, file)))
    return _ROOTS.get(root[1], "") if root else ""


def _text_format(source: DatasetFiles, file: str) -> str:
    return "yolo" if _LINE.match(_head(source, file)) else ""


def _any_format(source: DatasetFiles, file: str) -> str:
    head = _head(source, file).lstrip(b"\xef\xbb\xbf \t\r\n")
    look = {b"{": _json_format, b"[": _json_format, b"<": _xml_format}.get(head[:1], _text_format)
    return look(source, file)


def _head(source: DatasetFiles, file: str) -> bytes:
    with opened(source, file) as stream:
        return stream.read(_HEAD_BYTES)
