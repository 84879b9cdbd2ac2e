"""The labels of images, for filters by label; each version of a document is read once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from labeler.errors import DamagedDocument
from labeler.model.document import parse_document
from labeler.model.layout import document_key
from labeler.project.image_index import ImageEntry
from labeler.project.originals import MAX_REMEMBERED
from labeler.runtime.bounded_cache import BoundedCache
from labeler.storage import Store


class ImageLabels:
    """The texts of the labels in each image's document, by the document's version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._texts = BoundedCache[str, tuple[str, frozenset[str]]](max_items=MAX_REMEMBERED)

    def of(self, entries: Iterable[ImageEntry], most: int) -> dict[str, frozenset[str]]:
        """The texts of the labels in the documents of these images, by image ID.

        At most `most` documents are read in one call. An image with boxes that is missing in the
        result has not been read yet.
        """
        with_rects = [entry for entry in entries if entry.rects]
        unread = (entry for entry in with_rects if self._known(entry) is None)
        by_key = {document_key(entry.image_id): entry for entry in islice(unread, most)}
        self._texts.make_room(2 * len(with_rects))
        for key, data, _ in self._store.read_many(by_key):
            try:
                texts = frozenset(rect.label for rect in parse_document(data, key).rects)
            except DamagedDocument:
                texts = frozenset()
            self._texts.put(by_key[key].image_id, (by_key[key].version, texts))
        known = ((entry.image_id, self._known(entry)) for entry in with_rects)
        return {image_id: texts for image_id, texts in known if texts is not None}

    def _known(self, entry: ImageEntry) -> frozenset[str] | None:
        """The texts of the document in the version that is listed; None if it has not been read."""
        version, texts = self._texts.get(entry.image_id) or ("", None)
        return texts if version == entry.version else None
