"""The labels of images, for filters by label; each version of a document is read once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from labeler.errors import DamagedDocument
from labeler.model.document import parse_document
from labeler.model.layout import document_key
from labeler.project.image_index import ImageEntry
from labeler.project.originals import bound_cache
from labeler.storage import Store


class ImageLabels:
    """The texts of the labels in each image's document, by the document's version."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._texts: dict[str, tuple[str, frozenset[str]]] = {}

    def of(self, entries: Iterable[ImageEntry], most: int) -> dict[str, frozenset[str]]:
        """The texts of the labels in the documents of these images, by image ID.

        At most `most` documents are read in one call. An image with boxes that is missing in the
        result has not been read yet.
        """
        with_rects = [entry for entry in entries if entry.rects]
        unread = (e for e in with_rects if self._texts.get(e.image_id, ("",))[0] != e.version)
        by_key = {document_key(entry.image_id): entry for entry in islice(unread, most)}
        bound_cache(self._texts, len(with_rects))
        for key, data, _ in self._store.read_many(by_key):
            try:
                texts = frozenset(rect.label for rect in parse_document(data, key).rects)
            except DamagedDocument:
                texts = frozenset()
            self._texts[by_key[key].image_id] = by_key[key].version, texts
        remembered = ((e, self._texts.get(e.image_id)) for e in with_rects)
        return {e.image_id: found[1] for e, found in remembered if found and found[0] == e.version}
