"""Makes the rows of one shard tell what the store has: safe to run again, and by two at once.

Each row is read before the store is listed, and is written only if it still is as it was read. So
a save that comes in between wins, and nobody takes a row back. Whoever is cut off leaves rows that
are right, and whoever is tried again writes what is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select

from labeler.model.layout import ANNOTATIONS
from labeler.project.database.changes import (
    KnownRow,
    RowChange,
    Shard,
    compare_documents,
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
    read_rows,
    untrue_rows,
    write_rows,
)
from labeler.project.database.tables import images, originals
from labeler.project.image_entry import ImageEntry, document_entry
from labeler.project.image_listing import image_of_document
from labeler.storage import ObjectInfo, Store

PAGE: Final = 1000
_TRIES: Final = 20

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


@dataclass(frozen=True, slots=True)
class ShardSync:
    """Compares shards. The rows of all originals must be there; `prefix` is where these lie.

    A row of a document's version is taken to tell what the document does. Unless it `trusts_rows`:
    then each row is compared in every value, for somebody may have changed it by hand.
    """

    database: Database
    store: Store
    prefix: str
    dry_run: bool = False
    watch: Watch = lambda _: None
    trusts_rows: bool = True
    _counted: set[str] = field(default_factory=set)
    """The images of a dry run that are among its changes already."""

    def compare(self, shard: Shard) -> SyncResult:
        """Compare the images of one shard: with their documents, then with their originals."""
        return self._documents(shard) + self._show(self._unpaired(shard))

    # --- documents ------------------------------------------------------------------------

    def _documents(self, shard: Shard) -> SyncResult:
        """Compare the documents of one shard, page by page."""
        known = self._known(shard)
        seen: set[str] = set()
        result = SyncResult()
        for page in chunks(self._listed(shard), PAGE):
            changes, ids = compare_documents(known, page, trusts_rows=self.trusts_rows)
            seen |= ids
            result += self._put(changes.news, known) + SyncResult(unchanged=changes.unchanged)
            for keys in chunks(changes.unread):
                result += self._put(self._read(keys), known)
            self.watch(len(ids))
        bare = without_document(known, seen) if self.trusts_rows else known.keys() - seen
        for gone in chunks(sorted(bare)):
            result += self._without_document(gone, known)
        return result

    def _known(self, shard: Shard) -> dict[str, KnownRow]:
        told = or_(
            images.c.rects == 0, and_(images.c.labels.is_not(None), images.c.warnings.is_not(None))
        )
        has_document = or_(images.c.version != "", images.c.problem != "")
        asked = select(images.c.image_id, images.c.version, has_document, told).where(
            _within(images.c.image_id, shard)
        )
        with self.database.reading() as connection:
            rows = connection.execute(asked)
            return {
                image_id: KnownRow(version, bool(has), bool(is_told))
                for image_id, version, has, is_told in rows
            }

    def _listed(self, shard: Shard) -> Iterator[ObjectInfo]:
        after: str | None = ANNOTATIONS + shard.start if shard.start else ""
        while after is not None:
            page = self.store.list(ANNOTATIONS, after=after, limit=PAGE)
            for info in page.objects:
                if not shard.holds(info.key):
                    return
                yield info
            after = page.next

    def _read(self, keys: Sequence[str]) -> list[ImageEntry]:
        """The entries of documents whose metadata does not tell enough."""
        found = []
        for key, data, version in self.store.read_many(keys):
            image_id = image_of_document(key)
            if image_id is not None:
                found.append(document_entry(image_id, data, version))
        return found

    def _put(self, entries: Iterable[ImageEntry], known: dict[str, KnownRow]) -> SyncResult:
        """Write these entries, each with its original."""
        by_id = {entry.image_id: entry for entry in entries}
        rows = self._unmoved(by_id, known)
        new = {image_id: None for image_id in by_id if image_id not in known}
        return self._write_wrong(by_id, {**rows, **new})

    def _without_document(self, gone: list[str], known: dict[str, KnownRow]) -> SyncResult:
        return self._write_wrong({}, self._unmoved(gone, known))

    def _write_wrong(
        self, documents: Mapping[str, ImageEntry], rows: Mapping[str, ImageEntry | None]
    ) -> SyncResult:
        """Write those of these rows that don't tell what the documents and the originals do."""
        with self.database.reading() as connection:
            kept = originals_of(connection, rows)
            entries = {
                image_id: with_originals(
                    image_id, documents.get(image_id), kept.get(image_id, []), self.prefix
                )
                for image_id in rows
            }
            told = {image_id: entry for image_id, entry in entries.items() if entry is not None}
            untrue = set() if self.trusts_rows else untrue_rows(connection, told)
        changes = [
            RowChange(image_id, entries[image_id], row)
            for image_id, row in rows.items()
            if image_id in untrue or not is_same(entries[image_id], row)
        ]
        unchanged = 0 if self.trusts_rows else len(documents.keys() & rows) - len(changes)
        return self._write(changes) + SyncResult(unchanged=max(0, unchanged))

    def _unmoved(
        self, image_ids: Iterable[str], known: dict[str, KnownRow]
    ) -> dict[str, ImageEntry]:
        """The whole rows, but those that somebody has written since they were read."""
        with self.database.reading() as connection:
            rows = read_rows(connection, image_ids)
        return {
            image_id: row
            for image_id, row in rows.items()
            if image_id in known and known[image_id].version == row.version
        }

    # --- originals ------------------------------------------------------------------------

    def _unpaired(self, shard: Shard) -> set[str]:
        """The images that have an original which their row does not show, or show one that is gone.

        An image with several originals is always among them: one of these is shown. So is a row
        that shows neither an original nor a document.
        """
        is_shown = and_(
            images.c.image_id == originals.c.image_id,
            images.c.original == originals.c.key,
            images.c.added_at == originals.c.added_at,
        )
        is_there = and_(
            originals.c.key == images.c.original, originals.c.image_id == images.c.image_id
        )
        asked = (
            select(originals.c.image_id)
            .select_from(originals.outerjoin(images, is_shown))
            .where(
                _within(originals.c.image_id, shard),
                originals.c.image_id != "",
                images.c.image_id.is_(None),
            ),
            select(images.c.image_id)
            .select_from(images.outerjoin(originals, is_there))
            .where(
                _within(images.c.image_id, shard),
                images.c.original.is_not(None),
                originals.c.key.is_(None),
            ),
            select(images.c.image_id).where(
                _within(images.c.image_id, shard),
                images.c.original.is_(None),
                images.c.version == "",
                images.c.problem == "",
            ),
        )
        with self.database.reading() as connection:
            return {found for one in asked for found in connection.execute(one).scalars()}

    def _show(self, image_ids: set[str]) -> SyncResult:
        """Have the rows of these images show their originals, whoever else writes them."""
        result, left = SyncResult(), image_ids
        for _ in range(_TRIES):
            changes = []
            for some in chunks(sorted(left)):
                with self.database.reading() as connection:
                    rows, kept = read_rows(connection, some), originals_of(connection, some)
                for one in some:
                    change = original_change(one, rows.get(one), kept.get(one, []), self.prefix)
                    if change is not None:
                        changes.append(change)
            done = self._write(changes)
            result += done
            if self.dry_run or done.changed + done.removed == len(changes):
                break
        return result

    def _write(self, changes: Sequence[RowChange]) -> SyncResult:
        if self.dry_run:
            changes = [one for one in changes if one.image_id not in self._counted]
            self._counted.update(one.image_id for one in changes)
        removed = sum(change.entry is None for change in changes)
        if changes and not self.dry_run:
            with self.database.writing() as connection:
                done = write_rows(connection, changes)
            removed = sum(one.entry is None and fit(one.image_id) in done for one in changes)
            return SyncResult(len(done) - removed, removed)
        return SyncResult(len(changes) - removed, removed)


def _within(image_id: ColumnElement[str], shard: Shard) -> ColumnElement[bool]:
    above = image_id >= shard.start
    return above if shard.end is None else and_(above, image_id < shard.end)
