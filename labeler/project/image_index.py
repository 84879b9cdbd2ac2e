"""The image index: one entry per image, made from two listings.

The custom metadata of a document's object carries the values that the list shows (status, number of
rects, who saved it, the image's name), sealed with a digest over the document's MD5. If metadata is
missing or does not match its seal, the values come from the document itself, never the other way.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from labeler.errors import DamagedDocument, LabelerError, NotFound, Unavailable
from labeler.model.document import NEEDS_WORK, AnnotationDocument, Status, parse_document
from labeler.model.layout import ANNOTATIONS, document_key, is_image_id
from labeler.project.image_entry import ImageEntry as ImageEntry
from labeler.project.image_entry import (
    document_entry,
    entry_of,
    place_of,
    sealed_entry,
    with_original_of,
)
from labeler.project.image_entry import document_metadata as document_metadata
from labeler.project.image_entry import metadata_for as metadata_for
from labeler.project.originals import IMAGE_ID, MAX_REMEMBERED, OriginalIds, Uploads
from labeler.runtime.bounded_cache import BoundedCache
from labeler.settings import ImageIdStrategy
from labeler.storage import ObjectInfo, Scanned, Store, list_all

logger = logging.getLogger(__name__)

CACHE_SECONDS: Final = 5.0
LARGE: Final = 5_000
"""A page waits for a listing of up to this many images."""
_PAUSE: Final = 10
"""The pause after a slow listing, in multiples of its duration: listings cost CPU and money."""
_CLOSING_S: Final = 2.0
_FIRST: Final = 20


class ImageIndex:
    """The project's images, listed at most every five seconds; own changes appear immediately."""

    def __init__(
        self, store: Store, uploads: Uploads | None, strategy: ImageIdStrategy, secret: bytes
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._original_ids = OriginalIds(strategy, secret)
        self._listing = threading.Lock()
        self._lock = threading.Lock()
        self._entries: dict[str, ImageEntry] = {}
        self._sorted: list[ImageEntry] | None = None
        self._listed_at = self._began_at = self._expired_at = float("-inf")
        self._took = 0.0
        self._behind: threading.Thread | None = None
        self._failed: LabelerError | None = None
        self._closed = False
        self._noted: dict[str, float] = {}
        self._doubles: dict[str, tuple[str, ...]] = {}
        self._from_documents = BoundedCache[tuple[str, str], ImageEntry](max_items=MAX_REMEMBERED)

    @property
    def identified_by(self) -> str:
        """The settings that image IDs depend on; another text may mean other IDs."""
        return self._original_ids.identified_by

    def entries(self) -> list[ImageEntry]:
        """Every image, in the order of names; at most five seconds old."""
        self._list(CACHE_SECONDS)
        return self._in_order()

    def is_listed(self, wait_s: float) -> bool:
        """Whether all images have been listed once; begins that, and waits at most so long.

        Raises the error of a failed listing once.
        """
        if self._listed_at > float("-inf"):
            return True
        behind = self._begin_listing()
        if behind is not None:
            behind.join(wait_s)
        return self._listed_at > float("-inf")

    def first(self) -> ImageEntry | None:
        """An image to begin with before all are listed: of the first twenty, one with work left.

        None if the first objects under uploads/ are no images, or originals are not kept.
        """
        if self._uploads is None:
            return None
        found = None
        for info in self._uploads.store.list(self._uploads.prefix, limit=_FIRST).objects:
            image_id = self._image_of(info, self._uploads)
            if image_id is not None:
                known = self.look_again(image_id)
                entry = self._with_original(image_id, known, info, self._uploads)
                with self._lock:
                    self._note(entry)
                if entry.status in NEEDS_WORK:
                    return entry
                found = found or entry
        return found

    def list_without_waiting(self) -> list[ImageEntry]:
        """Every image, in the order of names, for a page that must not wait.

        Like `entries` for up to 5,000 images. For a larger project it returns the last listing and
        starts a new one: own changes are in it, and changes of others appear after at most ten
        times the duration of a listing. Raises the error of a failed listing once.
        """
        if len(self._entries) <= LARGE:
            return self.entries()
        self._begin_listing()
        return self._in_order()

    def _begin_listing(self) -> threading.Thread | None:
        """List behind the caller if it is due; returns the thread that lists.

        Raises the error of a failed listing once.
        """
        with self._lock:
            failed, self._failed = self._failed, None
            due = self._is_older(max(CACHE_SECONDS, _PAUSE * self._took))
            if failed is None and due and self._behind is None:
                self._behind = threading.Thread(
                    target=self._list_behind, name="listing", daemon=True
                )
                self._behind.start()
            behind = self._behind
        if failed is not None:
            raise failed
        return behind

    def close(self) -> None:
        """End a running listing."""
        self._closed = True
        with self._lock:
            behind = self._behind
        if behind is not None:
            behind.join(_CLOSING_S)

    def _list_behind(self) -> None:
        try:
            self._list(0.0)
        except LabelerError as error:
            logger.warning("The images could not be listed: %s", error.message)
            self._failed = error
        finally:
            with self._lock:
                self._behind = None

    def _in_order(self) -> list[ImageEntry]:
        with self._lock:
            if self._sorted is None:
                self._sorted = sorted(self._entries.values(), key=place_of)
            return list(self._sorted)

    def list_documents(self) -> Iterator[tuple[ImageEntry, AnnotationDocument | None]]:
        """Every image with its stored document, in the order of names; read in bulk.

        The document is None if none is stored yet, or if it can't be opened: then the entry's
        `problem` says why.
        """
        listed = self.entries()
        entries = iter(listed)
        keys = [document_key(entry.image_id) for entry in listed]
        for key, data, _ in self._store.read_many(keys):
            for entry in entries:
                if document_key(entry.image_id) == key:
                    break
                yield entry, None
            try:
                yield entry, parse_document(data, key)
            except DamagedDocument as error:
                yield replace(entry, problem=error.message), None
        for entry in entries:
            yield entry, None

    def expire(self) -> None:
        """Make the next call list again, because another process may have added images."""
        self._expired_at = time.monotonic()

    def originals(self) -> Iterator[tuple[str, ObjectInfo]]:
        """Every original with its image ID, from a new listing."""
        if self._uploads is None:
            return
        for info in list_all(self._uploads.store, self._uploads.prefix):
            image_id = self._image_of(info, self._uploads)
            if image_id is not None:
                yield image_id, info

    def original_keys(self, image_id: str) -> list[str]:
        """The keys of the image's originals as listed; several if it was put there twice."""
        self._list(CACHE_SECONDS if len(self._entries) <= LARGE else float("inf"))
        with self._lock:
            entry = self._entries.get(image_id)
            doubles = self._doubles.get(image_id, ())
        first = [entry.original] if entry and entry.original else []
        return list(dict.fromkeys([*first, *doubles]))

    def forget(self, image_id: str) -> None:
        """Stop showing an image that this process has just deleted, without listing."""
        with self._lock:
            if self._entries.pop(image_id, None) is not None:
                self._sorted = None
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
            self._list(1.0)
            with self._lock:
                entry = self._entries.get(image_id)
        return entry

    def note(
        self, image_id: str, document: AnnotationDocument, original: str | None, version: str
    ) -> None:
        """Show a document that this process has just written, without a listing."""
        with self._lock:
            known = self._entries.get(image_id)
            original = original or (known.original if known else None)
            entry = entry_of(image_id, document, version, original)
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
                entry = replace(entry, original=known.original, added_at=known.added_at)
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

    def _until_closed(self, listed: Iterable[ObjectInfo]) -> Iterator[ObjectInfo]:
        for info in listed:
            if self._closed:
                raise Unavailable("The program ends.")
            yield info

    def _list(self, max_age: float) -> None:
        """List again if the last listing is older than `max_age` seconds; saves need not wait."""
        with self._listing:
            started = time.monotonic()
            if not self._is_older(max_age):
                return
            documents = self._until_closed(list_all(self._store, ANNOTATIONS))
            entries = self._document_entries(documents)
            doubles = self._add_originals(entries)
            with self._lock:
                for image_id, noted_at in list(self._noted.items()):
                    if noted_at < started:
                        del self._noted[image_id]
                    elif image_id in self._entries:
                        noted = self._entries[image_id]
                        entries[image_id] = with_original_of(noted, entries.get(image_id))
                    else:
                        entries.pop(image_id, None)
                self._entries, self._doubles = entries, doubles
                self._sorted = None
                self._began_at, self._listed_at = started, time.monotonic()
                self._took = self._listed_at - started

    def _document_entries(self, objects: Iterable[ObjectInfo]) -> dict[str, ImageEntry]:
        entries: dict[str, ImageEntry] = {}
        unsealed: list[str] = []
        for info in objects:
            image_id = info.key.removeprefix(ANNOTATIONS).removesuffix(".json")
            if not info.key.endswith(".json") or not is_image_id(image_id):
                continue
            # A kept entry costs neither time nor memory: the listing before has it too.
            known = self._entries.get(image_id)
            if known is not None and known.version == info.version and not known.problem:
                entries[image_id] = known
                continue
            entry = sealed_entry(image_id, info) or self._from_documents.get(
                (info.key, info.version)
            )
            if entry is None:
                unsealed.append(info.key)
            else:
                entries[image_id] = entry
        self._from_documents.make_room(2 * (len(unsealed) + len(entries)))
        for key, data, version in self._store.read_many(unsealed):
            image_id = key.removeprefix(ANNOTATIONS).removesuffix(".json")
            entry = document_entry(image_id, data, version)
            entries[image_id] = entry
            self._from_documents.put((key, version), entry)
        return entries

    def _add_originals(self, entries: dict[str, ImageEntry]) -> dict[str, tuple[str, ...]]:
        """Add what is under uploads/ to the entries; returns the originals of images with several.

        Entries that the listing before had too are kept, so that most cost no memory.
        """
        doubles: dict[str, tuple[str, ...]] = {}
        placed: set[str] = set()
        if self._uploads is not None:
            listed = list_all(self._uploads.store, self._uploads.prefix)
            for info in self._until_closed(listed):
                image_id = self._image_of(info, self._uploads)
                if image_id is None:
                    continue
                known = entries.get(image_id)
                if image_id in placed and known is not None and known.original is not None:
                    doubles[image_id] = (*doubles.get(image_id, (known.original,)), info.key)
                    # The place of its own is used only where the plain name was another image's.
                    if not info.key.startswith(f"{self._uploads.prefix}{image_id}/"):
                        continue
                entries[image_id] = self._with_original(image_id, known, info, self._uploads)
                placed.add(image_id)
        for image_id, entry in entries.items():
            if entry.original is not None and image_id not in placed:
                entries[image_id] = replace(entry, original=None, added_at="")
        return doubles

    def _with_original(
        self, image_id: str, known: ImageEntry | None, info: ObjectInfo, uploads: Uploads
    ) -> ImageEntry:
        """The entry with that original: a kept one where nothing has changed."""
        added_at = info.updated.isoformat()
        entry = known or self._entries.get(image_id)
        if entry is None or (known is None and (entry.version or entry.problem)):
            name = info.key.removeprefix(uploads.prefix).removeprefix(f"{image_id}/")
            entry = ImageEntry(image_id, name, Status.UNLABELED, 0, "", "")
        if entry.original == info.key and entry.added_at == added_at:
            return entry
        return replace(entry, original=info.key, added_at=added_at)

    def _image_of(self, info: ObjectInfo, uploads: Uploads) -> str | None:
        noted = info.metadata.get(IMAGE_ID, "")
        original = Scanned(info.key, info.version, info.size, info.md5 or "", noted)
        return self.original_id(info.key.removeprefix(uploads.prefix), original, uploads.store)

    def original_id(self, name: str, info: Scanned, store: Store) -> str | None:
        """The image ID of the object with that name under uploads/; None if it is not an image."""
        return self._original_ids.find(name, info, store, len(self._entries))
