"""What an export was made from: a file of JSON lines beside it.

The first line is the head, an object; then comes a line for each image that was looked at, in the
order of their numbers: a JSON array in the order of Record's fields, those of Outcome at its end.
By it the next export takes over what has not changed, `verify` tells what has, and image numbers
are found again where the registry was lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from json.encoder import encode_basestring_ascii as _text
from sys import intern
from typing import Final, NamedTuple

from pydantic import StrictInt, StrictStr, ValidationError

from labeler.boxes import NOTHING, Outcome
from labeler.coco import WRITER
from labeler.errors import DamagedExport
from labeler.labels import LabelSet, label_key
from labeler.stored import StoredModel, check_version, damage

_BLOCK: Final = 1000


class Record(NamedTuple):
    """One image: its number, and in which state of the store what became of it.

    `version` and `md5` are its document's, empty where none was stored. `kept` says whether the
    original was in the store, under `file_name`.
    """

    number: int
    image_id: str
    version: str
    md5: str
    file_name: str
    kept: bool
    outcome: Outcome


class Head(StoredModel):
    """What else the export depends on, and what came of it.

    `writer` names the program; `choice` is what was asked for, in fields, `asked` the
    numbers of the labels in it; `categories` are the
    labels' names in the order of their numbers, `names` the number that each known spelling counts
    as; `highest` is the highest image number given so far. `md5` and `size` are the export's.
    """

    version: StrictStr = "1.0"
    writer: StrictStr
    choice: dict[str, list[StrictStr]]
    asked: list[StrictInt]
    categories: list[StrictStr]
    names: dict[str, StrictInt]
    highest: StrictInt
    looked_at: StrictInt
    images: StrictInt
    annotations: StrictInt
    md5: StrictStr
    size: StrictInt
    told: list[StrictStr]


def writer_name(program_version: str) -> str:
    """What names the program in the head: another program may write other bytes."""
    return f"{program_version}/{WRITER}"


def spellings(labels: LabelSet) -> dict[str, int]:
    """The number that each name and former name in the label set counts as."""
    found = {}
    for label in labels.labels:
        for name in label.names:
            counts_as = labels.find(name)
            if counts_as is not None:
                found[label_key(name)] = counts_as.number
    return found


def dump_head(head: Head) -> bytes:
    """The first line."""
    return head.model_dump_json().encode() + b"\n"


def dump_record(record: Record) -> str:
    """A line, with its end; the same as json.dumps gives, three times as fast."""
    number, image_id, version, md5, file_name, kept, outcome = record
    status, fate, width, height, saved_at, boxes, findings = outcome
    return (
        f"[{number},{_text(image_id)},{_text(version)},{_text(md5)},{_text(file_name)},"
        f'{"true" if kept else "false"},"{status}","{fate}",{width},{height},{saved_at},{boxes},'
        f"{json.dumps(findings) if findings else '{}'}]\n"
    )


def parse_head(line: bytes, key: str) -> Head:
    """The head in the first line; DamagedExport, NewerDocument."""
    try:
        head = Head.model_validate_json(line)
    except ValidationError as error:
        raise DamagedExport(damage(key, error)) from error
    check_version(head.version, key)
    return head


def parse_records(lines: Iterable[bytes], key: str) -> Iterator[Record]:
    """The record in each line; DamagedExport."""
    rest = iter(lines)
    while block := list(islice(rest, _BLOCK)):
        try:
            for fields in json.loads(b"[" + b",".join(block) + b"]"):
                number, image_id, version, md5, file_name, kept, status, fate, *numbers = fields
                width, height, saved_at, boxes, findings = numbers
                outcome = Outcome(
                    intern(status), intern(fate), width, height, saved_at, boxes,
                    findings or NOTHING,
                )  # fmt: skip
                yield Record(number, image_id, version, md5, file_name, kept, outcome)
        except (ValueError, TypeError) as error:
            raise DamagedExport(f"{key} is damaged: {error}. Export anew.") from error


def covers(new: Mapping[str, int], old: Mapping[str, int]) -> bool:
    """Whether every spelling that counted as a label counts as the same one still."""
    return all(new.get(name) == number for name, number in old.items())
