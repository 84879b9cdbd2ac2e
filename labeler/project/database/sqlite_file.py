"""The file of SQLite: whether it is damaged, and that a connection is to the file of today."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

_HELD: Final = "labeler_file"
_BESIDE: Final = ("", "-wal", "-shm")
"""Endings of the files that belong together."""


def is_corrupt(error: SQLAlchemyError) -> bool:
    """Whether SQLite says that its file is damaged."""
    return _code(error) == sqlite3.SQLITE_CORRUPT


def is_no_database(error: SQLAlchemyError) -> bool:
    """Whether SQLite says that the file is none of its own: it may be anything, and be needed."""
    return _code(error) == sqlite3.SQLITE_NOTADB


def _code(error: SQLAlchemyError) -> int:
    cause = getattr(error, "orig", None)
    code = cause.sqlite_errorcode if isinstance(cause, sqlite3.Error) else 0
    return code & 0xFF  # without what an extended code adds


def set_aside(file: Path) -> Path:
    """Rename the file, and what SQLite keeps beside it; returns the new name."""
    named = f".damaged-{datetime.now(UTC):%Y%m%d_%H%M%S}"
    for ending in _BESIDE:
        one = file.with_name(file.name + ending)
        if one.exists():
            one.replace(one.with_name(f"{file.name}{named}{ending}"))
    return file.with_name(file.name + named)


def follow_file(engine: Engine) -> None:
    """Open the file again if another one has taken its place, as after a rebuild or a removal.

    A connection stays with the file that it was opened on: it would go on with one that has no name
    any more, and see nothing of the other.
    """

    def state() -> tuple[int, int] | None:
        try:
            found = os.stat(engine.url.database or "")  # noqa: PTH116 - at each use
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def opened(_: Any, record: Any) -> None:
        record.info[_HELD] = state()

    def used(_: Any, record: Any, __: Any) -> None:
        if record.info.get(_HELD) != state():
            raise DisconnectionError("the file was replaced")

    event.listen(engine, "connect", opened)
    event.listen(engine, "checkout", used)
