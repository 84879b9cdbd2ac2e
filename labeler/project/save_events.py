"""What a save tells the log and the webhook, whoever asked for it."""

from __future__ import annotations

import time

from labeler.images import ImageInfo
from labeler.model.document import AnnotationDocument, Status
from labeler.model.layout import document_key
from labeler.project.documents import SavedDocument
from labeler.project.image_entry import ImageEntry
from labeler.runtime.audit import Action, audit
from labeler.runtime.events import Conflict, Merge, Save, Upload, log_event
from labeler.runtime.webhook import Webhook
from labeler.storage import Replaces, Version


def log_save(
    image_id: str, saved: SavedDocument, by: str, began: float, since: float, retries: int = 0
) -> None:
    """Tell of a save that ends now; nothing where it had nothing to write.

    `began` is when the save was begun, `since` when the change was made, on the monotonic clock;
    `retries` is how many tries had failed before.
    """
    now = time.monotonic()
    if saved.size:
        log_event(
            Save(
                image_id=image_id,
                latency_ms=round((now - began) * 1000, 1),
                wait_ms=round((now - since) * 1000, 1),
                bytes=saved.size,
                retries=retries,
                merged=saved.merged,
                conflicts=len(saved.conflicts),
                saved_by=by,
            )
        )
    if saved.merged:
        log_event(Merge(image_id=image_id))
    if saved.conflicts:
        log_event(Conflict(image_id=image_id, boxes=len(saved.conflicts)))


def audit_save(
    image_id: str,
    document: AnnotationDocument,
    replaces: Replaces,
    version: Version,
    action: Action,
) -> None:
    """Tell who stored the document, whoever asked for it."""
    by = document.metadata.saved_by or ""
    audit(action, document_key(image_id), old=replaces, new=version, by=by)


def tell_of_end(
    webhook: Webhook, image_id: str, before: ImageEntry | None, document: AnnotationDocument
) -> None:
    """Tell the webhook that the image has become done or approved; `before` is what was known."""
    event = {Status.DONE: "done", Status.APPROVED: "approved"}.get(document.status)
    if event is None or (before is not None and before.status is document.status):
        return
    by = document.metadata.saved_by or ""
    if document.status is Status.APPROVED:
        review = (document.metadata.model_extra or {}).get("review")
        by = str(review.get("by") or "") if isinstance(review, dict) else by
    webhook.tell(event, image_id=image_id, by=by, rects=len(document.rects))


def log_upload(
    image_id: str, original: str | None, info: ImageInfo, began: float, *, created: bool, by: str
) -> None:
    """Log an upload that ends now; it began at `began` on the monotonic clock."""
    audit(Action.UPLOAD, original or image_id, by=by)
    log_event(
        Upload(
            image_id=image_id,
            latency_ms=round((time.monotonic() - began) * 1000, 1),
            bytes=info.size,
            width=info.width,
            height=info.height,
            created=created,
        )
    )
