"""Makes the entries of all images from a listing of the documents and one of the originals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from labeler.model.document import Status
from labeler.model.layout import ANNOTATIONS, is_image_id
from labeler.project.image_entry import ImageEntry, document_entry, place_new, sealed_entry
from labeler.project.originals import IMAGE_ID, MAX_REMEMBERED, OriginalIds, Uploads
from labeler.runtime.bounded_cache import BoundedCache
from labeler.storage import ObjectInfo, Scanned, Store, list_all

Watch = Callable[[Iterable[ObjectInfo]], Iterable[ObjectInfo]]


class Listed(NamedTuple):
    """The entries by image ID, and all originals of those images that have several."""

    entries: dict[str, ImageEntry]
    doubles: dict[str, tuple[str, ...]]


class ImageListing:
    """Lists all images of one project; documents without a valid seal are read once per version."""

    def __init__(self, store: Store, uploads: Uploads | None, original_ids: OriginalIds) -> None:
        self._store = store
        self._uploads = uploads
        self._original_ids = original_ids
        self._from_documents = BoundedCache[tuple[str, str], ImageEntry](max_items=MAX_REMEMBERED)
        self.found = 0
        """How many images the listing that runs, or the last one, has found."""

    def list(self, before: Mapping[str, ImageEntry], watch: Watch) -> Listed:
        """List everything, each object through `watch`.

        Entries of the listing `before` that still hold are kept: they cost neither time nor memory.
        """
        documents = watch(list_all(self._store, ANNOTATIONS))
        entries, remembered = self._document_entries(before, documents)
        return Listed(entries, self._add_originals(entries, remembered, before, watch))

    def image_of(self, info: ObjectInfo, uploads: Uploads, images: int) -> str | None:
        """The image ID of an original; None if it is not an image."""
        noted = info.metadata.get(IMAGE_ID, "")
        if noted and is_image_id(noted):
            return noted  # as OriginalIds.find would: nearly always so
        original = Scanned(info.key, info.version, info.size, info.md5 or "", noted)
        name = info.key.removeprefix(uploads.prefix)
        return self._original_ids.find(name, original, uploads.store, images)

    def _document_entries(
        self, before: Mapping[str, ImageEntry], objects: Iterable[ObjectInfo]
    ) -> tuple[dict[str, ImageEntry], set[str]]:
        """The entries, and the IDs of those whose entries are remembered here."""
        entries: dict[str, ImageEntry] = {}
        remembered: set[str] = set()
        unsealed: list[str] = []
        for info in objects:
            self.found = len(entries) + len(unsealed)
            image_id = image_of_document(info.key)
            if image_id is None:
                continue
            known = before.get(image_id)
            if known is not None and known.version == info.version and not known.problem:
                entries[image_id] = known
                continue
            entry = sealed_entry(image_id, info)
            if entry is None:
                entry = self._from_documents.get((info.key, info.version))
                remembered.add(image_id)
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
        return entries, remembered

    def _add_originals(
        self,
        entries: dict[str, ImageEntry],
        remembered: set[str],
        before: Mapping[str, ImageEntry],
        watch: Watch,
    ) -> dict[str, tuple[str, ...]]:
        """Add what is under uploads/ to the entries; returns the originals of images with several.

        Entries that the listing before had too are kept, so that most cost no memory.
        """
        doubles: dict[str, tuple[str, ...]] = {}
        placed: set[str] = set()
        if self._uploads is not None:
            listed = list_all(self._uploads.store, self._uploads.prefix)
            for info in watch(listed):
                self.found = len(entries)
                image_id = self.image_of(info, self._uploads, len(before))
                if image_id is None:
                    continue
                known = entries.get(image_id)
                if image_id in placed and known is not None and known.original is not None:
                    doubles[image_id] = (*doubles.get(image_id, (known.original,)), info.key)
                    if not is_own_place(info.key, self._uploads.prefix, image_id):
                        continue
                earlier = before.get(image_id)
                if known is None or known is earlier or image_id in remembered:
                    entries[image_id] = with_original(
                        image_id, known or earlier, info, self._uploads, known is not None
                    )
                else:
                    place_new(known, info.key, info.updated.timestamp())
                placed.add(image_id)
        for image_id, entry in entries.items():
            if entry.original is not None and image_id not in placed:
                entries[image_id] = replace(entry, original=None, added_at=0.0)
        return doubles


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


def with_original(
    image_id: str, entry: ImageEntry | None, info: ObjectInfo, uploads: Uploads, has_document: bool
) -> ImageEntry:
    """The entry with that original: the same one where nothing has changed.

    Without a document, nothing of an earlier document is kept.
    """
    added_at = info.updated.timestamp()
    if entry is None or (not has_document and (entry.version or entry.problem)):
        name = original_name(info.key, uploads.prefix, image_id)
        return ImageEntry(
            image_id, name, Status.UNLABELED, 0, "", "", original=info.key, added_at=added_at
        )
    if entry.original == info.key and entry.added_at == added_at:
        return entry
    return replace(entry, original=info.key, added_at=added_at)
