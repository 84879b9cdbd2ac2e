"""Undo what one person did since a time: each document back to what it was before.

Where nobody else has changed the document since, its earlier bytes come back. Where others have,
their changes stay: the person's own are taken back by a merge. Nothing is destroyed, because each
state that is replaced is kept like any other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from labeler.errors import NotFound, VersionConflict
from labeler.model.document import AnnotationDocument, Status, parse_document
from labeler.model.layout import ANNOTATIONS, document_key, is_image_id
from labeler.model.merge import merge
from labeler.project.history import DocumentVersion
from labeler.project.project import OpenedDocument, Project
from labeler.storage import list_all


class UndoResult(StrEnum):
    """The result for one document."""

    RESTORED = "restored"
    MERGED = "merged"
    """Others have changed it as well; their changes stay."""
    CONFLICT = "conflict"
    """Others have changed the same boxes; it stays. A person has to decide."""
    APPROVED = "approved"
    """A reviewer has approved it; it stays until it is reopened."""
    NOT_KEPT = "not_kept"
    """The state before is not kept any more; it stays."""
    CHANGED = "changed"
    """Somebody saved it just now; it stays. Undo again."""


@dataclass(frozen=True, slots=True)
class UndoneDocument:
    """One document that the person has changed since then."""

    image_id: str
    image_path: str
    result: UndoResult
    changes: int
    """How many states of it the person made since then."""


def undo_person(
    project: Project, person: str, since: datetime, *, dry_run: bool = False
) -> Iterator[UndoneDocument]:
    """Take back what the person saved and reviewed since then, one document after the other.

    Images that they added stay, without boxes. A dry run writes nothing and tells the same.
    """
    for info in list_all(project.store, ANNOTATIONS):
        image_id = info.key.removeprefix(ANNOTATIONS).removesuffix(".json")
        if info.updated < since or not is_image_id(image_id):
            continue
        versions = project.history.versions(image_id)
        changes = sum(_is_theirs(one, person, since) for one in versions)
        if not changes:
            continue
        try:
            now = project.stored_document(image_id)
        except NotFound:
            continue
        if now.version != versions[0].version:
            result = UndoResult.CHANGED
        elif now.document.status is Status.APPROVED:
            result = UndoResult.APPROVED
        else:
            undone = _Undo(project, image_id, now, versions, since).run(person, dry_run)
            if undone is None:
                continue
            result = undone
        yield UndoneDocument(image_id, now.document.image_path, result, changes)


def _is_theirs(version: DocumentVersion, person: str, since: datetime) -> bool:
    return version.written_at >= since and version.saved_by == person


class _Undo:
    """The work on one document; `versions` are its states, the newest first."""

    def __init__(
        self,
        project: Project,
        image_id: str,
        now: OpenedDocument,
        versions: Sequence[DocumentVersion],
        since: datetime,
    ) -> None:
        self._project = project
        self._image_id = image_id
        self._now = now
        self._versions = versions
        self._since = since

    def run(self, person: str, dry_run: bool) -> UndoResult | None:
        """What became of it; None where there is nothing to take back."""
        recent = [one for one in self._versions if one.written_at >= self._since]
        last = next((number for number, one in enumerate(recent) if one.saved_by != person), None)
        try:
            if last is None:
                return self._restore(len(recent), dry_run)
            return self._merge(recent, person, dry_run)
        except NotFound:
            return UndoResult.NOT_KEPT
        except VersionConflict:
            return UndoResult.CHANGED

    def _restore(self, before: int, dry_run: bool) -> UndoResult | None:
        """Bring the bytes back that were there before the person's first change."""
        if before == len(self._versions):
            before -= 1
            if not self._is_first():
                return UndoResult.NOT_KEPT
            if not before:
                return None
        data = self._project.history.read(self._image_id, self._versions[before].version)
        document = parse_document(data, document_key(self._image_id))
        if not dry_run:
            self._project.put_document(self._image_id, document, self._now.version, data)
        return UndoResult.RESTORED

    def _merge(
        self, recent: Sequence[DocumentVersion], person: str, dry_run: bool
    ) -> UndoResult | None:
        """Take the person's changes back one by one, the newest first, and keep all others."""
        document = self._now.document
        for number, version in enumerate(recent):
            if version.saved_by != person:
                continue
            if number + 1 == len(self._versions):
                if self._is_first():
                    continue
                return UndoResult.NOT_KEPT
            after, before = self._read(version), self._read(self._versions[number + 1])
            merged = merge(after, before, document)
            if merged.conflicts:
                return UndoResult.CONFLICT
            document = merged.document
        if document == self._now.document:
            return None
        if not dry_run:
            self._project.write_document(self._image_id, document, self._now, "")
        return UndoResult.MERGED

    def _is_first(self) -> bool:
        """Whether the oldest state is the empty document of an image that was added since then.

        It stays: there was none before. In any other document earlier states are missing.
        """
        entry = self._project.image_index.find(self._image_id)
        if entry is None or not entry.added_at or self._versions[-1].rects:
            return False
        return entry.added_at >= self._since.timestamp()

    def _read(self, version: DocumentVersion) -> AnnotationDocument:
        data = self._project.history.read(self._image_id, version.version)
        return parse_document(data, document_key(self._image_id))
