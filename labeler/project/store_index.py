"""The image index that the store itself offers: all images in memory, from two listings.

The custom metadata of a document's object carries the values that the list shows (status, number of
rects, who saved it, the image's name), sealed with a digest over the document's MD5. If metadata is
missing or does not match its seal, the values come from the document itself, never the other way.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from labeler.errors import LabelerError, NotFound, StillListing, Unavailable
from labeler.model.document import AnnotationDocument
from labeler.model.layout import document_key
from labeler.project.box_facts import BoxFacts
from labeler.project.first_images import FirstImages, read_first_images
from labeler.project.image_entry import (
    ImageEntry,
    document_entry,
    entry_of,
    place_of,
    sealed_entry,
    with_original,
)
from labeler.project.image_listing import ImageListing
from labeler.project.kept_counts import Change, KeptCounts, changes_between
from labeler.project.listed_documents import read_documents
from labeler.project.listed_images import ListedView
from labeler.project.originals import OriginalIds, Uploads
from labeler.project.sealing import Sealing
from labeler.runtime.garbage_collection import paused_collection
from labeler.settings import ImageIdStrategy
from labeler.storage import ObjectInfo, Replaces, Scanned, Store, Version, list_all

logger = logging.getLogger(__name__)

CACHE_SECONDS: Final = 5.0
LARGE: Final = 5_000
"""A page waits for a listing of up to this many images."""
_PAUSE: Final = 10
"""The pause after a slow listing, in multiples of its duration: listings cost CPU and money."""
_CLOSING_S: Final = 2.0
_PATIENCE_S: Final = 10.0
"""How long a call waits for the first listing of a project that is not large, in a slow store."""
_NEVER: Final = float("-inf")


class StoreIndex:
    """The project's images, listed at most every five seconds; own changes appear immediately."""

    def __init__(
        self, store: Store, uploads: Uploads | None, strategy: ImageIdStrategy, secret: bytes
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._original_ids = OriginalIds(strategy, secret)
        self._lists = ImageListing(store, uploads, self._original_ids)
        self._facts = BoxFacts(store)
        self._sealing = Sealing(store)
        self._listing = threading.Lock()
        self._lock = threading.Lock()
        self._entries: dict[str, ImageEntry] = {}
        self._sorted: list[ImageEntry] | None = None
        self._view: ListedView | None = None
        self._counts = KeptCounts()
        self._listed_at = self._began_at = self._expired_at = _NEVER
        self._is_begun = False
        self._is_awaited = False
        self._settled = threading.Event()  # all are listed, or that takes long, or it has failed
        self._took = 0.0
        self._behind: threading.Thread | None = None
        self._failed: LabelerError | None = None
        self._closed = False
        self._noted: dict[str, float] = {}
        self._doubles: dict[str, tuple[str, ...]] = {}

    @property
    def identified_by(self) -> str:
        """The settings that image IDs depend on; another text may mean other IDs."""
        return self._original_ids.identified_by

    def view(self) -> ListedView:
        """See `list_without_waiting`; the same view until something changes."""
        self._list_if_due()
        with self._lock:
            if self._view is None:
                entries, find = list(self._in_order()), self._entries.get
                self._view = ListedView(entries, self._facts, self._counts, find)
            return self._view

    def entries(self) -> list[ImageEntry]:
        """Every image, in the order of names; at most five seconds old."""
        self._list(CACHE_SECONDS)
        with self._lock:
            return list(self._in_order())

    def is_listed(self, wait_s: float) -> bool:
        """Whether all images have been listed once; begins that, and waits at most so long.

        Returns as soon as more than 5,000 images are found. Raises the error of a failed listing
        once.
        """
        self._is_awaited |= wait_s > 0
        if self._listed_at == _NEVER:
            self._is_begun = True
            self._begin_listing()
            self._settled.wait(wait_s)
        return self._listed_at > _NEVER

    @property
    def found(self) -> int:
        """How many images the listing that runs, or the last one, has found."""
        return self._lists.found

    def first_images(self, limit: int) -> FirstImages:
        """The images of the first `limit` originals, from one page of a listing."""
        with self._lock:
            before = dict(self._entries)
        first = read_first_images(self._store, self._uploads, self._lists, before, limit)
        with self._lock:
            for entry in first.entries:
                # What this process has saved or listed meanwhile is newer.
                if self._entries.get(entry.image_id) is before.get(entry.image_id):
                    self._note(entry)
        return first

    def list_without_waiting(self) -> list[ImageEntry]:
        """Every image, in the order of names, for a page that must not wait.

        Like `entries` for up to 5,000 images. For a larger project it returns the last listing and
        starts a new one: own changes are in it, and changes of others appear after at most ten
        times the duration of a listing. Raises the error of a failed listing once, and StillListing
        while the listing that `is_listed` has begun is the first one.
        """
        self._list_if_due()
        with self._lock:
            return list(self._in_order())

    def _list_if_due(self) -> None:
        self._await_first()
        if self._listed_at == _NEVER or len(self._entries) <= LARGE:
            self._list(CACHE_SECONDS)
        else:
            self._begin_listing()

    def _await_first(self) -> None:
        """Wait for the first listing if it was begun. Raises StillListing where that takes long."""
        if self._is_begun and not self.is_listed(_PATIENCE_S):
            with self._lock:
                failed, self._failed = self._failed, None
            raise failed or StillListing(
                f"The images are still being listed ({self.found:,} so far). Try again in a moment."
            )

    def _begin_listing(self) -> None:
        """List behind the caller if it is due. Raises the error of a failed listing once."""
        with self._lock:
            failed, self._failed = self._failed, None
            due = self._is_older(max(CACHE_SECONDS, _PAUSE * self._took))
            if failed is None and due and self._behind is None:
                self._settled.clear()
                self._behind = threading.Thread(
                    target=self._list_behind, name="listing", daemon=True
                )
                self._behind.start()
        if failed is not None:
            raise failed

    def close(self) -> None:
        """End a running listing, and what runs behind it."""
        self._closed = True
        self._sealing.close()
        with self._lock:
            behind = self._behind
        if behind is not None:
            behind.join(_CLOSING_S)

    def _list_behind(self) -> None:
        try:
            self._list(0.0)
            # Begun with the program: the first visitor also sees what was put there since.
            if not self._is_awaited and len(self._entries) <= LARGE:
                self.expire()
        except LabelerError as error:
            logger.warning("The images could not be listed: %s", error.message)
            self._failed = error
        finally:
            with self._lock:
                self._behind = None
                self._settled.set()

    def _in_order(self) -> list[ImageEntry]:
        """All entries; the caller holds the lock, and copies them."""
        if self._sorted is None:
            with paused_collection():
                self._sorted = sorted(self._entries.values(), key=place_of)
        return self._sorted

    def list_documents(self) -> Iterator[tuple[ImageEntry, AnnotationDocument | None]]:
        return read_documents(self._store, self.entries())

    def problem(self) -> str:
        return ""

    def expire(self) -> None:
        """Make the next call list again, because another process may have added images."""
        self._expired_at = time.monotonic()

    def originals(self) -> Iterator[tuple[str, ObjectInfo]]:
        """Every original with its image ID, from a new listing."""
        if self._uploads is None:
            return
        for info in list_all(self._uploads.store, self._uploads.prefix):
            image_id = self._lists.image_of(info, self._uploads, len(self._entries))
            if image_id is not None:
                yield image_id, info

    def original_keys(self, image_id: str) -> list[str]:
        """The keys of the image's originals as listed; several if it was put there twice."""
        self._await_first()
        self._list(CACHE_SECONDS if len(self._entries) <= LARGE else float("inf"))
        with self._lock:
            entry = self._entries.get(image_id)
            doubles = self._doubles.get(image_id, ())
        first = [entry.original] if entry and entry.original else []
        return list(dict.fromkeys([*first, *doubles]))

    def forget(self, image_id: str) -> None:
        """Stop showing an image that this process has just deleted, without listing."""
        with self._lock:
            gone = self._entries.pop(image_id, None)
            if gone is not None:
                self._counts.note([Change(gone, None)])
                self._sorted = self._view = None
            self._noted[image_id] = time.monotonic()

    def known(self, image_id: str) -> ImageEntry | None:
        """The entry of that image as the last listing or change of this process has it."""
        with self._lock:
            return self._entries.get(image_id)

    def find(self, image_id: str) -> ImageEntry | None:
        """The entry of that image; if the last listing lacks it, a new look-up is made."""
        with self._lock:
            entry = self._entries.get(image_id)
        is_slow = len(self._entries) > LARGE or self._behind is not None
        if entry is None and is_slow:
            entry = self._look_for(image_id)
        if entry is None:
            self._await_first()
            self._list(1.0)
            with self._lock:
                entry = self._entries.get(image_id)
        return entry

    def note(
        self,
        image_id: str,
        document: AnnotationDocument,
        original: str | None,
        version: Version | None,
        replaces: Replaces | None = None,
    ) -> None:
        """Show a document that this process has just written, without a listing."""
        with self._lock:
            known = self._entries.get(image_id)
            original = original or (known.original if known else None)
            entry = entry_of(image_id, document, version or "", original)
            self._note(replace(entry, added_at=known.added_at) if known else entry)

    def look_again(self, image_id: str) -> ImageEntry | None:
        """The image's entry as the store has it now, whatever the last listing holds.

        The document is read only if its metadata is missing or does not match its seal.
        """
        known = self._entries.get(image_id)
        key = document_key(image_id)
        try:
            entry = sealed_entry(image_id, self._store.info(key))
            if entry is None:
                data, info = self._store.read(key)
                entry = document_entry(image_id, data, info.version)
        except NotFound:
            return self._without_document(known)
        with self._lock:
            if known is not None:
                entry = with_original(entry, known)
            # What this process has saved meanwhile is newer.
            if self._entries.get(image_id) is known:
                self._note(entry)
        return entry

    def _without_document(self, known: ImageEntry | None) -> ImageEntry | None:
        """The entry of an image that has an original and no document, if it still is there."""
        if known is None or known.version or known.original is None or self._uploads is None:
            return None
        try:
            self._uploads.store.info(known.original)
        except NotFound:
            return None
        return known

    def _look_for(self, image_id: str) -> ImageEntry | None:
        """The entry of an image that another instance may just have added; needs no listing."""
        try:
            entry = sealed_entry(image_id, self._store.info(document_key(image_id)))
        except NotFound:
            return None
        if entry is not None:
            with self._lock:
                self._note(entry)
        return entry

    def _note(self, entry: ImageEntry) -> None:
        known = self._entries.get(entry.image_id)
        if known is not entry:
            self._counts.note([Change(known, entry)])
            self._view = None
        self._entries[entry.image_id] = entry
        self._noted[entry.image_id] = time.monotonic()
        if self._sorted is not None:
            if known is not None and place_of(known) == place_of(entry):
                self._sorted[bisect_left(self._sorted, place_of(entry), key=place_of)] = entry
            else:
                self._sorted = None

    def _is_older(self, max_age: float) -> bool:
        """Whether the last listing is older than that, or began before `expire` was called."""
        age = time.monotonic() - self._listed_at
        return age > max_age or self._began_at <= self._expired_at

    def _watch(self) -> None:
        """End the listing if the program ends, and let nobody wait for that of a large project."""
        if self._closed:
            raise Unavailable("The program ends.")
        if self._lists.found > LARGE:
            self._settled.set()

    def _list(self, max_age: float) -> None:
        """List again if the last listing is older than `max_age` seconds; saves need not wait."""
        with self._listing:
            started = time.monotonic()
            if not self._is_older(max_age):
                return
            with paused_collection():
                entries, doubles, unsealed = self._lists.list(self._entries, self._watch)
            with self._lock:
                for image_id, noted_at in list(self._noted.items()):
                    if noted_at < started:
                        del self._noted[image_id]
                    elif image_id in self._entries:
                        noted = self._entries[image_id]
                        listed = entries.get(image_id)
                        keeps = noted.original is not None or listed is None
                        entries[image_id] = noted if keeps else with_original(noted, listed)
                    else:
                        entries.pop(image_id, None)
                if self._counts.note(changes_between(self._entries, entries)):
                    self._sorted = self._view = None
                self._entries, self._doubles = entries, doubles
                self._began_at, self._listed_at = started, time.monotonic()
                self._took = self._listed_at - started
                self._settled.set()
            if self._is_begun:  # a program that serves pages, and goes on
                self._sealing.begin(unsealed)

    def original_id(self, name: str, info: Scanned, store: Store) -> str | None:
        """The image ID of the object with that name under uploads/; None if it is not an image."""
        return self._original_ids.find(name, info, store, len(self._entries))

    def image_of(self, info: ObjectInfo) -> str | None:
        """The image ID of an original; None if it is not an image."""
        if self._uploads is None:
            return None
        return self._lists.image_of(info, self._uploads, len(self._entries))
