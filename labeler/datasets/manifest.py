"""The manifest: which images an export was made from, as JSON lines beside the export.

The first line is the head, an object. One line per examined image follows, in the order of image
numbers: a JSON array of the record's fields. The next export uses the manifest to take over
everything that has not changed. `verify` uses it to find changes. A lost registry of image numbers
is rebuilt from it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from io import BufferedReader, BytesIO
from json.encoder import encode_basestring_ascii as _text
from typing import IO, Any, BinaryIO, Final, Self

from pydantic import StrictInt, StrictStr, ValidationError

from labeler.datasets.rules import ImageResult
from labeler.errors import DamagedExport
from labeler.model.labels import LabelSet, label_key
from labeler.model.stored_json import StoredModel, check_version, damage
from labeler.runtime.spools import JoinedFile, open_spool

_BLOCK: Final = 1000
_CHUNK_BYTES: Final = 2**18


@dataclass(slots=True)
class ManifestRecord:
    """One image: its number, its state in the store, and its result in the export.

    `version` and `md5` are those of its document, empty if none was stored. `original` is the
    version of the original, which was stored under `file_name`; it is empty if there was none.
    """

    number: int
    image_id: str
    version: str
    md5: str
    original: str
    file_name: str
    result: ImageResult


class ManifestHead(StoredModel):
    """Everything else that the export depends on, and its totals.

    `writer` names the program. `selection` is the request, by field, and `asked` holds the numbers
    of the labels in it. `categories` are the names of the labels in the order of their numbers.
    `names` maps each known spelling to the number of its label. `highest` is the highest image
    number given so far. `boxes` counts the export's boxes by the number of their label, from 1.
    `md5` and `size` are those of the export.
    """

    version: StrictStr = "1.0"
    writer: StrictStr
    selection: dict[str, list[StrictStr]]
    asked: list[StrictInt]
    categories: list[StrictStr]
    names: dict[str, StrictInt]
    highest: StrictInt
    looked_at: StrictInt
    images: StrictInt
    annotations: StrictInt
    boxes: list[StrictInt]
    md5: StrictStr
    size: StrictInt
    told: list[StrictStr]


_FIELDS: Final = len(fields(ManifestRecord)) - 1 + len(fields(ImageResult))
"""The number of fields per line: those of the record, with the result's in place of `result`."""


class ManifestWriter:
    """Takes and counts the lines of a manifest, one per examined image.

    Without `kept`, lines are only counted. The head comes last, because it holds the totals.
    """

    def __init__(self, *, kept: bool) -> None:
        self.looked_at = 0
        self._lines = open_spool() if kept else None

    def add(self, lines: Sequence[bytes]) -> None:
        """Add lines, without their line ends."""
        self.looked_at += len(lines)
        if self._lines is not None:
            self._lines.write(b"\n".join(lines) + b"\n")

    def stream(self, head: ManifestHead) -> BinaryIO:
        """Return the whole manifest as a file for reading and seeking."""
        parts: list[IO[bytes]] = [BytesIO(dump_head(head))]
        if self._lines is not None:
            parts.append(self._lines)
        return BufferedReader(JoinedFile(parts), _CHUNK_BYTES)

    def close(self) -> None:
        """Release the lines. Calling it twice is harmless."""
        if self._lines is not None:
            self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def label_spellings(labels: LabelSet) -> dict[str, int]:
    """Return the label number of each name and former name in the label set."""
    found = {}
    for label in labels.labels:
        for name in label.names:
            counts_as = labels.find(name)
            if counts_as is not None:
                found[label_key(name)] = counts_as.number
    return found


def dump_head(head: ManifestHead) -> bytes:
    """Return the first line."""
    return head.model_dump_json().encode() + b"\n"


def dump_record(record: ManifestRecord) -> bytes:
    """Return a line without its end: the same as json.dumps gives, three times as fast."""
    result = record.result
    return (
        f"[{record.number},{_text(record.image_id)},{_text(record.version)},{_text(record.md5)},"
        f"{_text(record.original)},{_text(record.file_name)},"
        f'"{result.status}","{result.left_out_by}",{result.width},{result.height},{result.saved_at},'
        f"{result.boxes},{json.dumps(result.warnings) if result.warnings else 'null'}]"
    ).encode()


def parse_head(line: bytes, key: str) -> ManifestHead:
    """Return the head in the first line. Raises DamagedExport or NewerDocument."""
    try:
        head = ManifestHead.model_validate_json(line)
    except ValidationError as error:
        raise DamagedExport(damage(key, error)) from error
    check_version(head.version, key)
    return head


def parse_records(lines: Sequence[bytes], key: str) -> list[ManifestRecord]:
    """Return the record in each line. Raises DamagedExport."""
    records: list[ManifestRecord] = []
    for start in range(0, len(lines), _BLOCK):
        block = lines[start : start + _BLOCK]
        try:
            rows = json.loads(b"[" + b",".join(block) + b"]")
            if set(map(len, rows)) != {_FIELDS}:
                raise ValueError("a line has too few fields, or too many")
            records += map(_record, rows)
        except (ValueError, TypeError) as error:
            raise DamagedExport(f"{key} is damaged: {error}. Export anew.") from error
    return records


def _record(row: Sequence[Any]) -> ManifestRecord:
    number, image_id, version, md5, original, file_name, *result = row
    return ManifestRecord(number, image_id, version, md5, original, file_name, ImageResult(*result))


def covers(new: Mapping[str, int], old: Mapping[str, int]) -> bool:
    """Return whether every known spelling still means the same label number."""
    return all(new.get(name) == number for name, number in old.items())
