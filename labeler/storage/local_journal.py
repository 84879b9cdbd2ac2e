"""The folder store's journal: metadata and MD5 of each version that Labeler wrote.

Files carry no custom metadata that every file system keeps, so it stands beside them, in one
append-only file of JSON lines that a listing reads once and then only the end of:

    {"k": key, "v": new version, "o": version it replaced, "m": metadata, "h": md5}
    {"k": key, "o": version}                                  a delete

A line is written before the file takes its place and counts only while the file is in that very
version. So a writer killed in between leaves the old state with its own metadata, a reader never
sees a new state without, and an edit by another program has none. The two last versions of each
key are kept, also after a delete: their times keep a later version from repeating one.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from labeler.storage.base import Version
from labeler.storage.local_files import (
    locked,
    stamp,
    sync,
    temporary,
    version_of,
    version_time,
    write_all,
)

_SLACK_LINES: Final = 1024


class Note(NamedTuple):
    """What is known of one version of one object."""

    version: Version
    metadata: dict[str, str]
    md5: str | None


class Journal:
    """Notes by key and version, shared by all processes through the folder `own`."""

    def __init__(self, own: Path, timeout_s: float) -> None:
        self._path = own / "journal.jsonl"
        self._lock_path = own / "locks" / "journal"
        self._temp = own / "tmp"
        self._timeout_s = timeout_s
        self._mutex = threading.Lock()
        self._fd = -1
        self._read_to = 0
        self._lines = self._live = 0
        self._notes: dict[str, tuple[Note, ...]] = {}
        self._hidden: set[str] = set()

    def find(self, key: str, version: Version) -> Note | None:
        """What is noted of this version as of the last refresh."""
        for note in self._notes.get(key, ()):
            if note.version == version:
                return note
        return None

    def wrote_hidden(self, path: str) -> bool:
        """Whether Labeler wrote this hidden file, or something in this hidden folder."""
        return path in self._hidden

    def refresh(self) -> None:
        """Take in what any process has appended since; without a journal nothing is known."""
        with self._mutex:
            self._refresh()

    def enter(
        self,
        fd: int,
        key: str,
        current: Version | None,
        metadata: dict[str, str],
        md5: str,
    ) -> Version:
        """Give the finished file `fd` its version, above all that `key` ever had, and note it.

        The note is on disk at return. The caller holds the key's lock.
        """
        with locked(self._lock_path, self._timeout_s), self._mutex:
            self._refresh()
            above = self._latest(key, current)
            version = version_of(stamp(fd, above))
            line: dict[str, object] = {"k": key, "v": version}
            if current is not None:
                line["o"] = current
            if metadata:
                line["m"] = metadata
            line["h"] = md5
            journal = self._append(line)
        self._sync(journal)
        return version

    def enter_delete(self, key: str, current: Version) -> None:
        """Note a coming delete, so that no later version of `key` repeats this one."""
        with locked(self._lock_path, self._timeout_s), self._mutex:
            self._refresh()
            journal = self._append({"k": key, "o": current})
        self._sync(journal)

    def close(self) -> None:
        """Forget everything; a later call reads the journal again."""
        with self._mutex:
            self._forget()

    def _latest(self, key: str, current: Version | None) -> int:
        known = [note.version for note in self._notes.get(key, ())]
        if current is not None:
            known.append(current)
        return max(map(version_time, known), default=0)

    def _append(self, line: Mapping[str, object]) -> int:
        """Write one line at the end and take it in; a descriptor of the file to sync and close."""
        if self._lines > 2 * self._live + _SLACK_LINES:
            self._compact()
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666)
        try:
            text = json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n"
            size = os.fstat(fd).st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":
                text = "\n" + text  # the line of a killed writer ends here
            write_all(fd, text.encode())
            self._refresh()
        except BaseException:
            os.close(fd)
            raise
        return fd

    def _sync(self, fd: int) -> None:
        try:
            sync(fd)
        finally:
            os.close(fd)

    def _refresh(self) -> None:
        try:
            state = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._forget()
            return
        # The open descriptor keeps the file's number from being given to its successor.
        if self._fd >= 0 and not (
            os.path.samestat(os.fstat(self._fd), state) and state.st_size >= self._read_to
        ):
            self._forget()
        if self._fd < 0:
            self._fd = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        size = os.fstat(self._fd).st_size
        if size > self._read_to:
            data = os.pread(self._fd, size - self._read_to, self._read_to)
            whole = data.rfind(b"\n") + 1
            for line in data[:whole].splitlines():
                self._lines += 1
                self._take(line)
            self._read_to += whole

    def _take(self, line: bytes) -> None:
        """Take in one line; one that a killed writer left half is passed over."""
        try:
            entry = json.loads(line)
            key, new, old = entry["k"], entry.get("v"), entry.get("o")
            for version in (new, old):
                if version is not None:
                    version_time(version)
            note = Note(new, entry.get("m", {}), entry.get("h"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        known = {note.version: note for note in self._notes.get(key, ())}
        kept = [] if old is None else [known.get(old, Note(old, {}, None))]
        if new is not None:
            kept.append(note)
        self._live += len(kept) - len(known)
        self._notes[key] = tuple(kept)
        if key.startswith(".") or "/." in key:
            parts = key.split("/")
            self._hidden.update("/".join(parts[: n + 1]) for n in range(len(parts)))

    def _compact(self) -> None:
        """Replace the journal by one with only the lines that count; the caller holds the lock."""
        with temporary(self._temp) as (fd, path):
            text = "".join(
                json.dumps(entry, ensure_ascii=True, separators=(",", ":")) + "\n"
                for entry in self._entries()
            )
            write_all(fd, text.encode())
            sync(fd)
            path.replace(self._path)
        self._refresh()

    def _entries(self) -> Iterator[dict[str, object]]:
        for key, notes in self._notes.items():
            replaced: Version | None = None
            for version, metadata, md5 in notes:
                entry: dict[str, object] = {"k": key, "v": version}
                if replaced is not None:
                    entry["o"] = replaced
                if metadata:
                    entry["m"] = metadata
                if md5 is not None:
                    entry["h"] = md5
                yield entry
                replaced = version

    def _forget(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
        self._read_to = 0
        self._lines = self._live = 0
        self._notes = {}
        self._hidden = set()
