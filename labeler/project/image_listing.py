"""Makes the entries of all images from a listing of the documents and one of the originals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from labeler.model.document import Status
from labeler.model.layout import ANNOTATIONS, is_image_id
from labeler.project.image_entry import (
    ImageEntry,
    document_entry,
    lacks_seal,
    sealed_entry,
    with_original,
)
from labeler.project.originals import IMAGE_ID, MAX_REMEMBERED, OriginalIds, Uploads
from labeler.runtime.bounded_cache import BoundedCache
from labeler.storage import ObjectInfo, Scanned, Store, list_all

Watch = Callable[[], None]


class Listed(NamedTuple):
    """The entries by image ID, and all originals of those images that have several.

    `unsealed` are the images whose documents had to be read, or tell less than they should.
    """

    entries: dict[str, ImageEntry]
    doubles: dict[str, tuple[str, ...]]
    unsealed: list[str]


class ImageListing:
    """Lists all images of one project; documents without a valid seal are read once per version."""

    def __init__(self, store: Store, uploads: Uploads | None, original_ids: OriginalIds) -> None:
        self._store = store
        self._uploads = uploads
        self._prefix = uploads.prefix if uploads else ""
        self._original_ids = original_ids
        self._from_documents = BoundedCache[tuple[str, str], ImageEntry](max_items=MAX_REMEMBERED)
        self._is_first = True
        self.found = 0
        """How many images the listing that runs, or the last one, has found."""

    def list(self, before: Mapping[str, ImageEntry], watch: Watch) -> Listed:
        """List everything; `watch` is called after each page of objects.

        Entries of the listing `before` that still hold are kept: they cost neither time nor memory.
        """
        images, documented, doubles = self._list_originals(before, watch)
        unsealed: list[str] = []
        to_seal: list[str] = []

        def count() -> None:
            self.found = max(len(images), len(unsealed))
            watch()

        for info in list_all(self._store, ANNOTATIONS, count):
            image_id = image_of_document(info.key)
            if image_id is None:
                continue
            entry = self._known_entry(info, before.get(image_id), images.get(image_id), image_id)
            if entry is None:
                unsealed.append(info.key)
            else:
                images[image_id] = entry
                documented.discard(image_id)
            if entry is not None and "warnings" in info.metadata:
                continue  # nearly always so: the entry is from the seal, which lacks nothing
            is_new = self._is_first or entry is not before.get(image_id)
            if is_new and lacks_seal(info):
                to_seal.append(image_id)
        self._from_documents.make_room(2 * (len(unsealed) + len(images)))
        for key, data, version in self._store.read_many(unsealed):
            image_id = key.removeprefix(ANNOTATIONS).removesuffix(".json")
            entry = document_entry(image_id, data, version)
            self._from_documents.put((key, version), entry)
            images[image_id] = with_original(entry, images.get(image_id))
            documented.discard(image_id)
        for image_id in documented:
            kept = images[image_id]
            images[image_id] = undocumented(
                image_id, kept.original or "", kept.added_at, self._prefix
            )
        self.found = len(images)
        self._is_first = False
        return Listed(images, doubles, to_seal)

    def image_of(self, info: ObjectInfo, uploads: Uploads, images: int) -> str | None:
        """The image ID of an original; None if it is not an image."""
        noted = info.metadata.get(IMAGE_ID, "")
        if noted and is_image_id(noted):
            return noted  # as OriginalIds.find would: nearly always so
        original = Scanned(info.key, info.version, info.size, info.md5 or "", noted)
        name = info.key.removeprefix(uploads.prefix)
        return self._original_ids.find(name, original, uploads.store, images)

    def _known_entry(
        self, info: ObjectInfo, before: ImageEntry | None, placed: ImageEntry | None, image_id: str
    ) -> ImageEntry | None:
        """The entry of a document with the original of `placed`; None if it must be read."""
        if before is None or before.version != info.version:
            entry = sealed_entry(image_id, info, placed)
            if entry is not None:
                return entry
            before = self._from_documents.get((info.key, info.version))
        return before and with_original(before, placed)

    def _list_originals(
        self, before: Mapping[str, ImageEntry], watch: Watch
    ) -> tuple[dict[str, ImageEntry], set[str], dict[str, tuple[str, ...]]]:
        """Images as their originals alone show them, in the order of the originals' keys.

        Beside them are the IDs of those whose entries of the listing `before` are kept and have a
        document, and the originals of those that have several.
        """
        images: dict[str, ImageEntry] = {}
        documented: set[str] = set()
        doubles: dict[str, tuple[str, ...]] = {}
        if self._uploads is None:
            return images, documented, doubles
        for info in list_all(self._uploads.store, self._uploads.prefix, watch):
            self.found = len(images)
            image_id = self.image_of(info, self._uploads, len(before))
            if image_id is None:
                continue
            placed = images.get(image_id)
            if placed is not None:
                doubles[image_id] = (*doubles.get(image_id, (placed.original or "",)), info.key)
                if not is_own_place(info.key, self._prefix, image_id):
                    continue
            entry, added_at = before.get(image_id), info.updated_at
            if entry is None or entry.original != info.key or entry.added_at != added_at:
                entry = undocumented(image_id, info.key, added_at, self._prefix)
            elif entry.version or entry.problem:
                documented.add(image_id)
            images[image_id] = entry
        return images, documented, doubles


def image_of_document(key: str) -> str | None:
    """The image ID of the document under that key; None if the key is no document's."""
    image_id = key.removeprefix(ANNOTATIONS).removesuffix(".json")
    return image_id if key.endswith(".json") and is_image_id(image_id) else None


def is_own_place(key: str, prefix: str, image_id: str) -> bool:
    """Whether an original lies in the image's own folder.

    That place is used only where the plain name was another image's, so it wins over others.
    """
    return key.startswith(f"{prefix}{image_id}/")


def original_name(key: str, prefix: str, image_id: str) -> str:
    """The name of an image without a document, from the key of its original."""
    return key.removeprefix(prefix).removeprefix(f"{image_id}/")


def undocumented(image_id: str, original: str, added_at: float, prefix: str) -> ImageEntry:
    """The entry of an image without a document."""
    name = original_name(original, prefix, image_id)
    return ImageEntry(image_id, name, Status.UNLABELED, 0, "", "", original, added_at=added_at)
