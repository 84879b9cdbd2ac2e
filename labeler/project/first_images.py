"""The first images of a project, which are known before all images are listed.

They are those of the first originals or, where none is kept, of the first documents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labeler.model.layout import ANNOTATIONS, document_key
from labeler.project.image_entry import ImageEntry, document_entry, place_of, with_original
from labeler.project.image_listing import ImageListing, image_of_document, undocumented
from labeler.project.originals import Uploads
from labeler.storage import ObjectInfo, Store


@dataclass(frozen=True, slots=True)
class FirstImages:
    """Some images in the order of names, and the key `last` up to which they are all there are.

    `by_document` says that it is the key of a document, not of an original.
    """

    entries: list[ImageEntry]
    last: str
    by_document: bool

    def hold(self, entry: ImageEntry) -> bool:
        """Whether the image, as a whole listing has it, is among these, or was removed since."""
        key = document_key(entry.image_id) if self.by_document else entry.original
        return key is not None and key <= self.last


def read_first_images(
    store: Store,
    uploads: Uploads | None,
    listing: ImageListing,
    known: Mapping[str, ImageEntry],
    limit: int,
) -> FirstImages:
    """The images of the first `limit` originals, else documents, from one page of a listing.

    Entries in `known` are taken as they are. All other documents are read.
    """
    found: dict[str, ImageEntry] = {}
    last, by_document = "", False
    if uploads is not None:
        originals: dict[str, ObjectInfo] = {}
        for info in uploads.store.list(uploads.prefix, limit=limit).objects:
            last = info.key
            image_id = listing.image_of(info, uploads, len(known))
            if image_id is not None:
                originals.setdefault(image_id, info)
        documents = _documents(store, known, list(originals))
        for image_id, info in originals.items():
            entry = documents.get(image_id)
            added_at = info.updated_at
            placed = undocumented(image_id, info.key, added_at, uploads.prefix)
            found[image_id] = with_original(entry, placed) if entry else placed
    if not found:
        by_document = True
        keys = [info.key for info in store.list(ANNOTATIONS, limit=limit).objects]
        last = keys[-1] if keys else ""
        found = _documents(store, known, [one for key in keys if (one := image_of_document(key))])
    return FirstImages(sorted(found.values(), key=place_of), last, by_document)


def _documents(
    store: Store, known: Mapping[str, ImageEntry], image_ids: list[str]
) -> dict[str, ImageEntry]:
    """The entries of these images that have documents, and of those that are known."""
    found = {image_id: known[image_id] for image_id in image_ids if image_id in known}
    unread = {document_key(one): one for one in image_ids if one not in found}
    for key, data, version in store.read_many(unread):
        found[unread[key]] = document_entry(unread[key], data, version)
    return found
