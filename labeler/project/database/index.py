"""The image index that a database keeps, and the store's own while the database is away.

A save writes the document first and then its row. A row that can't be written is remembered and
written later, from the document; it never fails the save.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select

from labeler.errors import InvalidRequest, LabelerError, NotFound
from labeler.model.document import AnnotationDocument
from labeler.model.layout import document_key
from labeler.project.database.changes import (
    OriginalRow,
    RowChange,
    is_same,
    is_told,
    with_originals,
)
from labeler.project.database.connection import Database, IndexAway, IndexReport
from labeler.project.database.rows import (
    ENTRY,
    entry_from,
    originals_of,
    read_rows,
    write_originals,
    write_rows,
)
from labeler.project.database.shard_sync import ShardSync, SyncResult, Watch
from labeler.project.database.sync import IndexSync
from labeler.project.database.view import DatabaseView
from labeler.project.first_images import FirstImages
from labeler.project.image_entry import (
    ImageEntry,
    document_entry,
    entry_of,
    place_of,
    sealed_entry,
    with_original,
)
from labeler.project.image_view import ImageView
from labeler.project.listed_documents import read_documents
from labeler.project.originals import Uploads
from labeler.project.store_index import StoreIndex
from labeler.storage import ABSENT, ObjectInfo, Replaces, Scanned, Store, Version

logger = logging.getLogger(__name__)

_TRIES: Final = 20
_MOST_LEFT: Final = 10_000
"""Images whose rows are written later; of more, a sync finds them."""
_SYNC_S: Final = 5.0
_PAUSE: Final = 10
"""The pause after a sync, in multiples of its duration: listings cost CPU and money."""
_CLOSING_S: Final = 2.0


class DatabaseIndex:
    """The images of one project by their rows; `fallback` answers while there is no index."""

    def __init__(
        self, database: Database, store: Store, uploads: Uploads | None, fallback: StoreIndex
    ) -> None:
        self.database = database
        self._store = store
        self._uploads = uploads
        self._prefix = uploads.prefix if uploads else ""
        self._fallback = fallback
        self._lock = threading.Lock()
        self._left: dict[str, None] = {}
        self._due = False
        self._next_sync = 0.0
        self._behind: threading.Thread | None = None
        self._closed = False
        self._is_serving = False

    @property
    def identified_by(self) -> str:
        return self._fallback.identified_by

    def report(self) -> IndexReport:
        """The state of the index; also writes what was left while the database was away."""
        report = self.database.report()
        if report.is_ready and not self._closed:
            self._catch_up()
        return report

    # --- all images -----------------------------------------------------------------------

    def view(self) -> ImageView:
        if self.report().is_ready:
            return DatabaseView(self.database, self._stored_view)
        return self._stored_view()

    def _stored_view(self) -> ImageView:
        if self._is_serving:
            # Pages don't wait for the first listing: where it takes long, it says so.
            self._fallback.is_listed(0)
        return self._fallback.view()

    def is_listed(self, wait_s: float) -> bool:
        self._is_serving = True
        return self.report().is_ready or self._fallback.is_listed(wait_s)

    def problem(self) -> str:
        return self.report().message

    @property
    def found(self) -> int:
        return self._fallback.found

    def first_images(self, limit: int) -> FirstImages:
        return self._fallback.first_images(limit)

    def entries(self) -> list[ImageEntry]:
        if self.report().is_ready:
            with suppress(IndexAway), self.database.reading() as connection:
                # Sorted here, as the rows would be there: a question of a page has a limit of time.
                rows = connection.execute(select(*ENTRY))
                return sorted(map(entry_from, rows), key=place_of)
        return self._fallback.entries()

    def list_documents(self) -> Iterator[tuple[ImageEntry, AnnotationDocument | None]]:
        return read_documents(self._store, self.entries())

    def originals(self) -> Iterator[tuple[str, ObjectInfo]]:
        return self._fallback.originals()

    # --- one image ------------------------------------------------------------------------

    def find(self, image_id: str) -> ImageEntry | None:
        if not self.report().is_ready:
            return self._fallback.find(image_id)
        try:
            row = self._row(image_id)
            # An original may have come since the row was written; it is looked for only here.
            is_whole = row is not None and (row.original or self._uploads is None)
            return row if is_whole else self._settle(image_id)
        except IndexAway:
            return self._fallback.find(image_id)

    def known(self, image_id: str) -> ImageEntry | None:
        if self.report().is_ready:
            with suppress(IndexAway):
                return self._row(image_id)
        return self._fallback.known(image_id)

    def look_again(self, image_id: str) -> ImageEntry | None:
        if self.report().is_ready:
            with suppress(IndexAway):
                return self._settle(image_id)
        return self._fallback.look_again(image_id)

    def original_keys(self, image_id: str) -> list[str]:
        if self.report().is_ready:
            with suppress(IndexAway), self.database.reading() as connection:
                found = originals_of(connection, [image_id]).get(image_id, [])
                row = read_rows(connection, [image_id]).get(image_id)
                first = [row.original] if row and row.original else []
                return list(dict.fromkeys([*first, *(one.key for one in found)]))
        return self._fallback.original_keys(image_id)

    def original_id(self, name: str, info: Scanned, store: Store) -> str | None:
        return self._fallback.original_id(name, info, store)

    # --- changes --------------------------------------------------------------------------

    def note(
        self,
        image_id: str,
        document: AnnotationDocument,
        original: str | None,
        version: Version | None,
        replaces: Replaces | None = None,
    ) -> None:
        if not self._keep_row(
            image_id, lambda: self._note(image_id, document, original, version, replaces)
        ):
            self._fallback.note(image_id, document, original, version, replaces)

    def forget(self, image_id: str) -> None:
        self._fallback.forget(image_id)
        self._keep_row(image_id, lambda: self._forget(image_id))

    def expire(self) -> None:
        self._fallback.expire()
        self._due = True

    def close(self) -> None:
        self._closed = True
        with self._lock:
            behind = self._behind
        if behind is not None:
            behind.join(_CLOSING_S)
        self._fallback.close()
        self.database.close()

    @property
    def prefix(self) -> str:
        """What the keys of originals begin with."""
        return self._prefix

    # --- with the store -------------------------------------------------------------------

    def sync(
        self,
        *,
        workers: int = 1,
        dry_run: bool = False,
        trusts_rows: bool = True,
        watch: Watch = lambda _: None,
        elsewhere: Callable[[], SyncResult] | None = None,
    ) -> SyncResult:
        """Compare the whole index with the store. Raises IndexAway and StoreError.

        `elsewhere` has the shards compared by other machines, else `workers` threads do it here.
        Unless it `trusts_rows`, every value of each row is compared, not its version alone.
        """
        shards = ShardSync(self.database, self._store, self._prefix, dry_run, watch, trusts_rows)
        one = IndexSync(shards, self._uploads, self._image_of)
        return one.run(datetime.now(UTC), elsewhere or (lambda: one.threads(workers)))

    def _image_of(self, info: ObjectInfo) -> str | None:
        return self._fallback.image_of(info)

    # --- within ---------------------------------------------------------------------------

    def _row(self, image_id: str) -> ImageEntry | None:
        with self.database.reading() as connection:
            return read_rows(connection, [image_id]).get(image_id)

    def _keep_row(self, image_id: str, write: Callable[[], object]) -> bool:
        """Write the row, or else remember to write it from the document; returns whether it is."""
        if self.report().is_ready:
            try:
                write()
                return True
            except IndexAway as error:
                logger.warning("The row of %s is written later: %s", image_id, error)
            except LabelerError as error:
                logger.warning("The row of %s is written later: %s", image_id, error.for_log)
        with self._lock:
            self._left[image_id] = None
            if len(self._left) > _MOST_LEFT:
                self._left.clear()
                self._due = True
        return False

    def _note(
        self,
        image_id: str,
        document: AnnotationDocument,
        original: str | None,
        version: Version | None,
        replaces: Replaces | None,
    ) -> None:
        if original is not None and self._uploads is not None:
            info = self._uploads.store.info(original)
            row = OriginalRow(original, info.version, image_id, info.updated_at)
            with self.database.writing() as connection:
                write_originals(connection, [row], [])
        elif version is not None and replaces is not None:
            known = self._row(image_id)
            over = "" if replaces is ABSENT else replaces
            if (known.version if known else "") == over:
                entry = entry_of(image_id, document, version, None)
                if known is not None:
                    entry = with_original(entry, known)
                if self._write(RowChange(image_id, entry, known)):
                    return
        self._settle(image_id)

    def _forget(self, image_id: str) -> None:
        with self.database.writing() as connection:
            write_originals(connection, [], originals_of(connection, [image_id]).get(image_id, []))
        self._settle(image_id)

    def _write(self, change: RowChange) -> bool:
        with self.database.writing() as connection:
            return bool(write_rows(connection, [change]))

    def _settle(self, image_id: str) -> ImageEntry | None:
        """Make the row tell what the store has now; returns what it tells.

        The row is read before the store, and written only if it still is what was read: whoever
        looks at the store later has the last word.
        """
        for _ in range(_TRIES):
            with self.database.reading() as connection:
                row = read_rows(connection, [image_id]).get(image_id)
                kept = originals_of(connection, [image_id]).get(image_id, [])
            document = self._document_entry(image_id)
            if self._lost(kept) if document is None else not kept and self._came(document):
                continue
            entry = with_originals(image_id, document, kept, self._prefix)
            if is_same(entry, row) or self._write(RowChange(image_id, entry, row)):
                return entry
        raise IndexAway(f"the row of {image_id} keeps being changed by others")

    def _document_entry(self, image_id: str) -> ImageEntry | None:
        key = document_key(image_id)
        try:
            entry = sealed_entry(image_id, self._store.info(key))
            if entry is None or not is_told(entry):
                data, info = self._store.read(key)
                entry = document_entry(image_id, data, info.version)
        except NotFound:
            return None
        return entry

    def _came(self, document: ImageEntry) -> bool:
        """Whether the original lies at its plain place and has no row yet; it gets one then."""
        if self._uploads is None:
            return False
        try:
            info = self._uploads.store.info(self._prefix + document.image_path)
        except (NotFound, InvalidRequest):
            return False
        if self._image_of(info) != document.image_id:
            return False
        row = OriginalRow(info.key, info.version, document.image_id, info.updated_at)
        with self.database.writing() as connection:
            write_originals(connection, [row], [])
        return True

    def _lost(self, kept: list[OriginalRow]) -> bool:
        """Whether some of these originals are gone; their rows are deleted then."""
        gone = []
        for one in kept:
            try:
                if self._uploads is not None:
                    self._uploads.store.info(one.key)
            except NotFound:
                gone.append(one)
        if gone:
            with self.database.writing() as connection:
                write_originals(connection, [], gone)
        return bool(gone)

    # --- later ----------------------------------------------------------------------------

    def _catch_up(self) -> None:
        """Begin to write what is left, behind the caller."""
        with self._lock:
            is_due = self._due and time.monotonic() >= self._next_sync
            if self._behind is not None or not (self._left or is_due):
                return
            self._behind = threading.Thread(target=self._work, name="index", daemon=True)
            self._behind.start()

    def _work(self) -> None:
        try:
            while self._left and not self._closed:
                image_id = next(iter(self._left))
                self._settle(image_id)
                with self._lock:
                    self._left.pop(image_id, None)
            if self._due and time.monotonic() >= self._next_sync:
                self._due, began = False, time.monotonic()
                try:
                    self.sync(workers=1, watch=self._until_closed)
                finally:
                    took = time.monotonic() - began
                    self._next_sync = time.monotonic() + max(_SYNC_S, _PAUSE * took)
        except (IndexAway, LabelerError) as error:
            logger.warning("The index of images could not catch up: %s", error)
        finally:
            with self._lock:
                self._behind = None

    def _until_closed(self, _: int) -> None:
        if self._closed:
            raise IndexAway("the program ends")
