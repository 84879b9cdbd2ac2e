"""The project's images with their numbers and documents, as every export reads them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from labeler.datasets.exports.numbering import ImageNumbers, KnownNumbers
from labeler.datasets.exports.scan import PreviousScan, ProjectScan, ScannedImage
from labeler.datasets.selection import Selection
from labeler.errors import DamagedDocument
from labeler.model.document import AnnotationDocument, parse_document
from labeler.model.layout import document_key
from labeler.project.image_index import ImageIndex
from labeler.storage import Store, Version

LISTING: Final = "Listing the images"
READING: Final = "Reading the documents"


@dataclass(frozen=True, slots=True)
class ReadDocument:
    """A document as it was read, with its bytes and their version."""

    document: AnnotationDocument | None
    data: bytes
    version: Version


class DocumentReader:
    """Lists, numbers and reads images. It holds only the list in memory."""

    def __init__(
        self, store: Store, listing: ProjectScan, image_index: ImageIndex, registry: ImageNumbers
    ) -> None:
        self._store = store
        self._listing = listing
        self._image_index = image_index
        self._registry = registry

    def known(self, at_least: int = 0) -> KnownNumbers:
        """Return the numbers given so far, of which `at_least` is one; see ImageNumbers.read."""
        return self._registry.read(at_least)

    def scan(
        self, before: PreviousScan | None, image_ids: Collection[str]
    ) -> dict[str, ScannedImage]:
        """Return every image by its ID; see ProjectScan.read."""
        return self._listing.read(before, image_ids)

    def number(
        self, listed: Iterable[ScannedImage], known: KnownNumbers
    ) -> tuple[dict[str, int], int]:
        """Return the number of each image and the highest number given.

        `known` must have been read just before. Every image of the project without a number gets
        one first, in the order of file names.
        """
        new = [one for one in listed if one.image_id not in known.numbers and one.is_there]
        return self._registry.numbers(known, self._in_order(new))

    def listed(self) -> list[ScannedImage]:
        """Return every image of the project. No number is given."""
        return list(self._listing.read().values())

    def read(self, listed: Iterable[ScannedImage]) -> Iterator[ReadDocument | None]:
        """Yield the documents of these images; see read_documents."""
        return read_documents(self._store, listed)

    def _in_order(self, new: Sequence[ScannedImage]) -> list[str]:
        """Return the IDs of these images in the order of file names."""
        names: dict[str, str] = {}
        if any(listed.original is None for listed in new):
            self._image_index.expire()
            names = {entry.image_id: entry.image_path for entry in self._image_index.entries()}
        ordered = sorted(
            (one.file_name or names.get(one.image_id, ""), one.image_id) for one in new
        )
        return [image_id for _, image_id in ordered]


def read_documents(store: Store, listed: Iterable[ScannedImage]) -> Iterator[ReadDocument | None]:
    """Yield the documents of these images, in this order, read in bulk.

    Yields None for an image that no longer has a document. A document that cannot be opened is
    yielded as bytes only.
    """
    keys = [document_key(one.image_id) for one in listed]
    expected = iter(keys)
    for key, data, version in store.read_many(keys):
        for wanted in expected:
            if wanted == key:
                break
            yield None
        try:
            yield ReadDocument(parse_document(data, key), data, version)
        except DamagedDocument:
            yield ReadDocument(None, data, version)
    for _ in expected:
        yield None


def is_let_in(selection: Selection, listed: ScannedImage) -> bool:
    """Return whether the image exists and the selection admits its ID, name and part.

    Only the listing is looked at, so the document may still exclude the image.
    """
    if selection.images and listed.image_id not in selection.images:
        return False
    if not listed.is_there or (selection.part is None and not selection.names):
        return listed.is_there
    if listed.original is None:
        return selection.part is None or selection.part_of(listed.image_id) is selection.part
    return selection.has_place_for(listed.image_id, listed.file_name)


def without_document(listed: ScannedImage) -> AnnotationDocument:
    """Return the empty document that stands for an image with only an original."""
    return AnnotationDocument(rects=(), image_path=listed.file_name)


def file_name_of(listed: ScannedImage, document: AnnotationDocument | None) -> str:
    """Return the file name in datasets: the original's, the document's, or else the image ID."""
    if listed.original is not None:
        return listed.file_name
    return document.image_path if document else listed.image_id
