"""Saving by itself: drafts hold a person's changes until the store has them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum
from typing import Final

from labeler.dataset import Dataset, OpenedDocument
from labeler.errors import LabelerError
from labeler.merge import RectConflict, merge
from labeler.models import AnnotationDocument, saved_time

logger = logging.getLogger(__name__)

MAX_WAIT_BEFORE_RETRY_S: Final = 15.0
_WORKERS: Final = 64
Edit = Callable[[AnnotationDocument], AnnotationDocument]


class SaveState(StrEnum):
    """Where a draft's newest change is."""

    SAVED = "saved"
    PENDING = "pending"
    FAILED = "failed"


class Draft:
    """One person's work on one image: what is stored, and what they want stored.

    Nothing in `wanted` is given up before the store has acknowledged it. Read the attributes
    freely; only a Saver changes them.
    """

    def __init__(self, image_id: str, opened: OpenedDocument, by: str) -> None:
        self.image_id = image_id
        self.by = by
        self.stored = opened
        self.wanted = opened.document
        self.state = SaveState.SAVED
        self.error = ""
        self.conflicts: tuple[RectConflict, ...] = ()
        self._lock = threading.Lock()
        self._running = False
        self._tried: list[AnnotationDocument] = []
        """What was wanted in the failed tries since the last save: one may have been stored."""
        self._settled = threading.Event()
        self._settled.set()

    @property
    def saved_at(self) -> datetime | None:
        """When the stored document was saved, in UTC."""
        return saved_time(self.stored.document)

    def wait(self, seconds: float) -> bool:
        """Whether everything was stored, or a try failed, within so many seconds."""
        return self._settled.wait(seconds)


class Saver:
    """Writes drafts in the background: the last state of each always, and each as soon as it may.

    One image is written at most once in `interval_s` seconds (Cloud Storage takes one write a
    second to one object); changes in between are written together. A failed write is tried again
    until it succeeds or the process ends.
    """

    def __init__(self, dataset: Dataset, interval_s: float) -> None:
        self._dataset = dataset
        self._interval_s = interval_s
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="save")
        self._hurry = threading.Event()
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._unsaved: set[Draft] = set()
        self._last_write: dict[str, float] = {}

    def change(self, draft: Draft, edit: Edit) -> None:
        """Apply an edit to the draft and have it stored; returns at once."""
        with draft._lock:
            draft.wanted = edit(draft.wanted)
            if draft.wanted == draft.stored.document or draft._running:
                return
            draft._running = True
            draft._settled.clear()
            draft.state = SaveState.PENDING
            with self._lock:
                self._unsaved.add(draft)
        self._pool.submit(self._store, draft).add_done_callback(_log_fault)

    def resolved(self, draft: Draft, conflict: RectConflict) -> None:
        """Forget a conflict that a person has decided."""
        with draft._lock:
            draft.conflicts = tuple(c for c in draft.conflicts if c != conflict)

    def flush(self, timeout_s: float) -> int:
        """Store everything without waiting for intervals; how many drafts could not be.

        Called at the end: what has not been stored when the time is up is not tried again.
        """
        self._hurry.set()
        deadline = time.monotonic() + timeout_s
        with self._lock:
            drafts = list(self._unsaved)
        for draft in drafts:
            while draft.state is not SaveState.SAVED and time.monotonic() < deadline:
                draft._settled.wait(0.05)
                time.sleep(0.005)
        with self._lock:
            if self._unsaved:
                self._ended.set()
            return len(self._unsaved)

    def _store(self, draft: Draft) -> None:
        """Write the draft until nothing is left to write."""
        failures = 0
        saved = False
        try:
            while not saved:
                self._await_turn(draft.image_id)
                try:
                    saved = self._write(draft)
                    failures = 0
                except LabelerError as error:
                    failures += 1
                    self._failed(draft, error, failures)
                    if self._ended.is_set():
                        return
        finally:
            if not saved:
                self._stopped(draft)

    def _write(self, draft: Draft) -> bool:
        """Write the draft's wanted state once; whether nothing is left to write."""
        with draft._lock:
            wanted, base = draft.wanted, draft.stored
        tried = draft._tried
        try:
            saved = self._dataset.save_document(draft.image_id, wanted, base, draft.by, tried)
        except LabelerError:
            if wanted not in tried:
                tried.append(wanted)
            raise
        draft._tried = []
        self._last_write[draft.image_id] = time.monotonic()
        with draft._lock:
            draft.conflicts += saved.conflicts
            if draft.wanted is wanted:
                draft.wanted = saved.document
            else:
                # It may raise. The next try then starts from what this one has stored of ours, by
                # a version that is gone: so it merges, and what others have saved stays.
                draft.stored = OpenedDocument(wanted, base.version)
                merged = merge(wanted, draft.wanted, saved.document)
                draft.wanted = merged.document
                draft.conflicts += merged.conflicts
            draft.stored = OpenedDocument(saved.document, saved.version)
            draft.error = ""
            if draft.wanted != saved.document:
                draft.state = SaveState.PENDING
                return False
            # In one step: the next change begins a save of its own, and must find this one over.
            draft.state = SaveState.SAVED
            draft._running = False
            with self._lock:
                self._unsaved.discard(draft)
                if len(self._last_write) > 10_000:
                    self._last_write.clear()
            draft._settled.set()
            return True

    def _stopped(self, draft: Draft) -> None:
        """Say that saving ended by a bug, or at the end of the program, rather than "saving"."""
        with draft._lock:
            draft._running = False
            draft.state = SaveState.FAILED
            if not self._ended.is_set():
                draft.error = "Saving stopped by a fault of the program; change a box again."
            draft._settled.set()

    def _failed(self, draft: Draft, error: LabelerError, failures: int) -> None:
        logger.warning("Saving %s failed (try %d): %s", draft.image_id, failures, error.message)
        with draft._lock:
            draft.state = SaveState.FAILED
            draft.error = error.message
            draft._settled.set()
        self._hurry.wait(min(2.0 ** (failures - 1), MAX_WAIT_BEFORE_RETRY_S))
        if self._hurry.is_set():
            self._ended.wait(0.2)

    def _await_turn(self, image_id: str) -> None:
        """Wait until the image may be written again; not when everything is being flushed."""
        due = self._last_write.get(image_id, float("-inf")) + self._interval_s
        self._hurry.wait(max(0.0, due - time.monotonic()))


def _log_fault(future: Future[None]) -> None:
    error = future.exception()
    if error is not None:
        logger.error("A save ended with a fault", exc_info=error)
