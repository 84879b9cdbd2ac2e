"""Deleted images: moved out of sight with their documents, and back.

    trash/<image ID>/document.<version>        the document's very bytes
    trash/<image ID>/original.<version>        an original; its metadata says where it lay

Each object is copied before it is removed, and removed by naming its version. So whatever ends a
deletion or a restoration in between, nothing is lost: `check` says what was cut off, and both can
simply be asked for again. The document goes first. Somebody who saves it meanwhile wins, and the
image stays.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Final

from labeler.errors import Deleted, LabelerError, NotDeleted, NotFound, StoreError, VersionConflict
from labeler.model.layout import TRASH, document_key, is_image_id, trash_prefix
from labeler.project.image_index import ImageIndex
from labeler.project.originals import IMAGE_ID, Uploads, own_place
from labeler.project.thumbnails import Thumbnails
from labeler.runtime.audit import Action, audit
from labeler.storage import ABSENT, ObjectInfo, Store, Version, list_all

KEPT: Final = timedelta(days=30)
_DOCUMENT: Final = "document."
_ORIGINAL: Final = "original."
_PLACE: Final = "place"
_TIDIED: Final = 20


@dataclass(frozen=True, slots=True)
class TrashedImage:
    """What the trash holds of one image, the newest objects first."""

    image_id: str
    documents: tuple[ObjectInfo, ...]
    originals: tuple[ObjectInfo, ...]

    @property
    def name(self) -> str:
        """The image's name, as far as what is kept tells it."""
        told = [info.metadata.get("image_path", "") for info in self.documents]
        told += [info.metadata.get(_PLACE, "") for info in self.originals]
        return next(filter(None, told), self.image_id)

    def place(self, original: ObjectInfo) -> str:
        """Where that original lay, below uploads/."""
        return original.metadata.get(_PLACE, "") or self.image_id

    @staticmethod
    def version(trashed: ObjectInfo) -> Version:
        """The version that the object had when it was deleted."""
        return Version(trashed.key.rpartition("/")[2].partition(".")[2])


class Trash:
    """The deleted images of one project."""

    def __init__(
        self,
        store: Store,
        uploads: Uploads | None,
        image_index: ImageIndex,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._uploads = uploads
        self._image_index = image_index
        self._thumbnails = Thumbnails(store)
        self._clock = clock

    def took(self, image_id: str) -> bool:
        """Whether the image is in the trash, and not in the project again."""
        held = self._store.list(trash_prefix(image_id), limit=1).objects
        return bool(held) and self._image_index.look_again(image_id) is None

    def check_not_deleted(self, image_id: str) -> None:
        """Raises Deleted; the trash is looked at only for an image that the index does not know."""
        if self._image_index.find(image_id) is None and self.took(image_id):
            raise self.absent(image_id)

    def absent(self, image_id: str, message: str = "") -> NotFound:
        """The error for an image that is not there: Deleted, or NotFound with that message."""
        if is_image_id(image_id) and self.took(image_id):
            return Deleted("This image was deleted. An admin can restore it from the trash.")
        return NotFound(message or f"There is no image {image_id!r}. Choose one from the list.")

    def delete(self, image_id: str, version: Version | None) -> None:
        """Move the image into the trash; `version` is its document's, None if it has none.

        Raises VersionConflict if the document has been changed, Deleted or NotFound if it is not
        there, StoreError if an original can't be removed; the image stays then.
        """
        originals = [self._keep_original(image_id, key) for key in self._originals(image_id)]
        if version is not None:
            data, document = self._keep_document(image_id, version)
            self._store.delete(document_key(image_id), version=version)
        try:
            for key, original in filter(None, originals):
                self._remove_original(key, original)
        except StoreError:
            if version is not None:
                with suppress(VersionConflict):  # somebody has made another document meanwhile
                    self._put(document_key(image_id), data, document)
            raise
        with suppress(StoreError):  # nobody is shown what is left of them
            self._thumbnails.forget(image_id)
        audit(Action.DELETE, document_key(image_id), old=version)
        self._image_index.forget(image_id)

    def restore(self, image_id: str) -> None:
        """Bring the image back as it was; one that is back already stays as it is.

        Raises NotDeleted if another document has its place, NotFound if the trash does not hold it.
        """
        trashed = self.find(image_id)
        if trashed is None:
            if self._image_index.look_again(image_id) is None:
                raise NotFound(f"The trash does not hold the image {image_id}.")
            return
        version = ""
        for document in trashed.documents[:1]:
            data, info = self._store.read(document.key)
            version = self._bring_document(image_id, data, info)
        for original in trashed.originals:
            self._bring_original(trashed, original)
        for one in (*trashed.documents[:1], *trashed.originals):
            self._remove(one)
        audit(Action.RESTORE, document_key(image_id), new=version)
        self._image_index.look_again(image_id)
        self._image_index.expire()

    def find(self, image_id: str) -> TrashedImage | None:
        """What the trash holds of that image."""
        return next(self._grouped(list_all(self._store, trash_prefix(image_id))), None)

    def images(self) -> Iterator[TrashedImage]:
        """Every image in the trash, by its ID."""
        yield from self._grouped(list_all(self._store, TRASH))

    def finish(self, trashed: TrashedImage) -> int:
        """End a deletion that was cut off: remove the originals that still lie where they did."""
        if self._uploads is None or self._has_document(trashed.image_id):
            return 0
        found = [
            (self._uploads.prefix + trashed.place(original), trashed.version(original))
            for original in trashed.originals
            if self._still_there(trashed, original)
        ]
        for key, version in found:
            with suppress(NotFound, VersionConflict):
                self._uploads.store.delete(key, version=version)
        return len(found)

    def is_cut_off(self, trashed: TrashedImage) -> bool:
        """Whether its deletion has not removed all originals."""
        return not self._has_document(trashed.image_id) and any(
            self._still_there(trashed, original) for original in trashed.originals
        )

    def is_back(self, trashed: TrashedImage) -> bool:
        """Whether the project holds the document that lies in the trash, or the trash has none."""
        try:
            data, _ = self._store.read(document_key(trashed.image_id))
        except NotFound:
            return False
        return all(self._store.read(one.key)[0] == data for one in trashed.documents[:1])

    def tidy(self) -> None:
        """Remove some of the objects that were deleted more than thirty days ago."""
        oldest = self._clock() - KEPT
        expired = (one for one in list_all(self._store, TRASH) if one.updated < oldest)
        for one in islice(expired, _TIDIED):
            self._remove(one)

    # --- into the trash -------------------------------------------------------------------

    def _originals(self, image_id: str) -> list[str]:
        return self._image_index.original_keys(image_id) if self._uploads else []

    def _keep_original(self, image_id: str, key: str) -> tuple[str, ObjectInfo] | None:
        assert self._uploads  # noqa: S101 - keys come from there
        try:
            data, info = self._uploads.store.read(key)
        except NotFound:
            return None
        place = key.removeprefix(self._uploads.prefix)
        with suppress(VersionConflict):  # an earlier try has kept it
            self._store.write(
                f"{trash_prefix(image_id)}{_ORIGINAL}{info.version}",
                data,
                replaces=ABSENT,
                metadata={IMAGE_ID: image_id, _PLACE: place},
                content_type=_media_type(place),
            )
        return key, info

    def _keep_document(self, image_id: str, version: Version) -> tuple[bytes, ObjectInfo]:
        data, info = self._store.read(document_key(image_id))
        if info.version != version:
            raise VersionConflict(f"The document of {image_id} has been changed meanwhile.")
        with suppress(VersionConflict):
            self._put(f"{trash_prefix(image_id)}{_DOCUMENT}{version}", data, info)
        return data, info

    def _remove_original(self, key: str, info: ObjectInfo) -> None:
        assert self._uploads  # noqa: S101 - keys come from there
        with suppress(NotFound, VersionConflict):  # another image lies there now
            self._uploads.store.delete(key, version=info.version)

    # --- back -----------------------------------------------------------------------------

    def _bring_document(self, image_id: str, data: bytes, info: ObjectInfo) -> Version:
        try:
            return self._put(document_key(image_id), data, info)
        except VersionConflict as error:
            found, there = self._store.read(document_key(image_id))
            if found != data:
                raise NotDeleted(
                    "The image is in the project again, with a document of its own. Delete that "
                    "one first; then this one can be restored."
                ) from error
            return there.version

    def _bring_original(self, trashed: TrashedImage, original: ObjectInfo) -> None:
        if self._uploads is None:
            return
        data, _ = self._store.read(original.key)
        place = trashed.place(original)
        for there in (place, own_place(trashed.image_id, place)):
            key = self._uploads.prefix + there
            try:
                self._uploads.store.write(
                    key,
                    data,
                    replaces=ABSENT,
                    metadata={IMAGE_ID: trashed.image_id},
                    content_type=_media_type(there),
                )
                return
            except VersionConflict:
                if self._uploads.store.read(key)[0] == data:
                    return

    # --- both -----------------------------------------------------------------------------

    def _put(self, key: str, data: bytes, info: ObjectInfo) -> Version:
        return self._store.write(
            key,
            data,
            replaces=ABSENT,
            metadata=info.metadata,
            content_type="application/json",
        )

    def _has_document(self, image_id: str) -> bool:
        with suppress(NotFound):
            self._store.info(document_key(image_id))
            return True
        return False

    def _still_there(self, trashed: TrashedImage, original: ObjectInfo) -> bool:
        if self._uploads is None:
            return False
        with suppress(LabelerError):
            info = self._uploads.store.info(self._uploads.prefix + trashed.place(original))
            return info.version == trashed.version(original)
        return False

    def _remove(self, one: ObjectInfo) -> None:
        with suppress(NotFound, VersionConflict):
            self._store.delete(one.key, version=one.version)

    def _grouped(self, listed: Iterator[ObjectInfo]) -> Iterator[TrashedImage]:
        found: dict[str, list[ObjectInfo]] = {}
        for info in listed:
            image_id = info.key.removeprefix(TRASH).partition("/")[0]
            if is_image_id(image_id):
                found.setdefault(image_id, []).append(info)
        for image_id, objects in found.items():
            objects.sort(key=lambda info: (info.updated, info.key), reverse=True)
            yield TrashedImage(image_id, _of_kind(objects, _DOCUMENT), _of_kind(objects, _ORIGINAL))


def _of_kind(objects: list[ObjectInfo], kind: str) -> tuple[ObjectInfo, ...]:
    return tuple(info for info in objects if info.key.rpartition("/")[2].startswith(kind))


def _media_type(place: str) -> str:
    return mimetypes.guess_type(place)[0] or "application/octet-stream"
