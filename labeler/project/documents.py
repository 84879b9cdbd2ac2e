"""What is told of images and documents that are opened, added and saved."""

from __future__ import annotations

from dataclasses import dataclass

from labeler.model.document import AnnotationDocument
from labeler.model.merge import RectConflict
from labeler.storage import Replaces, Version


@dataclass(frozen=True, slots=True)
class AddedImage:
    """An image of the project; sizes as displayed. `created` is False if it was there before."""

    image_id: str
    image_path: str
    width: int
    height: int
    created: bool


@dataclass(frozen=True, slots=True)
class OpenedDocument:
    """A document, and the state that a save has to name: its version, or ABSENT if not stored."""

    document: AnnotationDocument
    version: Replaces


@dataclass(frozen=True, slots=True)
class SavedDocument:
    """The stored document after a save. `conflicts` lists the rects that both sides changed.

    `size` is the number of written bytes, 0 if no write was needed; `merged` says whether somebody
    else had changed the document meanwhile.
    """

    document: AnnotationDocument
    version: Version
    conflicts: tuple[RectConflict, ...] = ()
    size: int = 0
    merged: bool = False


def differ(one: AnnotationDocument, other: AnnotationDocument) -> bool:
    """Whether the documents differ in boxes or status, which people decide."""
    boxes = [{rect.id: rect for rect in document.rects} for document in (one, other)]
    return boxes[0] != boxes[1] or one.metadata.status != other.metadata.status
