"""A person's edits of a document, as pure functions from document to document."""

from __future__ import annotations

from collections.abc import Sequence

from labeler.model.document import AnnotationDocument, Rect, Status, with_metadata
from labeler.model.merge import merge


def with_rects(document: AnnotationDocument, rects: Sequence[Rect]) -> AnnotationDocument:
    """The document with these rects, and with the status that an edit of rects leads to.

    unlabeled and in_progress depend on the rects. skipped and returned become in_progress, approved
    becomes done, and done stays done. Equal rects change nothing.
    """
    if tuple(rects) == document.rects:
        return document
    changed = document.model_copy(update={"rects": tuple(rects)})
    match document.status:
        case Status.DONE | Status.APPROVED:
            status = Status.DONE
        case Status.UNLABELED | Status.IN_PROGRESS if not rects:
            status = Status.UNLABELED
        case _:
            status = Status.IN_PROGRESS
    return with_status(changed, status)


def with_drawn_rects(
    document: AnnotationDocument, shown: Sequence[Rect], drawn: Sequence[Rect]
) -> AnnotationDocument:
    """The document with the person's edits of `shown`, the rects that their canvas had before.

    Rects that were added to the document meanwhile, which the person has not seen, stay.
    """
    if tuple(shown) == document.rects:
        return with_rects(document, drawn)
    before = document.model_copy(update={"rects": tuple(shown)})
    after = document.model_copy(update={"rects": tuple(drawn)})
    return with_rects(document, merge(before, after, document).document.rects)


def with_status(document: AnnotationDocument, status: Status) -> AnnotationDocument:
    """The document with that status; unchanged if it has it already.

    The reason of an earlier skip is dropped, because it is not the reason of this status.
    """
    if document.status is status:
        return document
    return with_metadata(document, status=status.value, skip_reason=None)


def with_image_facts(
    document: AnnotationDocument, width: int, height: int, md5: str
) -> AnnotationDocument:
    """The document with the size and MD5 of its image filled in where they are missing."""
    update: dict[str, object] = {}
    if document.image_width is None or document.image_height is None:
        update |= {"image_width": width, "image_height": height}
    if document.metadata.content_md5 is None:
        update["metadata"] = document.metadata.model_copy(update={"content_md5": md5})
    return document.model_copy(update=update) if update else document
