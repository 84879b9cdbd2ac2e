"""What an export was made from: a file of JSON lines beside it.

The first line is the head, an object; then comes a line for each image that was looked at, in the
order of their numbers: a JSON array of Record's fields. By it the next export takes over what has
not changed, `verify` tells what has, and image numbers are found again where the registry was
lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import repeat
from json.encoder import encode_basestring_ascii as _text
from typing import Final, NamedTuple

from pydantic import StrictInt, StrictStr, ValidationError

from labeler.errors import DamagedExport
from labeler.model.labels import LabelSet, label_key
from labeler.model.stored_json import StoredModel, check_version, damage

_BLOCK: Final = 1000


class ManifestRecord(NamedTuple):
    """One image: its number, and in which state of the store what became of it.

    `version` and `md5` are its document's, empty where none was stored. `original` is the version
    of the original, which was in the store under `file_name`, or empty. The rest is the Outcome.
    """

    number: int
    image_id: str
    version: str
    md5: str
    original: str
    file_name: str
    status: str
    fate: str
    width: int
    height: int
    saved_at: int
    boxes: int
    findings: Mapping[str, int] | None


class ManifestHead(StoredModel):
    """What else the export depends on, and what came of it.

    `writer` names the program; `choice` is what was asked for, in fields, `asked` the
    numbers of the labels in it; `categories` are the
    labels' names in the order of their numbers, `names` the number that each known spelling counts
    as; `highest` is the highest image number given so far. `boxes` counts the export's boxes by
    the numbers of the labels, from 1; `md5` and `size` are the export's.
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
    number, image_id, version, md5, original, file_name, status, fate, *numbers, findings = record
    return (
        f"[{number},{_text(image_id)},{_text(version)},{_text(md5)},{_text(original)},"
        f'{_text(file_name)},"{status}","{fate}",{",".join(map(str, numbers))},'
        f"{json.dumps(findings) if findings else 'null'}]"
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
            if set(map(len, rows)) != {len(ManifestRecord._fields)}:
                raise ValueError("a line has too few fields, or too many")
            # A tenth of the time of Record(...), and there are hundreds of thousands.
            records += map(tuple.__new__, repeat(ManifestRecord), rows)
        except (ValueError, TypeError) as error:
            raise DamagedExport(f"{key} is damaged: {error}. Export anew.") from error
    return records


def covers(new: Mapping[str, int], old: Mapping[str, int]) -> bool:
    """Whether every spelling that counted as a label counts as the same one still."""
    return all(new.get(name) == number for name, number in old.items())
