"""Makes the index tell what the store has: incremental, safe to run twice and by two at once.

Each row is read before the store is listed, and is written only if it still is as it was read. So
a save that comes in between wins, and a sync never takes a row back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import and_, func, or_, select

from labeler.model.layout import ANNOTATIONS
from labeler.project.database.changes import (
    SIXTEEN,
    WHOLE,
    KnownRow,
    OriginalRow,
    RowChange,
    Shard,
    compare_documents,
    compare_originals,
    is_same,
    original_change,
    with_originals,
    without_document,
)
from labeler.project.database.connection import Database
from labeler.project.database.rows import (
    chunks,
    fit,
    originals_of,
    read_originals,
    read_rows,
    write_originals,
    write_rows,
)
from labeler.project.database.tables import images, originals
from labeler.project.image_entry import ImageEntry, document_entry
from labeler.project.image_listing import image_of_document
from labeler.project.originals import Uploads
from labeler.storage import ObjectInfo, Store

_PAGE: Final = 1000
_TRIES: Final = 20
_SMALL: Final = 20_000
"""Up to so many images are compared in one shard."""

ImageOf = Callable[[ObjectInfo], str | None]
Watch = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class SyncResult:
    """How many rows a sync has written, and how many documents it found as their rows have them.

    With `dry_run` they are those that it would have written.
    """

    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def __add__(self, other: SyncResult) -> SyncResult:
        return SyncResult(
            self.changed + other.changed,
            self.removed + other.removed,
            self.unchanged + other.unchanged,
        )


class IndexSync:
    """One sync. `image_of` gives the image ID of an original; `watch` gets images looked at."""

    def __init__(
        self,
        database: Database,
        store: Store,
        uploads: Uploads | None,
        image_of: ImageOf,
        *,
        workers: int = 1,
        dry_run: bool = False,
        watch: Watch = lambda _: None,
    ) -> None:
        self._database = database
        self._store = store
        self._uploads = uploads
        self._prefix = uploads.prefix if uploads else ""
        self._image_of = image_of
        self._workers = workers
        self._dry_run = dry_run
        self._watch = watch

    def run(self, now: datetime) -> SyncResult:
        """Compare everything, and note the time. Raises IndexAway and StoreError."""
        shards = self.shards()
        with ThreadPoolExecutor(self._workers, "labeler-sync") as pool:
            found = sum(pool.map(self.documents, shards), SyncResult())
        found += self.originals()
        if not self._dry_run:
            self._database.finish(now.isoformat(timespec="seconds"))
        return found

    def shards(self) -> tuple[Shard, ...]:
        """The ranges of image IDs that are compared on their own: one of a small project."""
        is_small = self._store.list(ANNOTATIONS, limit=_PAGE).next is None
        if is_small:
            with self._database.reading() as connection:
                asked = select(func.count()).select_from(images)
                is_small = connection.execute(asked).scalar_one() <= _SMALL
        return WHOLE if is_small else SIXTEEN

    # --- documents ------------------------------------------------------------------------

    def documents(self, shard: Shard) -> SyncResult:
        """Compare the documents of one shard, page by page."""
        known = self._known(shard)
        seen: set[str] = set()
        result = SyncResult()
        for page in chunks(self._listed(shard), _PAGE):
            changes, ids = compare_documents(known, page)
            seen |= ids
            result += self._put(changes.news, known) + SyncResult(unchanged=changes.unchanged)
            for keys in chunks(changes.unread):
                result += self._put(self._read(keys), known)
            self._watch(len(ids))
        for gone in chunks(without_document(known, seen)):
            result += self._without_document(gone, known)
        return result

    def _known(self, shard: Shard) -> dict[str, KnownRow]:
        where = images.c.image_id >= shard.start
        if shard.end is not None:
            where = and_(where, images.c.image_id < shard.end)
        told = or_(
            images.c.rects == 0, and_(images.c.labels.is_not(None), images.c.warnings.is_not(None))
        )
        has_document = or_(images.c.version != "", images.c.problem != "")
        asked = select(images.c.image_id, images.c.version, has_document, told).where(where)
        with self._database.reading() as connection:
            rows = connection.execute(asked)
            return {
                image_id: KnownRow(version, bool(has), bool(is_told))
                for image_id, version, has, is_told in rows
            }

    def _listed(self, shard: Shard) -> Iterator[ObjectInfo]:
        after: str | None = ANNOTATIONS + shard.start if shard.start else ""
        while after is not None:
            page = self._store.list(ANNOTATIONS, after=after, limit=_PAGE)
            for info in page.objects:
                if not shard.holds(info.key):
                    return
                yield info
            after = page.next

    def _read(self, keys: Sequence[str]) -> list[ImageEntry]:
        """The entries of documents whose metadata does not tell enough."""
        found = []
        for key, data, version in self._store.read_many(keys):
            image_id = image_of_document(key)
            if image_id is not None:
                found.append(document_entry(image_id, data, version))
        return found

    def _put(self, entries: Iterable[ImageEntry], known: dict[str, KnownRow]) -> SyncResult:
        """Write these entries, each with its original."""
        by_id = {entry.image_id: entry for entry in entries}
        rows = self._unmoved(by_id, known)
        with self._database.reading() as connection:
            kept = originals_of(connection, by_id)
        changes = []
        for image_id, bare in by_id.items():
            row = rows.get(image_id)
            entry = with_originals(image_id, bare, kept.get(image_id, []), self._prefix)
            if (row is not None or image_id not in known) and not is_same(entry, row):
                changes.append(RowChange(image_id, entry, row))
        return self._write(changes)

    def _without_document(self, gone: list[str], known: dict[str, KnownRow]) -> SyncResult:
        rows = self._unmoved(gone, known)
        with self._database.reading() as connection:
            kept = originals_of(connection, rows)
        return self._write(
            [
                RowChange(
                    image_id,
                    with_originals(image_id, None, kept.get(image_id, []), self._prefix),
                    row,
                )
                for image_id, row in rows.items()
            ]
        )

    def _unmoved(
        self, image_ids: Iterable[str], known: dict[str, KnownRow]
    ) -> dict[str, ImageEntry]:
        """The whole rows, but those that somebody has written since they were read."""
        with self._database.reading() as connection:
            rows = read_rows(connection, image_ids)
        return {
            image_id: row
            for image_id, row in rows.items()
            if image_id in known and known[image_id].version == row.version
        }

    # --- originals ------------------------------------------------------------------------

    def originals(self) -> SyncResult:
        """Compare all originals, page by page, in the order of their keys."""
        result, after = SyncResult(), ""
        while True:
            known, listed, bound = self._range(after)
            changes = compare_originals(known, listed, self._image_of)
            if self._dry_run:
                result += SyncResult(len(changes.news), len(changes.gone))
            elif changes.news or changes.gone:
                with self._database.writing() as connection:
                    write_originals(connection, changes.news, changes.gone)
                result += self._show(changes.image_ids)
            self._watch(len(listed))
            if bound is None:
                return result + self._show(self._unpaired())
            after = bound

    def _range(self, after: str) -> tuple[list[OriginalRow], list[ObjectInfo], str | None]:
        """The rows and the objects behind that key, up to a bound; None if these are the last.

        The rows are read first: an original that is added meanwhile has no row yet, and none that
        has one is missing in the listing.
        """
        asked = originals.c.key > after
        with self._database.reading() as connection:
            known = read_originals(connection, asked, _PAGE)
        listed: tuple[ObjectInfo, ...] = ()
        if self._uploads is not None:
            listed = self._uploads.store.list(self._prefix, after=after, limit=_PAGE).objects
        ends = [keys[-1].key for keys in (known, listed) if len(keys) == _PAGE]
        if not ends:
            return known, list(listed), None
        bound = min(ends)
        return (
            [one for one in known if one.key <= bound],
            [one for one in listed if one.key <= bound],
            bound,
        )

    def _unpaired(self) -> set[str]:
        """The images that have originals and no row, or a row of an original that is not there."""
        without_row = originals.outerjoin(images, images.c.image_id == originals.c.image_id)
        without_original = images.outerjoin(originals, originals.c.key == images.c.original)
        asked = (
            select(originals.c.image_id)
            .select_from(without_row)
            .where(originals.c.image_id != "", images.c.image_id.is_(None)),
            select(images.c.image_id)
            .select_from(without_original)
            .where(images.c.original.is_not(None), originals.c.key.is_(None)),
        )
        with self._database.reading() as connection:
            return {found for one in asked for found in connection.execute(one).scalars()}

    def _show(self, image_ids: set[str]) -> SyncResult:
        """Have the rows of these images show their originals, whoever else writes them."""
        result, left = SyncResult(), image_ids
        for _ in range(_TRIES):
            changes = []
            for some in chunks(sorted(left)):
                with self._database.reading() as connection:
                    rows, kept = read_rows(connection, some), originals_of(connection, some)
                for one in some:
                    change = original_change(one, rows.get(one), kept.get(one, []), self._prefix)
                    if change is not None:
                        changes.append(change)
            done = self._write(changes)
            result += done
            if done.changed + done.removed == len(changes):
                break
        return result

    def _write(self, changes: Sequence[RowChange]) -> SyncResult:
        removed = sum(change.entry is None for change in changes)
        if changes and not self._dry_run:
            with self._database.writing() as connection:
                done = write_rows(connection, changes)
            removed = sum(one.entry is None and fit(one.image_id) in done for one in changes)
            return SyncResult(len(done) - removed, removed)
        return SyncResult(len(changes) - removed, removed)
