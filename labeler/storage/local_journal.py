"""The folder store's journal: metadata and MD5 of each version that Labeler wrote.

Not every file system keeps custom metadata with a file, so metadata is in one append-only file of
JSON lines. A process reads the file once, and then only appended lines:

    {"k": key, "v": new version, "o": version it replaced, "m": metadata, "h": md5}
    {"k": key, "o": version}                                  a delete

A line is on disk before the file takes its place, and counts only while the file has exactly that
version. So a writer that is killed in between leaves the old state with its own metadata, a reader
never sees a new state without metadata, and an edit by another program has none. The last versions
of each key are kept, even after a delete: their times keep a later version from repeating one.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from labeler.storage.base import Version
from labeler.storage.local_files import (
    locked,
    stamp,
    sync,
    sync_folder,
    temporary,
    version_of,
    version_time,
    write_all,
)

_SLACK_LINES: Final = 256
_BLOCK_BYTES: Final = 2**20


class Note(NamedTuple):
    """The metadata and MD5 of one version of one object."""

    version: Version
    metadata: dict[str, str]
    md5: str | None


class Journal:
    """Notes by key and version; all processes share them through the folder `own`."""

    def __init__(self, own: Path, timeout_s: float) -> None:
        self._own = own
        self._path = own / "journal.jsonl"
        self._lock_path = own / "locks" / "journal"
        self._timeout_s = timeout_s
        self._mutex = threading.Lock()
        self._known = _JournalFile(-1)

    def find(self, key: str, version: Version) -> Note | None:
        """The note of this version as of the last refresh, or None."""
        for note in self._known.notes(key):
            if note.version == version:
                return note
        return None

    def wrote_hidden(self, path: str) -> bool:
        """Whether Labeler wrote this hidden file, or something in this hidden folder."""
        return path in self._known.hidden

    def refresh(self) -> None:
        """Read the lines that processes have appended since; no journal means no notes."""
        with self._mutex:
            self._refresh()

    def enter(
        self, fd: int, key: str, current: Version | None, metadata: dict[str, str], md5: str
    ) -> Version:
        """Give the finished file `fd` a version above all that `key` ever had, and note it.

        The note is on disk at return. The caller holds the key's lock.
        """
        with locked(self._lock_path, self._timeout_s), self._mutex:
            self._refresh()
            versions = [note.version for note in self._known.notes(key)]
            if current is not None:
                versions.append(current)
            version = version_of(stamp(fd, max(map(version_time, versions), default=0)))
            journal = self._append(_entry(key, version, current, metadata, md5))
        _sync_and_close(journal)
        return version

    def enter_delete(self, key: str, current: Version) -> None:
        """Note a delete before it happens, so that no later version of `key` repeats this one."""
        with locked(self._lock_path, self._timeout_s), self._mutex:
            self._refresh()
            journal = self._append({"k": key, "o": current})
        _sync_and_close(journal)

    def close(self) -> None:
        """Drop all notes from memory; a later call reads the journal again."""
        with self._mutex:
            self._replace(_JournalFile(-1))

    def _append(self, entry: dict[str, Any]) -> int:
        """Append one line and read it in; returns a descriptor of the file to sync and close."""
        if self._known.lines > 2 * self._known.live + _SLACK_LINES:
            self._compact()
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            line = _line(entry)
            size = os.fstat(fd).st_size
            if not size:
                sync_folder(self._own)
            elif os.pread(fd, 1, size - 1) != b"\n":
                line = b"\n" + line  # ends a line that a killed writer left incomplete
            write_all(fd, line)
            self._refresh()
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _compact(self) -> None:
        """Rewrite the journal with only the lines that count; the caller holds the lock.

        Lines of writers that have noted a version but not yet placed the file count too.
        """
        with temporary(self._own / "tmp") as (fd, path):
            write_all(fd, b"".join(map(_line, self._known.entries())))
            sync(fd)
            path.replace(self._path)
        sync_folder(self._own)
        self._refresh()

    def _refresh(self) -> None:
        try:
            state = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._replace(_JournalFile(-1))
            return
        # While the descriptor is open, the new file can't get the old one's inode number.
        known = self._known
        if known.is_of(state):
            known.read_on(state.st_size)
        else:
            known = _JournalFile(os.open(self._path, os.O_RDONLY | os.O_CLOEXEC))
            known.read_on(os.fstat(known.fd).st_size)
            self._replace(known)

    def _replace(self, known: _JournalFile) -> None:
        # In one step, because other threads read it meanwhile.
        before, self._known = self._known, known
        if before.fd >= 0:
            os.close(before.fd)


class _JournalFile:
    """The lines read so far of one journal file, open as `fd` (-1: no file)."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.lines = 0
        self.live = 0
        self.hidden: set[str] = set()
        self._packed: dict[str, str] = {}
        """The notes of each key as JSON; as objects they would take three times the memory."""
        self._read_to = 0

    def notes(self, key: str) -> list[Note]:
        """The notes of the last versions of that key, the newest last."""
        packed = self._packed.get(key)
        return [Note(*fields) for fields in json.loads(packed)] if packed else []

    def is_of(self, state: os.stat_result) -> bool:
        """Whether the file in that state is the one that was read, and still holds all of it."""
        return (
            self.fd >= 0
            and os.path.samestat(os.fstat(self.fd), state)
            and state.st_size >= self._read_to
        )

    def read_on(self, size: int) -> None:
        """Read the complete new lines up to `size`."""
        block = _BLOCK_BYTES
        while size > self._read_to:
            data = os.pread(self.fd, min(block, size - self._read_to), self._read_to)
            whole = data.rfind(b"\n") + 1
            if whole:
                for line in data[:whole].splitlines():
                    self.lines += 1
                    self._take(line)
                self._read_to += whole
            elif len(data) < block:
                return
            else:  # a longer line
                block *= 2

    def entries(self) -> Iterator[dict[str, Any]]:
        """The fewest entries that give the same notes when read from the start."""
        for key in self._packed:
            replaced: Version | None = None
            for version, metadata, md5 in self.notes(key):
                yield _entry(key, version, replaced, metadata, md5)
                replaced = version

    def _take(self, line: bytes) -> None:
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
        before = {note.version: note for note in self.notes(key)}
        kept = [] if old is None else [before.get(old, Note(old, {}, None))]
        if new is not None:
            kept.append(Note(new, metadata, md5 or None))
        self.live += len(kept) - len(before)
        self._packed[key] = _pack(kept)
        if key.startswith(".") or "/." in key:
            parts = key.split("/")
            self.hidden.update("/".join(parts[: n + 1]) for n in range(len(parts)))


_pack: Final = json.JSONEncoder(separators=(",", ":")).encode


def _entry(
    key: str, new: Version, old: Version | None, metadata: dict[str, str], md5: str | None
) -> dict[str, Any]:
    entry = {"k": key, "v": new, "o": old, "m": metadata, "h": md5}
    return {name: value for name, value in entry.items() if value}


def _line(entry: dict[str, Any]) -> bytes:
    return json.dumps(entry, separators=(",", ":")).encode() + b"\n"


def _sync_and_close(fd: int) -> None:
    try:
        sync(fd)
    finally:
        os.close(fd)
