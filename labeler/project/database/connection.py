"""The database of the index: whether it can be asked, and what is wrong if it can't.

A database that is away, slow or locked never stops the work: whoever asks gets IndexAway, and
answers from the store. It is tried again after a pause.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, delete, event, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from labeler.image_names import matches_pattern
from labeler.project.database.cutting import cut_after
from labeler.project.database.sqlite_file import follow_file, is_corrupt, is_no_database, set_aside
from labeler.project.database.tables import SCHEMA, about, metadata, missing_columns
from labeler.runtime.events import IndexState, log_event

logger = logging.getLogger(__name__)

PAUSE_S: Final = 5.0
"""After a failure the database is left alone for so long; a state is looked at again after it."""
_WAIT_S: Final = 2
"""Seconds for a connection, and for a lock."""
_STATEMENT_S: Final = 5
"""Seconds for one question of a page."""
_SYNC_S: Final = 600
"""Seconds for one statement of a sync."""
_RUN: Final = "run "
SYNC: Final = "python -m labeler index sync"
REBUILD: Final = "python -m labeler index rebuild"


class IndexAway(Exception):
    """The index can't answer now; its text says why.

    `is_damaged`: a file that SQLite can't read any more, which waiting does not mend.
    """

    def __init__(self, reason: str, *, is_damaged: bool = False) -> None:
        super().__init__(reason)
        self.is_damaged = is_damaged


class Fitness(StrEnum):
    """Whether the index can be used."""

    READY = "ready"
    AWAY = "away"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNFINISHED = "unfinished"
    OTHER_SCHEMA = "other_schema"
    OTHER_PROJECT = "other_project"


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The state of the index; `message` says what to do about it, and is empty if it is ready."""

    fitness: Fitness
    message: str = ""

    @property
    def is_ready(self) -> bool:
        """Whether pages are answered from it."""
        return self.fitness is Fitness.READY

    @property
    def is_syncable(self) -> bool:
        """Whether it is this project's, complete or not."""
        return self.fitness in (Fitness.READY, Fitness.UNFINISHED)


class Database:
    """The database at `url`, which is to hold the index of the project at `project`.

    `is_patient` is for commands: statements have much time, and what is wrong is not logged,
    because the command says it, or is about to mend it.
    """

    def __init__(self, url: str, project: str, *, is_patient: bool = False) -> None:
        self.project = project
        self.name = make_url(url).render_as_string(hide_password=True)
        self._is_logged = not is_patient
        statement_s = _SYNC_S if is_patient else _STATEMENT_S
        self._most_s = statement_s + _WAIT_S
        self._engine = _engine(url, statement_s)
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._report: IndexReport | None = None
        self._looked_at = float("-inf")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for questions. Raises IndexAway, also for a failure within."""
        try:
            connection = self._engine.connect()
            # Also the end of a transaction waits for an answer.
            with cut_after(connection.connection.driver_connection, self._most_s), connection:
                yield connection
        except SQLAlchemyError as error:
            away = IndexAway(_first_line(error), is_damaged=is_corrupt(error))
            if away.is_damaged:
                self._engine.dispose()  # somebody may put another file in its place
            self._keep(self._away(away))
            raise away from error

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction, undone if anything fails. Raises IndexAway, also for a failure within."""
        with self.reading() as connection, connection.begin():
            yield connection

    # --- its state ------------------------------------------------------------------------

    def report(self) -> IndexReport:
        """The state of the index, looked at no more than once in a few seconds."""
        known = self._recent()
        if known is not None:
            return known
        before = self._report
        # Once there is a report, others go on with it and need not wait for this look.
        if not self._looking.acquire(blocking=before is None):
            return before or self.look()
        if before is not None and before.fitness is Fitness.AWAY:
            # Nobody waits for a database again that has just not answered.
            threading.Thread(target=self._look_behind, name="index-look", daemon=True).start()
            return before
        try:
            return self._recent() or self.look()
        finally:
            self._looking.release()

    def _look_behind(self) -> None:
        try:
            self.look()
        finally:
            self._looking.release()

    def _recent(self) -> IndexReport | None:
        with self._lock:
            is_old = time.monotonic() - self._looked_at >= PAUSE_S
            return None if is_old else self._report

    def look(self) -> IndexReport:
        """The state of the index as it is now."""
        try:
            with self.reading() as connection:
                found = self._look(connection)
        except IndexAway as error:
            return self._away(error)
        self._keep(found)
        return found

    def synced_at(self) -> str:
        """When a sync last came to its end; empty if none did. Raises IndexAway."""
        with self.reading() as connection:
            return self._values(connection).get("synced_at", "")

    @staticmethod
    def _values(connection: Connection) -> dict[str, str]:
        rows = connection.execute(select(about.c.name, about.c.value))
        return {row.name: row.value for row in rows}

    def _away(self, error: IndexAway) -> IndexReport:
        if error.is_damaged:
            return IndexReport(
                Fitness.DAMAGED, f"{self.name} is damaged ({error}). Make it anew: {REBUILD}"
            )
        return IndexReport(Fitness.AWAY, f"{self.name} does not answer: {error}.")

    def _keep(self, report: IndexReport) -> None:
        with self._lock:
            before, self._report = self._report, report
            self._looked_at = time.monotonic()
        is_new = before is None or before.fitness is not report.fitness
        if is_new and self._is_logged:
            log_event(IndexState(state=report.fitness.value, reason=report.message))

    def _look(self, connection: Connection) -> IndexReport:
        if not inspect(connection).has_table(about.name):
            return IndexReport(Fitness.MISSING, f"{self.name} holds no index yet. Make it: {SYNC}")
        told = self._values(connection)
        schema = told.get("schema", "")
        if schema != str(SCHEMA):
            is_newer = schema.isdecimal() and int(schema) > SCHEMA
            return IndexReport(
                Fitness.OTHER_SCHEMA,
                f"{self.name} holds an index of {'a newer' if is_newer else 'an older'} Labeler "
                f"(schema {schema or 'unknown'}, this one needs {SCHEMA}). "
                + ("Update Labeler, or make the index anew: " if is_newer else "Make it anew: ")
                + REBUILD,
            )
        if told.get("project") != self.project:
            return IndexReport(
                Fitness.OTHER_PROJECT,
                f"{self.name} holds the index of another project ({told.get('project')}), or image "
                "IDs were made otherwise then. Name another database in LABELER_INDEX, or make "
                f"the index anew: {REBUILD}",
            )
        lacking = missing_columns(connection)
        if lacking:
            return IndexReport(
                Fitness.DAMAGED,
                f"The index in {self.name} is damaged: it has no {', '.join(lacking[:3])}. "
                f"Make it anew: {REBUILD}",
            )
        if not told.get("synced_at"):
            return IndexReport(
                Fitness.UNFINISHED, f"The index in {self.name} is not complete. Finish it: {SYNC}"
            )
        return IndexReport(Fitness.READY)

    # --- making it ------------------------------------------------------------------------

    def make(self) -> None:
        """Make the tables; another process may do the same. Raises IndexAway."""
        values = {"schema": str(SCHEMA), "project": self.project}
        try:
            with self.writing() as connection:
                metadata.create_all(connection)
                rows = [{"name": name, "value": value} for name, value in values.items()]
                connection.execute(insert_of(connection)(about).on_conflict_do_nothing(), rows)
        except IndexAway:
            if self.look().fitness in (Fitness.AWAY, Fitness.MISSING):
                raise

    def drop(self) -> Path | None:
        """Remove the index, whoever made it. Raises IndexAway.

        A damaged file of SQLite is set aside, because it can't be changed; returns its new name.
        """
        try:
            if not self.damage():
                with self.writing() as connection:
                    metadata.drop_all(connection)
                return None
        except IndexAway as error:
            if not error.is_damaged:
                raise
        self._engine.dispose()
        return set_aside(Path(self._engine.url.database or ""))

    def damage(self) -> str:
        """What SQLite finds wrong with its whole file; empty if nothing, and for a server."""
        with self.reading() as connection:
            if connection.dialect.name != "sqlite":
                return ""
            found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one())
        return "" if found == "ok" else found.splitlines()[-1]

    def finish(self, moment: str) -> None:
        """Note when a sync came to its end. Raises IndexAway."""
        self._note("synced_at", moment)
        self.look()

    def begin_run(self, run_id: str) -> None:
        """Mark the index as that of a sync by several machines. Raises IndexAway."""
        self._note(_RUN + run_id, "")

    def has_run(self, run_id: str) -> bool:
        """Whether it is marked, so that no machine writes another database. Raises IndexAway."""
        with self.reading() as connection:
            return _RUN + run_id in self._values(connection)

    def end_run(self, run_id: str) -> None:
        """Take the mark away. Raises IndexAway."""
        with self.writing() as connection:
            connection.execute(delete(about).where(about.c.name == _RUN + run_id))

    def _note(self, name: str, value: str) -> None:
        with self.writing() as connection:
            put = insert_of(connection)(about).values(name=name, value=value)
            both = put.on_conflict_do_update(index_elements=[about.c.name], set_={"value": value})
            connection.execute(both)


def insert_of(connection: Connection) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT; both have the same words for it."""
    return postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert


def _engine(url: str, statement_s: int) -> Engine:
    made = make_url(url)
    if made.get_backend_name() == "sqlite":
        engine = create_engine(
            made, connect_args={"timeout": max(_WAIT_S, statement_s // 10)}, pool_timeout=_WAIT_S
        )
        event.listen(engine, "connect", _prepare_sqlite)
        follow_file(engine)
        return engine
    lock_s = max(_WAIT_S, statement_s // 10)
    options = f"-c statement_timeout={statement_s}s -c lock_timeout={lock_s}s"
    given = made.query.get("options", "")
    arguments: dict[str, Any] = {
        "connect_timeout": _WAIT_S,
        "options": f"{given if isinstance(given, str) else ' '.join(given)} {options}".strip(),
        "application_name": "labeler",
    }
    made = made.difference_update_query(["options"])
    engine = create_engine(made, connect_args=arguments, pool_timeout=_WAIT_S, pool_recycle=1800)

    def check(connection: Any, *_: object) -> None:
        """Replace a connection that has broken; SQLAlchemy's own look at it may wait forever."""
        try:
            with cut_after(connection, _WAIT_S):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError(str(error)) from error

    event.listen(engine, "checkout", check)
    return engine


def _prepare_sqlite(connection: Any, _: object) -> None:
    """Let readers go on while somebody writes; the index may lose what the documents still tell."""
    for line in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-16000"):
        connection.execute(f"PRAGMA {line}")
    # Python's `re` may take hours for a pattern with many wildcards, and nothing else runs then.
    connection.create_function("labeler_matches", 2, matches_pattern, deterministic=True)


def _first_line(error: SQLAlchemyError) -> str:
    """What the driver says, without the statement and its values."""
    cause = getattr(error, "orig", None) or error
    if is_no_database(error):
        return "the file is not a database: remove it, or name another one in LABELER_INDEX"
    return (str(cause).strip().splitlines() or [type(cause).__name__])[0].rstrip(".")
