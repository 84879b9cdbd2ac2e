"""The journal of an earlier Labeler, as lines of JSON: read once, to take it over.

A write is `{"k": key, "v": version, "o": version it replaced, "m": metadata, "h": md5}`, a delete
`{"k": key, "o": version}`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from labeler.storage.base import Version
from labeler.storage.local_files import version_time

Row = tuple[str, Version, str, str | None]
"""Key, version, metadata as JSON, MD5."""


def read_lines(path: Path) -> Iterator[Row]:
    """The last versions of each key; lines that nobody can read are left out, as is no file."""
    notes: dict[str, dict[Version, Row]] = {}
    try:
        with path.open("rb") as file:
            for line in file:
                _take(line, notes)
    except (FileNotFoundError, NotADirectoryError):
        return
    for rows in notes.values():
        yield from rows.values()


def _take(line: bytes, notes: dict[str, dict[Version, Row]]) -> None:
    try:
        entry = json.loads(line)
        key, new, old = entry["k"], entry.get("v"), entry.get("o")
        metadata, md5 = entry.get("m", {}), entry.get("h", "")
        "".join((key, md5, *metadata, *metadata.values())).encode()
        for version in (new, old):
            if version is not None:
                version_time(version)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return  # an incomplete line of a killed writer, or somebody's edit
    before = notes.get(key, {})
    notes[key] = {} if old is None else {old: before.get(old, (key, old, "{}", None))}
    if new is not None:
        notes[key][new] = (key, new, json.dumps(metadata, ensure_ascii=False), md5 or None)
