"""The one step of a sync by several machines: a worker compares a shard and writes its rows."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Final, Literal

from labeler.datasets.exports.distributed.engines import Engine, WorkPlace, attempt_prefix
from labeler.datasets.exports.distributed.plan import find_json, plan_key, put_once
from labeler.errors import IndexUnfit, NotFound

if TYPE_CHECKING:
    from labeler.project.database.connection import Database
    from labeler.project.database.index import DatabaseIndex
    from labeler.project.database.shard_sync import SyncResult

INDEX: Final = "LABELER_INDEX"


@dataclass(frozen=True, slots=True)
class SyncStep:
    """Compares a shard of the image IDs, as it is sent to workers.

    It names no database: the address may hold a password, so each worker has it in its environment.
    """

    place: WorkPlace
    run_id: str
    project: str
    originals: str
    """What the keys of originals begin with."""
    work: Literal["sync"] = "sync"

    @property
    def count(self) -> int:
        """How many shards there are."""
        from labeler.project.database.changes import SIXTEEN

        return len(SIXTEEN)

    @property
    def prefix(self) -> str:
        """What the keys of the run begin with."""
        return attempt_prefix(self.run_id, 1)

    def __call__(self, index: int) -> int:
        """Compare the shard and write its rows, unless that is done; return its index.

        An attempt that is cut off leaves rows that are right: the next finds them unchanged.
        """
        from labeler.project.database.changes import SIXTEEN
        from labeler.project.database.shard_sync import ShardSync

        key = self.result_key(index)
        with contextlib.closing(self.place.open_store()) as store:
            if find_json(store, key) is None:
                with self._database() as database:
                    found = ShardSync(database, store, self.originals).compare(SIXTEEN[index])
                put_once(store, key, json.dumps(astuple(found)).encode())
        return index

    def result_key(self, index: int) -> str:
        """Return the key of the object that says what has been written of the shard."""
        return f"{self.prefix}synced-{index:06d}.json"

    @contextlib.contextmanager
    def _database(self) -> Iterator[Database]:
        """The database of this machine, which is the one that the run began with."""
        from labeler.project.database.connection import Database, Fitness

        url = os.environ.get(INDEX)
        if not url:
            raise IndexUnfit(f"{INDEX} is not set where the workers run (docs/index.md).")
        database = Database(url, self.project, is_patient=True)
        with contextlib.closing(database), away_as_unfit(database):
            report = database.look()
            if report.fitness is Fitness.AWAY:
                raise IndexUnfit(report.message)
            if not report.is_syncable or not database.has_run(self.run_id):
                raise IndexUnfit(
                    f"{database.name} is another database than the one in which the sync began. "
                    f"Give {INDEX} the same value wherever a worker runs (docs/index.md)."
                )
            yield database


@contextlib.contextmanager
def away_as_unfit(database: Database) -> Iterator[None]:
    """Raise IndexUnfit where the database fails within."""
    from labeler.project.database.connection import IndexAway

    try:
        yield
    except IndexAway as error:
        raise IndexUnfit(f"{database.name} failed: {error}. Run the command again.") from error


def sync_by(engine: Engine, step: SyncStep, index: DatabaseIndex) -> SyncResult:
    """Have the engine's machines compare all shards. Raises IndexAway and StoreError."""
    from labeler.project.database.shard_sync import SyncResult

    def compare() -> SyncResult:
        put_once(store, plan_key(step.prefix), b"{}")
        engine.run(step, step.count)
        total = SyncResult()
        for at in range(step.count):
            found = find_json(store, step.result_key(at))
            if found is None:
                raise NotFound(f"{step.result_key(at)} is missing: a worker has not finished.")
            total += SyncResult(*found)
        return total

    with contextlib.closing(step.place.open_store()) as store, contextlib.ExitStack() as held:
        held.push(lambda error, *_: engine.end(store, is_done=error is None))
        index.database.begin_run(step.run_id)
        done = index.sync(elsewhere=compare)
        index.database.end_run(step.run_id)
    return done
