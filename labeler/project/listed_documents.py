"""The documents of a list of images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from labeler.errors import DamagedDocument
from labeler.model.document import AnnotationDocument, parse_document
from labeler.model.layout import document_key
from labeler.project.image_entry import ImageEntry
from labeler.storage import Store


def read_documents(
    store: Store, listed: list[ImageEntry]
) -> Iterator[tuple[ImageEntry, AnnotationDocument | None]]:
    """These images with their stored documents; see `ImageIndex.list_documents`."""
    entries = iter(listed)
    keys = [document_key(entry.image_id) for entry in listed]
    for key, data, _ in store.read_many(keys):
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
