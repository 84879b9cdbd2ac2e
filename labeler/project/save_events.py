"""What a save tells the log, whoever asked for it."""

from __future__ import annotations

import time

from labeler.project.project import SavedDocument
from labeler.runtime.events import Conflict, Merge, Save, log_event


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
