"""Saving by itself: drafts hold a person's changes until the store has them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Final

from labeler.errors import LabelerError
from labeler.model.document import AnnotationDocument, saved_time
from labeler.model.merge import RectConflict, merge
from labeler.project.project import OpenedDocument, Project, SavedDocument
from labeler.project.save_events import log_save
from labeler.runtime.events import SaveFailed, log_event
from labeler.ui.drawable.scheduler import Scheduler

logger = logging.getLogger(__name__)

MAX_WAIT_BEFORE_RETRY_S: Final = 15.0
_HURRIED_RETRY_S: Final = 0.2
_WORKERS: Final = 64
"""Of each kind; a thread is only made when all others are at work."""
_MAX_REMEMBERED: Final = 10_000
_MAX_TRIED: Final = 32
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
        self._since = 0.0
        self._failures = 0
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
    until it succeeds or the process ends. However many fail, and however slowly, the first tries
    of all other drafts have threads of their own.
    """

    def __init__(self, project: Project, interval_s: float) -> None:
        self._project = project
        self._interval_s = interval_s
        self._first = ThreadPoolExecutor(_WORKERS, thread_name_prefix="save")
        self._again = ThreadPoolExecutor(_WORKERS, thread_name_prefix="save-again")
        self._turns = Scheduler()
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
            draft._since = time.monotonic()
            draft.state = SaveState.PENDING
            with self._lock:
                self._unsaved.add(draft)
        self._at(self._due(draft), draft)

    def resolved(self, draft: Draft, conflict: RectConflict) -> None:
        """Forget a conflict that a person has decided."""
        with draft._lock:
            draft.conflicts = tuple(c for c in draft.conflicts if c != conflict)

    def pending(self) -> int:
        """How many drafts are not stored yet."""
        with self._lock:
            return len(self._unsaved)

    def flush(self, timeout_s: float) -> int:
        """Store everything without waiting for intervals; how many drafts could not be.

        Called at the end: what has not been stored when the time is up is not tried again.
        """
        self._hurry.set()
        self._turns.hurry()
        deadline = time.monotonic() + timeout_s
        with self._lock:
            drafts = list(self._unsaved)
        for draft in drafts:
            while draft.state is not SaveState.SAVED and time.monotonic() < deadline:
                draft._settled.wait(0.05)
                time.sleep(0.005)
        left = self.pending()
        if left:
            self._ended.set()
            self._turns.hurry()
        return left

    def _due(self, draft: Draft) -> float:
        """When the image may be written again; at once when everything is being flushed."""
        if self._hurry.is_set():
            return 0.0
        return self._last_write.get(draft.image_id, float("-inf")) + self._interval_s

    def _at(self, moment: float, draft: Draft) -> None:
        """Have the draft written at that time."""
        if moment > time.monotonic():
            self._turns.at(moment, partial(self._begin, draft))
            if self._hurry.is_set() and moment > time.monotonic() + _HURRIED_RETRY_S:
                self._turns.hurry()  # the hurry began just now, and did not see this one
        else:
            self._begin(draft)

    def _begin(self, draft: Draft) -> None:
        if self._ended.is_set():
            self._stopped(draft)
            return
        # What fails may take all the time that the store has for a call: others shall not wait.
        pool = self._again if draft._failures else self._first
        pool.submit(self._store, draft).add_done_callback(_log_fault)

    def _store(self, draft: Draft) -> None:
        """Try once to write the draft; whatever is left to write gets another turn."""
        due = self._due(draft)
        if due > time.monotonic():  # another draft of the image was written meanwhile
            self._at(due, draft)
            return
        try:
            if not self._write(draft):
                self._at(self._due(draft), draft)
        except LabelerError as error:
            self._failed(draft, error)
        except BaseException:
            self._stopped(draft)
            raise

    def _write(self, draft: Draft) -> bool:
        """Write the draft's wanted state once; whether nothing is left to write."""
        with draft._lock:
            wanted, base = draft.wanted, draft.stored
        tried = draft._tried
        began = time.monotonic()
        try:
            saved = self._project.save_document(draft.image_id, wanted, base, draft.by, tried)
        except LabelerError:
            if wanted not in tried:
                tried.append(wanted)
                # The first may have been stored as the store went away, the last as it came back.
                # Were it one between, no box is lost: one that was changed since is asked about.
                del tried[1 : 1 - _MAX_TRIED]
            raise
        self._written(draft, saved, began)
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
            draft._failures = 0
            if draft.wanted != saved.document:
                draft.state = SaveState.PENDING
                return False
            # In one step: the next change begins a save of its own, and must find this one over.
            draft.state = SaveState.SAVED
            draft._running = False
            with self._lock:
                self._unsaved.discard(draft)
                if len(self._last_write) > _MAX_REMEMBERED:
                    self._last_write.clear()
            draft._settled.set()
            return True

    def _written(self, draft: Draft, saved: SavedDocument, began: float) -> None:
        """Note what the store has acknowledged just now."""
        draft._tried = []
        self._last_write[draft.image_id] = time.monotonic()
        log_save(draft.image_id, saved, draft.by, began, draft._since, draft._failures)
        draft._since = began  # what is left to write was changed since then

    def _stopped(self, draft: Draft) -> None:
        """Say that saving ended by a bug, or at the end of the program, rather than "saving"."""
        with draft._lock:
            draft._running = False
            draft.state = SaveState.FAILED
            if not self._ended.is_set():
                draft.error = "Saving stopped by a fault of the program; change a box again."
            draft._settled.set()

    def _failed(self, draft: Draft, error: LabelerError) -> None:
        """Say what is wrong, and try again after a while, a longer one each time."""
        draft._failures += 1
        log_event(
            SaveFailed(
                image_id=draft.image_id,
                tries=draft._failures,
                code=error.code,
                reason=error.for_log,
            )
        )
        with draft._lock:
            draft.state = SaveState.FAILED
            draft.error = error.message
            draft._settled.set()
        delay = min(2.0 ** min(draft._failures - 1, 10), MAX_WAIT_BEFORE_RETRY_S)
        if self._hurry.is_set():
            delay = _HURRIED_RETRY_S
        self._at(time.monotonic() + delay, draft)


def _log_fault(future: Future[None]) -> None:
    error = future.exception()
    if error is not None:
        logger.error("A save ended with a fault", exc_info=error)
