"""The folder store's journal: metadata and MD5 of each version that Labeler wrote.

Not every file system keeps custom metadata with a file, so metadata is in one SQLite file. A row is
on disk before the file takes its place, and counts only while the file has exactly that version. So
a writer that is killed in between leaves the old state with its own metadata, a reader never sees a
new state without metadata, and an edit by another program has none. The last versions of each key
are kept, even after a delete: their times keep a later version from repeating one.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from labeler.storage.base import ObjectInfo, Version
from labeler.storage.local_database import Database
from labeler.storage.local_files import stamp, version_of, version_time
from labeler.storage.local_journal_lines import read_lines

_TABLE: Final = """
CREATE TABLE notes (
    key TEXT NOT NULL, version TEXT NOT NULL, metadata TEXT NOT NULL, md5 TEXT,
    PRIMARY KEY (key, version)
) WITHOUT ROWID
"""
_LAST_MOMENT_S: Final = 253_402_300_799.0  # the end of the year 9999: datetime ends there
_RANGE: Final = "SELECT key, version, metadata, md5 FROM notes WHERE key BETWEEN ? AND ?"
_FEW: Final = 50
"""So many notes are looked up one by one; more are read as a range of keys."""
_Note = tuple[Mapping[str, str], str | None]
"""Metadata and MD5."""
_NO_NOTE: Final[_Note] = MappingProxyType({}), None


class Journal:
    """Notes by key and version; all processes share them through the folder `own`."""

    def __init__(self, own: Path, timeout_s: float) -> None:
        lines = own / "journal.jsonl"

        def fill(connection: sqlite3.Connection) -> None:
            connection.execute(_TABLE)
            connection.executemany("INSERT INTO notes VALUES (?, ?, ?, ?)", read_lines(lines))

        self._database = Database(own / "journal.sqlite", fill, lines, timeout_s)

    def infos(self, found: Sequence[tuple[str, os.stat_result]]) -> list[ObjectInfo]:
        """What a listing shows of the objects whose files are in these states.

        Those without a note have no MD5.
        """
        wanted = {key: version_of(state) for key, state in found}

        def query(connection: sqlite3.Connection) -> dict[str, _Note]:
            ranges = [(key, key) for key in wanted]
            if len(ranges) > _FEW:
                ranges = [(min(wanted), max(wanted))]
            rows = [
                row
                for one in ranges
                for row in connection.execute(_RANGE, one)
                if wanted.get(row[0]) == row[1]
            ]
            # Parsing them all in one call takes a third of the time.
            parsed = json.loads(f"[{','.join([row[2] for row in rows])}]")
            return {row[0]: (noted, row[3]) for row, noted in zip(rows, parsed, strict=True)}

        notes: dict[str, _Note] = self._database.read(query, {})
        return [
            ObjectInfo(key, wanted[key], state.st_size, _time_of(state), *notes.get(key, _NO_NOTE))
            for key, state in found
        ]

    def wrote_hidden(self, path: str) -> bool:
        """Whether Labeler wrote this hidden file, or something in this hidden folder."""

        def query(connection: sqlite3.Connection) -> bool:
            rows = connection.execute(
                "SELECT 1 FROM notes WHERE key = ? OR key > ? AND key < ? LIMIT 1",
                (path, f"{path}/", f"{path}0"),  # 0 comes after /
            )
            return rows.fetchone() is not None

        return self._database.read(query, False)

    def enter(
        self, fd: int, key: str, current: Version | None, metadata: dict[str, str], md5: str
    ) -> Version:
        """Give the finished file `fd` a version above all that `key` ever had, and note it.

        The note is on disk at return. The caller holds the key's lock.
        """
        packed = _packed(metadata)

        def change(connection: sqlite3.Connection) -> Version:
            above = _only(connection, key, current)
            version = version_of(stamp(fd, above))
            connection.execute("INSERT INTO notes VALUES (?, ?, ?, ?)", (key, version, packed, md5))
            return version

        return self._database.write(change)

    def note(self, key: str, version: Version, metadata: dict[str, str], md5: str) -> None:
        """Note this of a version that has taken its place. The caller holds the key's lock."""
        row = (key, version, _packed(metadata), md5)
        self._database.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", row
            )
        )

    def enter_delete(self, key: str, current: Version) -> None:
        """Note a delete before it happens, so that no later version of `key` repeats this one."""
        self._database.write(lambda connection: _only(connection, key, current))

    def close(self) -> None:
        """Close the file; a later call opens it again."""
        self._database.close()


def _time_of(state: os.stat_result) -> float:
    """When the file was changed, or the nearest time that a datetime can tell."""
    seconds = state.st_mtime_ns // 1000 / 1_000_000
    if 0 <= seconds <= _LAST_MOMENT_S:
        return seconds
    return 0.0 if seconds < 0 else _LAST_MOMENT_S


def _packed(metadata: dict[str, str]) -> str:
    return json.dumps(metadata, separators=(",", ":"), ensure_ascii=False)


def _only(connection: sqlite3.Connection, key: str, current: Version | None) -> int:
    """Keep only the note of the current version; returns the latest time (ns) of all noted ones."""
    rows = connection.execute("SELECT version FROM notes WHERE key = ?", (key,)).fetchall()
    versions = {Version(version) for (version,) in rows}
    if current is not None and current not in versions:
        connection.execute("INSERT INTO notes VALUES (?, ?, '{}', NULL)", (key, current))
        versions.add(current)
    if len(versions) > 1 or current is None:
        connection.execute("DELETE FROM notes WHERE key = ? AND version IS NOT ?", (key, current))
    return max(map(version_time, versions), default=0)
