"""Gives documents the metadata that the list reads, so that no later process has to read them.

Documents that other programs wrote have none (ADR 3). Whoever serves pages has read them once, and
writes their metadata behind everybody's back, slowly. Bytes and versions stay as they are, so
nobody's save meets a conflict. What others save meanwhile wins.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Sequence
from typing import Final

from labeler.errors import DamagedDocument, LabelerError, NotFound, VersionConflict
from labeler.model.document import Status, parse_document
from labeler.model.layout import document_key
from labeler.project.image_entry import document_metadata, lacks_seal
from labeler.storage import Store

logger = logging.getLogger(__name__)

_WORKERS: Final = 4
_REST: Final = 8
"""The rest after each document, in multiples of the CPU time that it took."""
_CLOSING_S: Final = 2.0


class Sealing:
    """Writes the metadata of documents in the background, each at most once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._left: list[str] = []
        self._workers: list[threading.Thread] = []
        self._ended = threading.Event()
        self._written = 0

    def begin(self, image_ids: Sequence[str]) -> None:
        """Write the metadata of these documents, as far as they still lack it; returns at once."""
        if not image_ids or self._ended.is_set():
            return
        # Instances that begin together begin at different places, and leave work to each other.
        start = random.randrange(len(image_ids))  # noqa: S311
        with self._lock:
            self._left = [*image_ids[start:], *image_ids[:start]]
            for _ in range(min(_WORKERS, len(self._left)) - len(self._workers)):
                worker = threading.Thread(target=self._work, name="sealing", daemon=True)
                self._workers.append(worker)
                worker.start()

    def close(self) -> None:
        """End what runs. The rest is written by a later process."""
        self._ended.set()
        with self._lock:
            workers = list(self._workers)
        for worker in workers:
            worker.join(_CLOSING_S)

    def _work(self) -> None:
        while (image_id := self._next()) is not None:
            began = time.thread_time()
            try:
                self._seal(image_id)
            except LabelerError as error:
                logger.warning("Metadata of documents can't be written: %s", error.for_log)
                with self._lock:
                    self._left.clear()
            self._ended.wait(_REST * (time.thread_time() - began))

    def _next(self) -> str | None:
        """The next document; None where none is left, and then this worker is gone."""
        with self._lock:
            if self._left and not self._ended.is_set():
                return self._left.pop()
            self._workers.remove(threading.current_thread())
            if self._written and not self._workers:
                logger.info("The metadata of %d documents was written", self._written)
                self._written = 0
            return None

    def _seal(self, image_id: str) -> None:
        key = document_key(image_id)
        try:
            data, info = self._store.read(key)
            if not lacks_seal(info):
                return
            document = parse_document(data, key)
            if document.metadata.status not in (None, *Status):
                return  # a newer Labeler's: this one can't tell its status
            metadata = document_metadata(document, data)
            self._store.set_metadata(key, metadata, version=info.version)
        except (NotFound, VersionConflict, DamagedDocument):
            return
        with self._lock:
            self._written += 1
