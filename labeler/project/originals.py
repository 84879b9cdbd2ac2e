"""The pictures themselves: kept once, and found again as the very ones that were drawn on."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

from labeler.errors import ImageConflict, InvalidRequest, NotFound, VersionConflict
from labeler.image_names import name_size_id
from labeler.images import ImageInfo
from labeler.model.document import AnnotationDocument
from labeler.settings import ImageIdStrategy
from labeler.storage import ABSENT, ObjectInfo, Store, check_key

IMAGE_ID: Final = "image_id"
"""The metadata of an original that names its image."""
_HELD_BYTES: Final = 256 * 2**20


@dataclass(frozen=True, slots=True)
class Uploads:
    """Where originals are: a store and what all their keys begin with."""

    store: Store
    prefix: str


class Originals(Protocol):
    """The originals of one project. `document` is the image's, None while it has none."""

    def keep(
        self, image_id: str, file_name: str, data: bytes, info: ImageInfo,
        document: AnnotationDocument | None,
    ) -> str | None:  # fmt: skip
        """Keep the picture; its key if it is in a store.

        Raises ImageConflict where another picture of this image ID is there.
        """
        ...

    def read(self, image_id: str, document: AnnotationDocument | None, listed: str | None) -> bytes:
        """The bytes of the very picture that `document` was drawn on.

        `listed` is its key as the listing has it. Raises NotFound where the original is not kept,
        ImageConflict where another picture has taken its place.
        """
        ...


class HeldOriginals:
    """Originals that are not kept: held for the process's lifetime, within a number of bytes."""

    def __init__(self, max_bytes: int = _HELD_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._lock = Lock()

    def keep(
        self, image_id: str, file_name: str, data: bytes, info: ImageInfo,
        document: AnnotationDocument | None,
    ) -> str | None:  # fmt: skip
        with self._lock:
            self._held[image_id] = data
            self._held.move_to_end(image_id)
            while sum(map(len, self._held.values())) > self._max_bytes and len(self._held) > 1:
                self._held.popitem(last=False)
        return None

    def read(self, image_id: str, document: AnnotationDocument | None, listed: str | None) -> bytes:
        with self._lock:
            data = self._held.get(image_id)
            if data is not None and (_is_unmarked(document) or _is_drawn_on(document, data)):
                self._held.move_to_end(image_id)
                return data
        raise NotFound(
            "The original is not kept here (LABELER_UPLOADS=off). Upload the file again to see it "
            "with its boxes."
        )


class KeptOriginals:
    """Originals in a store, write-once."""

    def __init__(self, uploads: Uploads, strategy: ImageIdStrategy) -> None:
        self._store = uploads.store
        self._prefix = uploads.prefix
        self._strategy = strategy

    def keep(
        self, image_id: str, file_name: str, data: bytes, info: ImageInfo,
        document: AnnotationDocument | None,
    ) -> str | None:  # fmt: skip
        if document is not None and document.image_path != file_name:
            for key in self._places(image_id, document.image_path):
                try:
                    if self._is_same(self._store.info(key), info):
                        return key
                except NotFound:
                    continue
        for place in (file_name, own_place(image_id, file_name)):
            key = self._prefix + place
            there = self._put(key, data, image_id, info)
            if there is None or self._is_same(there, info):
                return key
            if there.size == info.size and self._strategy is ImageIdStrategy.NAME_SIZE:
                break
        raise id_conflict(file_name)

    def read(self, image_id: str, document: AnnotationDocument | None, listed: str | None) -> bytes:
        name = document.image_path if document else ""
        keys = [listed, *self._places(image_id, name)] if listed else self._places(image_id, name)
        found_other = False
        for key in dict.fromkeys(keys):
            try:
                data, _ = self._store.read(key)
            except NotFound:
                continue
            if _is_drawn_on(document, data) or (
                _is_unmarked(document) and (key == listed or _gives(image_id, key, data))
            ):
                return data
            found_other = True
        if found_other:
            raise ImageConflict(
                f"The picture stored as {name} is not the one that the boxes were drawn on. Put "
                "the right file back, or give the new one another name."
            )
        raise NotFound(f"The original {name} is not in the store. Upload the file again.")

    def _places(self, image_id: str, name: str) -> Iterator[str]:
        """Where the original of that name may be, likeliest first.

        A document that came from elsewhere may hold any path: what is no key here is left out.
        """
        for place in dict.fromkeys((own_place(image_id, name), f"{image_id}/{name}", name)):
            try:
                key = check_key(self._prefix + place)
            except InvalidRequest:
                continue
            yield key

    def _put(self, key: str, data: bytes, image_id: str, info: ImageInfo) -> ObjectInfo | None:
        """Store the picture if nothing is there; what is there otherwise."""
        try:
            return self._store.info(key)
        except NotFound:
            metadata = {IMAGE_ID: image_id}
        try:
            self._store.write(
                key, data, replaces=ABSENT, metadata=metadata, content_type=info.media_type
            )
        except VersionConflict:  # somebody else was first
            return self._store.info(key)
        return None

    def _is_same(self, there: ObjectInfo, info: ImageInfo) -> bool:
        """Whether the object holds the picture; it is read only where the listing can't tell."""
        if there.size != info.size:
            return False
        md5 = there.md5 or hashlib.md5(self._store.read(there.key)[0]).hexdigest()
        return md5 == info.md5


def own_place(image_id: str, path: str) -> str:
    """Where the original lies if its path is taken by another picture's bytes."""
    return f"{image_id}/{path.rpartition('/')[2]}"


def check_same_image(document: AnnotationDocument, info: ImageInfo, file_name: str) -> None:
    """ImageConflict where the document was drawn on another picture than this one."""
    md5 = document.metadata.content_md5
    size = (document.image_width, document.image_height)
    if (md5 is not None and md5 != info.md5) or (
        None not in size and size != (info.width, info.height)
    ):
        raise id_conflict(file_name)


def id_conflict(file_name: str) -> ImageConflict:
    """What a person is told who brings another picture of an image ID that is taken."""
    return ImageConflict(
        f"{file_name}: another picture of the same name and size is in the project, and its boxes "
        "stay with it. Rename this file, or set LABELER_IMAGE_ID=content, which tells pictures "
        "apart by their bytes."
    )


def _is_unmarked(document: AnnotationDocument | None) -> bool:
    """Whether nothing but the image ID tells the picture: in format 1.0 no MD5 does."""
    return document is None or document.metadata.content_md5 is None


def _is_drawn_on(document: AnnotationDocument | None, data: bytes) -> bool:
    return document is not None and document.metadata.content_md5 == hashlib.md5(data).hexdigest()


def _gives(image_id: str, key: str, data: bytes) -> bool:
    """Whether the bytes under this key have the image ID by one of the strategies."""
    return image_id in (
        name_size_id(key.rpartition("/")[2], len(data)),
        hashlib.md5(data).hexdigest(),
        hashlib.sha256(data).hexdigest(),
    )
