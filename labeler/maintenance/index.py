"""The index in the database: make it, compare it with the store, and say what is wrong with it.

A check changes nothing. Everything else changes only the database, never the store.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from labeler.datasets.exports.distributed.engines import Engine, WorkPlace
from labeler.errors import IndexUnfit
from labeler.maintenance.index_step import INDEX, SyncStep, away_as_unfit, sync_by
from labeler.maintenance.problems import Problem
from labeler.settings import Settings
from labeler.storage.doctor.findings import Finding, ok, warning

if TYPE_CHECKING:
    from labeler.project.database.index import DatabaseIndex
    from labeler.project.database.shard_sync import SyncResult

logger = logging.getLogger(__name__)

_WORKERS: Final = 8
"""Listings of a bucket at the same time."""


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[DatabaseIndex]:
    """The index with the time that a sync needs; IndexUnfit also for a failure within."""
    from labeler.access.secret_key import load_secret
    from labeler.project.locations import close_stores, open_stores
    from labeler.project.open_index import open_database_index

    store, uploads = open_stores(settings)
    found = open_database_index(settings, store, uploads, load_secret(settings), is_patient=True)
    try:
        with away_as_unfit(found.database):
            yield found
    finally:
        found.close()
        close_stores(store, uploads)


def sync_index(
    settings: Settings,
    *,
    anew: bool = False,
    trusts_rows: bool = True,
    watch: Callable[[int], None] = lambda _: None,
) -> SyncResult:
    """Make the index tell what the store has, or `anew` remove it first.

    Unless it `trusts_rows`, rows that somebody has changed by hand are found and mended, too.
    Raises IndexUnfit if there is no database, or if it holds another index.
    """
    with _named(settings) as index:
        _check_answers(index)
        if anew and (aside := index.database.drop()) is not None:
            logger.warning("The index was damaged. Its file is %s now, and can be removed", aside)
        _make(index)
        workers = _WORKERS if settings.storage.bucket else 1
        return index.sync(workers=workers, trusts_rows=trusts_rows, watch=watch)


def sync_index_by(engine: Engine, settings: Settings) -> SyncResult | None:
    """Do the same by several machines; returns None if another process leads them."""
    with _named(settings) as index:
        place, project = WorkPlace.of(settings), index.database.project
        step = SyncStep(place, engine.run_id, project, index.prefix)
        if engine.follow_step(step, step.count):
            return None
        _make(index)
        return sync_by(engine, step, index)


def _named(settings: Settings) -> contextlib.AbstractContextManager[DatabaseIndex]:
    if not settings.index:
        raise IndexUnfit(f"{INDEX} is not set: the store's own listing is in use. Set it first.")
    return _opened(settings)


def _check_answers(index: DatabaseIndex) -> None:
    """Raise IndexUnfit if the database does not answer."""
    from labeler.project.database.connection import Fitness

    report = index.database.look()
    if report.fitness is Fitness.AWAY:
        raise IndexUnfit(report.message)


def _make(index: DatabaseIndex) -> None:
    """Make the tables unless they are there. Raises IndexUnfit if the index is another's."""
    from labeler.project.database.connection import Fitness

    report = index.database.look()
    if report.fitness is Fitness.MISSING:
        index.database.make()
    elif not report.is_syncable:
        raise IndexUnfit(report.message)


def index_problems(settings: Settings) -> Iterator[Problem]:
    """What is wrong with the index; nothing where no database is in use."""
    if not settings.index:
        return
    from labeler.project.database.connection import REBUILD, IndexAway

    with _opened(settings) as index:
        report = index.database.look()
        if not report.is_ready:
            why = report.message.rstrip(".")
            yield Problem(INDEX, f"{why}. Pages are answered from the store until then.")
            return
        try:
            damage = index.database.damage()
            if damage:
                what = f"The file of the index is damaged ({damage}). Make it anew: {REBUILD}"
                yield Problem(INDEX, what)
                return
            found = index.sync(workers=1, dry_run=True, trusts_rows=False)
        except IndexAway as error:
            yield Problem(INDEX, f"The index can't be compared: {error}.")
            return
    if found.changed or found.removed:
        what = (
            f"{found.changed} rows are missing, old or wrong, {found.removed} are of images that "
            "are gone."
        )
        yield Problem(INDEX, what, False, lambda: _repaired(settings))


def examine_index(settings: Settings) -> Iterator[Finding]:
    """Findings about the index: whether it can be reached, and whether pages may use it."""
    from labeler.project.database.connection import REBUILD, SYNC, Fitness

    with _opened(settings) as index:
        report, name = index.database.look(), index.database.name
        if report.is_ready:
            yield ok(f"The index can be reached, and was compared at {index.database.synced_at()}")
        else:
            is_unfinished = report.fitness in (Fitness.MISSING, Fitness.UNFINISHED)
            repair = SYNC if is_unfinished else "" if report.fitness is Fitness.AWAY else REBUILD
            yield warning(report.message, "Pages are answered from the store until then.", repair)
    if settings.storage.bucket and name.startswith("sqlite"):
        yield warning(
            "The documents are in a bucket, and the index is in a file of this machine",
            "Each instance has an index of its own then, which does not see the others' saves.",
        )


def _repaired(settings: Settings) -> str:
    done = sync_index(settings, trusts_rows=False)
    return f"{done.changed} rows written, {done.removed} removed"
