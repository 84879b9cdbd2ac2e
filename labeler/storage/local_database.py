"""A SQLite file in the folder store's own folder, shared by all its processes and threads.

Who finds the file finds it whole: it is made under another name and renamed at the end. People may
remove, replace or damage it at any time. A damaged file is set aside, and a new one is made.

Failures are raised as OSError, as of any file, or as Unavailable if another program keeps the file
locked.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

from labeler.errors import Unavailable
from labeler.storage.local_files import locked, make_folder, sync, sync_folder

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

_ERRORS: Final = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_PERM: errno.EACCES,
}
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
"""SQLITE_ERROR: our tables are missing, so somebody else made the file."""
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})
_SHARED: Final = ("-wal", "-shm")
"""Endings of the files that SQLite keeps beside an open one."""
_NO_FILE: Final = (-1, -1)
_inherited: Final[list[sqlite3.Connection]] = []
"""Connections that a parent process opened. A child must not use them, nor even close them."""


class _Opened(NamedTuple):
    connection: sqlite3.Connection
    file: tuple[int, int]
    process: int


class _Side:
    """The connection that all readers share, or all writers."""

    def __init__(self) -> None:
        self.mutex = threading.Lock()
        self.opened: _Opened | None = None

    def close(self) -> None:
        """Close the connection; the next use opens another one."""
        if self.opened is None:
            return
        if self.opened.process == os.getpid():
            self.opened.connection.close()
        else:
            _inherited.append(self.opened.connection)
        self.opened = None


class Database:
    """The SQLite file at `path`.

    `fill` makes the tables of a new file. If `source` exists, `fill` takes over its content: then
    a reader makes the file too. `source` is removed afterwards.
    """

    def __init__(
        self, path: Path, fill: Callable[[sqlite3.Connection], None], source: Path, timeout_s: float
    ) -> None:
        self._path = path
        self._fill = fill
        self._source = source
        self._lock = path.parent / "locks" / "journal"
        self._timeout_s = timeout_s
        self._readers, self._writers = _Side(), _Side()

    def read(self, query: Callable[[sqlite3.Connection], _T], absent: _T) -> _T:
        """What `query` finds; `absent` if there is no file, and none can be made from `source`."""
        if not self._path.exists():
            if not self._source.exists():
                return absent
            try:
                self._make()
            except OSError:
                return absent
        return self._run(self._readers, query)

    def write(self, change: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `change` as one transaction: on disk at return, undone after an error."""

        def transaction(connection: sqlite3.Connection) -> _T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                result = change(connection)
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            return result

        if not self._path.exists():
            self._make()
        return self._run(self._writers, transaction)

    def close(self) -> None:
        """Close the connections; a later call opens them again."""
        for side in (self._readers, self._writers):
            with side.mutex:
                side.close()

    def __del__(self) -> None:
        self.close()

    def _run(self, side: _Side, work: Callable[[sqlite3.Connection], _T]) -> _T:
        with side.mutex:
            file = self._file()
            try:
                return work(self._connection(side, file))
            except sqlite3.DatabaseError as error:
                if _code(error) not in _DAMAGED:
                    raise self._explained(error) from error
                side.close()
                logger.warning("%s is damaged (%s): it is set aside.", self._path, error)
                self._set_aside(file)
            try:
                return work(self._connection(side, self._file()))
            except sqlite3.Error as error:
                raise self._explained(error) from error

    def _beside(self, ending: str) -> Path:
        return self._path.with_name(self._path.name + ending)

    def _file(self) -> tuple[int, int]:
        state = self._path.stat()
        return state.st_dev, state.st_ino

    def _connection(self, side: _Side, file: tuple[int, int]) -> sqlite3.Connection:
        """The connection to that file, which has the name now."""
        opened = side.opened
        if opened is None or opened.file != file or opened.process != os.getpid():
            side.close()
            opened = side.opened = self._open(file, reading=side is self._readers)
        return opened.connection

    def _open(self, file: tuple[int, int], reading: bool) -> _Opened:
        try:
            return _Opened(_connect(self._path, "rw", self._timeout_s), file, os.getpid())
        except sqlite3.OperationalError as error:
            unmerged = _has_bytes(self._beside("-wal"))
            if not reading or unmerged or _code(error) in _BUSY | _DAMAGED:
                raise
            # Nobody may write to the folder, or its disk is full: then SQLite can't make the files
            # that its users share. It can read the file alone, but sees no later change: so this
            # connection is of no file, and the next use opens another one.
            alone = _connect(self._path, "ro&immutable=1", self._timeout_s)
            return _Opened(alone, _NO_FILE, os.getpid())

    def _make(self) -> None:
        """Make the file, unless another process or thread has just made it."""
        temp = self._path.parent / "tmp"
        for folder in (temp, self._lock.parent):
            make_folder(folder)
        with locked(self._lock, self._timeout_s):
            if self._path.exists():
                return
            made = temp / secrets.token_hex(8)
            try:
                connection = _connect(made, "rwc", self._timeout_s)
                with contextlib.closing(connection):
                    connection.execute("PRAGMA journal_mode=WAL")
                    connection.execute("BEGIN")
                    self._fill(connection)
                    connection.execute("COMMIT")
                _sync_file(made)
                for ending in _SHARED:  # left where only the file itself was removed
                    self._beside(ending).unlink(missing_ok=True)
                made.rename(self._path)
            except sqlite3.Error as error:
                raise self._explained(error) from error
            finally:
                made.unlink(missing_ok=True)
            sync_folder(self._path.parent)
            self._source.unlink(missing_ok=True)

    def _set_aside(self, file: tuple[int, int]) -> None:
        """Move the damaged file away, unless somebody else has done it."""
        with locked(self._lock, self._timeout_s):
            if self._path.exists() and self._file() == file:
                for path in (self._path, *map(self._beside, _SHARED)):
                    with contextlib.suppress(FileNotFoundError):
                        path.replace(path.with_name(f"damaged-{path.name}"))
        self._make()

    def _explained(self, error: sqlite3.Error) -> OSError | Unavailable:
        code = _code(error)
        if code in _BUSY:
            return Unavailable(
                f"Another program has kept {self._path} locked for {self._timeout_s:g} seconds: "
                "look for a process of Labeler that hangs, end it, and save again."
            )
        return OSError(_ERRORS.get(code, errno.EIO), f"{error} in {self._path}")


def _connect(path: Path, mode: str, timeout_s: float) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode={mode}",
        uri=True,
        timeout=timeout_s,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def _has_bytes(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        sync(fd)
    finally:
        os.close(fd)
