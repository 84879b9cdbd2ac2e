"""The image index: one entry per image, and what can be asked about all of them.

The store's own listing keeps it (store_index.py). The documents are the truth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from labeler.model.document import AnnotationDocument
from labeler.project.first_images import FirstImages
from labeler.project.image_entry import ImageEntry as ImageEntry
from labeler.project.image_entry import document_metadata as document_metadata
from labeler.project.image_view import ImageView
from labeler.storage import ObjectInfo, Replaces, Scanned, Store, Version


class ImageIndex(Protocol):
    """The images of one project. Threads may share it, and losing it loses no data."""

    @property
    def identified_by(self) -> str:
        """The settings that image IDs depend on; another text may mean other IDs."""
        ...

    # --- all images -----------------------------------------------------------------------

    def view(self) -> ImageView:
        """All images, for pages and calls, which must not wait; own changes are in it.

        Raises StoreError. Changes of others appear a little later. Raises StillListing where
        `is_listed` has begun the first listing of a large project and it has not ended.
        """
        ...

    def is_listed(self, wait_s: float) -> bool:
        """Whether all images are known; begins to list them, and waits at most so long.

        Does not wait for a large project. Raises the error of a failed listing once.
        """
        ...

    @property
    def found(self) -> int:
        """How many images the listing that runs, or the last one, has found."""
        ...

    def first_images(self, limit: int) -> FirstImages:
        """Some images to begin with before all are listed, as the store has them."""
        ...

    def entries(self) -> list[ImageEntry]:
        """Every image, in the order of names, as the store has it now."""
        ...

    def list_documents(self) -> Iterator[tuple[ImageEntry, AnnotationDocument | None]]:
        """Every image with its stored document, in the order of names; read in bulk.

        The document is None if none is stored yet, or if it can't be opened: then the entry's
        `problem` says why.
        """
        ...

    def originals(self) -> Iterator[tuple[str, ObjectInfo]]:
        """Every original with its image ID, from a new listing."""
        ...

    def problem(self) -> str:
        """Why a database does not answer; the store does then. Empty where nothing is wrong."""
        ...

    # --- one image ------------------------------------------------------------------------

    def find(self, image_id: str) -> ImageEntry | None:
        """The entry of that image; if the index lacks it, the store is asked.

        Raises StillListing as `view` does.
        """
        ...

    def known(self, image_id: str) -> ImageEntry | None:
        """The entry of that image as the index has it; the store is not asked."""
        ...

    def look_again(self, image_id: str) -> ImageEntry | None:
        """The image's entry as the store has it now, whatever the index holds.

        The document is read only if its metadata is missing or does not match its seal.
        """
        ...

    def original_keys(self, image_id: str) -> list[str]:
        """The keys of the image's originals; several if it was put there twice."""
        ...

    def original_id(self, name: str, info: Scanned, store: Store) -> str | None:
        """The image ID of the object with that name under uploads/; None if it is not an image."""
        ...

    # --- changes --------------------------------------------------------------------------

    def note(
        self,
        image_id: str,
        document: AnnotationDocument,
        original: str | None,
        version: Version | None,
        replaces: Replaces | None = None,
    ) -> None:
        """Show a document that this process has just written over the state `replaces`.

        `version` is None if no document is stored, `replaces` if it was there before. Never fails:
        the document is saved in any case.
        """
        ...

    def forget(self, image_id: str) -> None:
        """Stop showing an image that this process has just deleted."""
        ...

    def expire(self) -> None:
        """Look at the store again soon, because another process may have added images."""
        ...

    def close(self) -> None:
        """End what runs; calling it twice is harmless."""
        ...
