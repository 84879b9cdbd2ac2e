"""Makes the index tell what the store has: incremental, safe to run twice and by two at once.

The rows of the originals come first, in the order of their keys. Then the shards are compared, by
whom it may be: each writes its own rows once, with their originals (shard_sync.py).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from labeler.model.layout import ANNOTATIONS
from labeler.project.database.changes import (
    SIXTEEN,
    WHOLE,
    OriginalRow,
    Shard,
    compare_originals,
)
from labeler.project.database.rows import read_originals, write_originals
from labeler.project.database.shard_sync import PAGE, ShardSync, SyncResult
from labeler.project.database.tables import images, originals
from labeler.project.originals import Uploads
from labeler.storage import ObjectInfo

_SMALL: Final = 20_000
"""Up to so many images are compared in one shard."""

ImageOf = Callable[[ObjectInfo], str | None]


@dataclass(frozen=True, slots=True)
class IndexSync:
    """One sync. `image_of` gives the image ID of an original."""

    shards: ShardSync
    uploads: Uploads | None
    image_of: ImageOf

    def run(self, now: datetime, compare: Callable[[], SyncResult]) -> SyncResult:
        """Have everything compared, and note the time. Raises IndexAway and StoreError.

        `compare` returns when all shards are compared, by `threads` or by other machines.
        """
        found = self.originals() + compare()
        if not self.shards.dry_run:
            self.shards.database.finish(now.isoformat(timespec="seconds"))
        return found

    def threads(self, count: int) -> SyncResult:
        """Compare all shards in this process, so many at the same time."""
        with ThreadPoolExecutor(count, "labeler-sync") as pool:
            return sum(pool.map(self.shards.compare, self._divided()), SyncResult())

    def _divided(self) -> tuple[Shard, ...]:
        """The ranges of image IDs that are compared on their own: one of a small project."""
        is_small = self.shards.store.list(ANNOTATIONS, limit=PAGE).next is None
        if is_small:
            with self.shards.database.reading() as connection:
                asked = select(func.count()).select_from(images)
                is_small = connection.execute(asked).scalar_one() <= _SMALL
        return WHOLE if is_small else SIXTEEN

    def originals(self) -> SyncResult:
        """Make the rows of originals those of the store, page by page; no image shows them yet."""
        result, after = SyncResult(), ""
        while True:
            known, listed, bound = self._range(after)
            changes = compare_originals(
                known, listed, self.image_of, trusts_rows=self.shards.trusts_rows
            )
            if self.shards.dry_run:
                result += SyncResult(len(changes.news), len(changes.gone))
            elif changes.news or changes.gone:
                with self.shards.database.writing() as connection:
                    write_originals(connection, changes.news, changes.gone)
            self.shards.watch(len(listed))
            if bound is None:
                return result
            after = bound

    def _range(self, after: str) -> tuple[list[OriginalRow], list[ObjectInfo], str | None]:
        """The rows and the objects behind that key, up to a bound; None if these are the last.

        The rows are read first: an original that is added meanwhile has no row yet, and none that
        has one is missing in the listing.
        """
        asked = originals.c.key > after
        with self.shards.database.reading() as connection:
            known = read_originals(connection, asked, PAGE)
        listed: tuple[ObjectInfo, ...] = ()
        if self.uploads is not None:
            listed = self.uploads.store.list(self.uploads.prefix, after=after, limit=PAGE).objects
        ends = [keys[-1].key for keys in (known, listed) if len(keys) == PAGE]
        if not ends:
            return known, list(listed), None
        bound = min(ends)
        return (
            [one for one in known if one.key <= bound],
            [one for one in listed if one.key <= bound],
            bound,
        )
