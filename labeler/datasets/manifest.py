"""What an export was made from: a file of JSON lines beside it.

The first line is the head, an object. Then comes a line for each image that was looked at, in the
order of their numbers: a JSON array of the record's fields. By it the next export takes over what
has not changed, `verify` tells what has, and image numbers are found again where the registry was
lost.
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
    """One image: its number, and in which state of the store what became of it.

    `version` and `md5` are its document's, empty where none was stored. `original` is the version
    of the original, which was in the store under `file_name`, or empty.
    """

    number: int
    image_id: str
    version: str
    md5: str
    original: str
    file_name: str
    result: ImageResult


class ManifestHead(StoredModel):
    """What else the export depends on, and what came of it.

    `writer` names the program. `selection` is what was asked for, by field, and `asked` the numbers
    of the labels in it. `categories` are the names of the labels in the order of their numbers.
    `names` gives the number that each known spelling counts as. `highest` is the highest image
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
"""How many a line has: those of the record, with the result's in place of `result`."""


class ManifestWriter:
    """Takes the lines of a manifest, one for each image that was looked at, and counts them.

    Without `kept` they are only counted. The head comes last, since it says what became of all.
    """

    def __init__(self, *, kept: bool) -> None:
        self.looked_at = 0
        self._lines = open_spool() if kept else None

    def add(self, lines: Sequence[bytes]) -> None:
        """The next lines, without their ends."""
        self.looked_at += len(lines)
        if self._lines is not None:
            self._lines.write(b"\n".join(lines) + b"\n")

    def stream(self, head: ManifestHead) -> BinaryIO:
        """The whole manifest as a file to read and seek in."""
        parts: list[IO[bytes]] = [BytesIO(dump_head(head))]
        if self._lines is not None:
            parts.append(self._lines)
        return BufferedReader(JoinedFile(parts), _CHUNK_BYTES)

    def close(self) -> None:
        """Give up the lines; calling twice is harmless."""
        if self._lines is not None:
            self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def label_spellings(labels: LabelSet) -> dict[str, int]:
    """The number that each name and former name in the label set counts as."""
    found = {}
    for label in labels.labels:
        for name in label.names:
            counts_as = labels.find(name)
            if counts_as is not None:
                found[label_key(name)] = counts_as.number
    return found


def dump_head(head: ManifestHead) -> bytes:
    """The first line."""
    return head.model_dump_json().encode() + b"\n"


def dump_record(record: ManifestRecord) -> bytes:
    """A line, without its end; the same as json.dumps gives, three times as fast."""
    result = record.result
    return (
        f"[{record.number},{_text(record.image_id)},{_text(record.version)},{_text(record.md5)},"
        f"{_text(record.original)},{_text(record.file_name)},"
        f'"{result.status}","{result.left_out_by}",{result.width},{result.height},{result.saved_at},'
        f"{result.boxes},{json.dumps(result.warnings) if result.warnings else 'null'}]"
    ).encode()


def parse_head(line: bytes, key: str) -> ManifestHead:
    """The head in the first line; DamagedExport, NewerDocument."""
    try:
        head = ManifestHead.model_validate_json(line)
    except ValidationError as error:
        raise DamagedExport(damage(key, error)) from error
    check_version(head.version, key)
    return head


def parse_records(lines: Sequence[bytes], key: str) -> list[ManifestRecord]:
    """The record in each line; DamagedExport."""
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
    """Whether every spelling that counted as a label counts as the same one still."""
    return all(new.get(name) == number for name, number in old.items())
