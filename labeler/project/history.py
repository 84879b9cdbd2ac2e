"""Earlier states of documents: a bucket's versions, or the states that a folder keeps."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from labeler.errors import DamagedDocument, NotFound
from labeler.model.document import Status, parse_document
from labeler.model.layout import document_key, history_folder
from labeler.project.image_entry import document_metadata, sealed_entry
from labeler.settings import Location, StoreKind
from labeler.storage import Store, Version
from labeler.storage.local_files import version_time
from labeler.storage.local_history import KeptStates

if TYPE_CHECKING:
    from labeler.storage.versions import PastObjects


@dataclass(frozen=True, slots=True)
class DocumentVersion:
    """One state of a document: who made it and when, by saving, a review or an assignment.

    `saved_at` is the document's text, `written_at` the time at which the store got it.
    `assigned_to` is in whose queue the image was.
    """

    version: Version
    saved_at: str
    saved_by: str
    status: Status
    rects: int
    written_at: datetime
    assigned_to: str = ""


class History(Protocol):
    """The states of the project's documents, the present one among them."""

    def keep(self, image_id: str, version: Version) -> None:
        """Keep that state of the document, which is about to be replaced."""
        ...

    def versions(self, image_id: str) -> list[DocumentVersion]:
        """The states that are kept and can be opened, the newest first."""
        ...

    def read(self, image_id: str, version: str) -> bytes:
        """The very bytes of one state; NotFound if it is not, or no longer, kept."""
        ...

    def close(self) -> None:
        """Give up connections; calling twice is harmless."""
        ...


class FolderHistory:
    """Up to fifty earlier states of each document, for ninety days after they were replaced."""

    def __init__(self, store: Store, root: Path) -> None:
        self._store = store
        self._kept = KeptStates(root)

    def keep(self, image_id: str, version: Version) -> None:
        self._kept.keep(document_key(image_id), version, history_folder(image_id))

    def versions(self, image_id: str) -> list[DocumentVersion]:
        return list(_opened(image_id, self._states(image_id)))

    def read(self, image_id: str, version: str) -> bytes:
        with suppress(NotFound):
            data, info = self._store.read(document_key(image_id))
            if info.version == version:
                return data
        return self._kept.read(history_folder(image_id), version)

    def close(self) -> None:
        pass

    def _states(self, image_id: str) -> Iterator[tuple[Version, bytes, datetime]]:
        present = Version("")
        with suppress(NotFound):
            data, info = self._store.read(document_key(image_id))
            present = info.version
            yield present, data, _written(present)
        folder = history_folder(image_id)
        for version in self._kept.versions(folder):
            with suppress(NotFound):
                if version != present:
                    yield version, self._kept.read(folder, version), _written(version)


class BucketHistory:
    """The versions that the bucket keeps; without versioning only the present one."""

    def __init__(self, location: Location, timeout_s: float) -> None:
        self._location = location
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._objects: PastObjects | None = None

    def keep(self, image_id: str, version: Version) -> None:
        pass  # the bucket does it

    def versions(self, image_id: str) -> list[DocumentVersion]:
        key, found = document_key(image_id), []
        for state in self._past().versions(key):
            if sealed_entry(image_id, state.info) is not None:
                found.append(_told(state.info.version, state.info.metadata, state.since))
                continue
            with suppress(NotFound):
                data = self._past().read_version(key, state.info.version)
                found += _opened(image_id, [(state.info.version, data, state.since)])
        return found

    def read(self, image_id: str, version: str) -> bytes:
        return self._past().read_version(document_key(image_id), version)

    def close(self) -> None:
        with self._lock:
            objects, self._objects = self._objects, None
        if objects is not None:
            objects.close()

    def _past(self) -> PastObjects:
        # Google's client takes a while to import, and most processes never ask.
        from labeler.storage.versions import PastObjects

        with self._lock:
            if self._objects is None:
                self._objects = PastObjects(self._location, timeout_s=self._timeout_s)
            return self._objects


def open_history(location: Location, store: Store, timeout_s: float) -> History:
    """The history of the documents at `location`, which `store` holds; nothing is read yet."""
    match location.kind:
        case StoreKind.FOLDER:
            return FolderHistory(store, Path(location.path))
        case StoreKind.BUCKET:
            return BucketHistory(location, timeout_s)


def _written(version: Version) -> datetime:
    return datetime.fromtimestamp(version_time(version) / 10**9, UTC)


def _opened(
    image_id: str, states: Iterable[tuple[Version, bytes, datetime]]
) -> Iterator[DocumentVersion]:
    """The states of which the bytes are a document."""
    for version, data, written_at in states:
        with suppress(DamagedDocument):
            document = parse_document(data, document_key(image_id))
            yield _told(version, document_metadata(document, data), written_at)


def _told(version: Version, metadata: Mapping[str, str], written_at: datetime) -> DocumentVersion:
    """The state by its metadata.

    Reviews and assignments leave saved_at and saved_by: the latest of the three made this state.
    """
    saved_at, saved_by = metadata["saved_at"], metadata["saved_by"]
    for done in ("reviewed", "assigned"):
        at = metadata.get(f"{done}_at", "")
        if at > saved_at:
            saved_at, saved_by = at, metadata.get(f"{done}_by", "")
    status, rects = Status(metadata["status"]), int(metadata["rects"])
    to = metadata.get("assigned_to", "")
    return DocumentVersion(version, saved_at, saved_by, status, rects, written_at, to)
