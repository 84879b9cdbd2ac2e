"""One person's work on one image, saved in the page's own run. No Streamlit.

A run that finds changed work saves it before it draws anything. A failed save leaves the wanted
document as it is, and the next run tries again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from labeler.errors import LabelerError
from labeler.model.document import AnnotationDocument
from labeler.model.merge import Choice, RectConflict, resolve
from labeler.project.project import OpenedDocument, Project
from labeler.project.save_events import log_save
from labeler.runtime.events import SaveFailed, log_event

_MAX_TRIED: Final = 32
Edit = Callable[[AnnotationDocument], AnnotationDocument]


@dataclass
class Work:
    """What the store has of the image, and what the person wants it to have.

    `wanted` is kept until the store has acknowledged it. `tried` are the wanted documents of the
    failed saves since then: the store may have one of them.
    """

    image_id: str
    by: str
    stored: OpenedDocument
    wanted: AnnotationDocument = field(init=False)
    tried: list[AnnotationDocument] = field(default_factory=list)
    conflicts: tuple[RectConflict, ...] = ()
    error: str = ""
    failures: int = 0
    changed_at: float = 0.0

    def __post_init__(self) -> None:
        self.wanted = self.stored.document

    @property
    def is_saved(self) -> bool:
        """Whether the store has all that the person wants."""
        return self.wanted == self.stored.document

    def change(self, edit: Edit) -> None:
        """Change what is wanted; `save` stores it."""
        if self.is_saved:
            self.changed_at = time.monotonic()
        self.wanted = edit(self.wanted)

    def choose(self, conflict: RectConflict, choice: Choice) -> None:
        """Settle a conflict as the person decided."""
        self.change(lambda document: resolve(document, conflict, choice))
        self.conflicts = tuple(other for other in self.conflicts if other != conflict)

    def save(self, project: Project) -> None:
        """Store what is wanted, merged with what others have stored meanwhile.

        If the save fails, `error` says why and `wanted` stays as it was.
        """
        if self.is_saved:
            return
        began = time.monotonic()
        try:
            saved = project.save_document(
                self.image_id, self.wanted, self.stored, self.by, self.tried
            )
        except LabelerError as error:
            self._note_failure(error)
            return
        log_save(self.image_id, saved, self.by, began, self.changed_at, self.failures)
        self.wanted = saved.document
        self.stored = OpenedDocument(saved.document, saved.version)
        self.conflicts += saved.conflicts
        self.tried, self.error, self.failures = [], "", 0

    def _note_failure(self, error: LabelerError) -> None:
        self.error = error.message
        self.failures += 1
        log_event(
            SaveFailed(
                image_id=self.image_id,
                tries=self.failures,
                code=error.code,
                reason=error.for_log,
            )
        )
        if self.wanted not in self.tried:
            self.tried.append(self.wanted)
            # The first may have been stored as the store went away, the last as it came back. If
            # one in between was stored, no box is lost: a box changed since becomes a conflict.
            del self.tried[1 : 1 - _MAX_TRIED]
