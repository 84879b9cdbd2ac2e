"""The originals: each is kept once, and is found again as the image that boxes were drawn on."""

from __future__ import annotations

import hashlib
import hmac
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from labeler.errors import ImageConflict, InvalidRequest, NotFound, VersionConflict
from labeler.image_names import begins_as_image, is_image_name, is_open_name, name_size_id
from labeler.images import ImageInfo
from labeler.model.document import AnnotationDocument
from labeler.model.layout import is_image_id
from labeler.runtime.bounded_cache import BoundedCache
from labeler.settings import ImageIdStrategy
from labeler.storage import ABSENT, ObjectInfo, Scanned, Store, check_key

IMAGE_ID: Final = "image_id"
"""The metadata key of an original that names its image."""
_HELD_BYTES: Final = 256 * 2**20
MAX_REMEMBERED: Final = 200_000
"""Facts about images that are remembered, or twice as many as there are images."""
_HEX_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Uploads:
    """The location of originals: a store, and the prefix of their keys."""

    store: Store
    prefix: str


class OriginalIds:
    """The image IDs of objects under uploads/, which a pipeline may have put there."""

    def __init__(self, strategy: ImageIdStrategy, secret: bytes) -> None:
        self._strategy = strategy
        self._secret = secret
        self._ids = BoundedCache[tuple[str, str], str](max_items=MAX_REMEMBERED)
        self._are_images = BoundedCache[tuple[str, str], bool](max_items=MAX_REMEMBERED)

    @property
    def identified_by(self) -> str:
        """The settings that image IDs depend on; another text may mean other IDs."""
        secret = self._secret if self._strategy is ImageIdStrategy.UUID else b""
        return f"{self._strategy.value}-{hmac.digest(secret, b'', 'sha256').hex()[:8]}"

    def find(self, name: str, info: Scanned, store: Store, images: int) -> str | None:
        """The image ID; None for an object that is no image, or was deleted since the listing.

        `name` is its key below uploads/, `info.note` the ID that Labeler noted with it, `images`
        the number of images. An object is an image if Labeler put it there, or by its extension,
        or, if the name does not decide, by its first bytes.
        """
        # The note comes first, because a person's folder may have the name of an image ID.
        if info.note and is_image_id(info.note):
            return info.note
        try:
            if not (info.note or is_image_name(name) or self._begins(name, info, store, images)):
                return None
            return self._made(name, info, store, images)
        except NotFound:
            return None

    def _begins(self, name: str, info: Scanned, store: Store, images: int) -> bool:
        if not is_open_name(name):
            return False
        state = (info.key, info.version)
        is_image = self._are_images.get(state)
        if is_image is None:
            with store.open(info.key) as chunks:
                is_image = begins_as_image(next(iter(chunks), b""))
            self._are_images.make_room(2 * images)
            self._are_images.put(state, is_image)
        return is_image

    def _made(self, name: str, info: Scanned, store: Store, images: int) -> str:
        folder, slash, base_name = name.rpartition("/")
        if slash and _HEX_ID.fullmatch(folder):
            return folder
        match self._strategy:
            case ImageIdStrategy.NAME_SIZE:
                return name_size_id(base_name, info.size)
            case ImageIdStrategy.CONTENT if info.md5:
                return info.md5
            case ImageIdStrategy.UUID:
                keyed = hmac.digest(self._secret, info.key.encode(), "sha256")
                return uuid.UUID(bytes=keyed[:16], version=4).hex
        digest = self._ids.get((info.key, info.version))
        if digest is None:
            digest = self._digest(info.key, store)
            self._ids.make_room(2 * images)
            self._ids.put((info.key, info.version), digest)
        return digest

    def _digest(self, key: str, store: Store) -> str:
        digest = hashlib.md5() if self._strategy is ImageIdStrategy.CONTENT else hashlib.sha256()
        with store.open(key) as chunks:
            for chunk in chunks:
                digest.update(chunk)
        return digest.hexdigest()


class Originals(Protocol):
    """The originals of one project. `document` is the image's document, None if it has none."""

    def keep(
        self, image_id: str, file_name: str, data: bytes, info: ImageInfo,
        document: AnnotationDocument | None,
    ) -> str | None:  # fmt: skip
        """Keep the image; returns its key if it is in a store.

        Raises ImageConflict if there is another image with this image ID.
        """
        ...

    def read(self, image_id: str, document: AnnotationDocument | None, listed: str | None) -> bytes:
        """The bytes of the image that the boxes in `document` were drawn on.

        `listed` is its key in the listing. Raises NotFound if the original is not kept, and
        ImageConflict if another image has taken its place.
        """
        ...


class HeldOriginals:
    """Originals without a store: held in memory for the process's lifetime, within a size."""

    def __init__(self, max_bytes: int = _HELD_BYTES) -> None:
        self._held = BoundedCache[str, bytes](max_size=max_bytes, size_of=len)

    def keep(
        self, image_id: str, file_name: str, data: bytes, info: ImageInfo,
        document: AnnotationDocument | None,
    ) -> str | None:  # fmt: skip
        self._held.put(image_id, data)
        return None

    def read(self, image_id: str, document: AnnotationDocument | None, listed: str | None) -> bytes:
        data = self._held.get(image_id)
        if data is not None and (_is_unmarked(document) or _is_drawn_on(document, data)):
            return data
        raise NotFound(
            "The original is not kept here (LABELER_UPLOADS=off). Upload the file again to see it "
            "with its boxes."
        )


class KeptOriginals:
    """Originals in a store; they are written once."""

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
                f"The image stored as {name} is not the one that the boxes were drawn on. Put "
                "the right file back, or give the new one another name."
            )
        raise NotFound(f"The original {name} is not in the store. Upload the file again.")

    def _places(self, image_id: str, name: str) -> Iterator[str]:
        """The possible keys of the original with that name, the likeliest first.

        A document from another program may hold any path; a path that is no valid key is left out.
        """
        for place in dict.fromkeys((own_place(image_id, name), f"{image_id}/{name}", name)):
            try:
                key = check_key(self._prefix + place)
            except InvalidRequest:
                continue
            yield key

    def _put(self, key: str, data: bytes, image_id: str, info: ImageInfo) -> ObjectInfo | None:
        """Store the image if the key is free; returns the object under the key otherwise."""
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
        """Whether the object holds the image; it is read only if the listing does not decide."""
        if there.size != info.size:
            return False
        md5 = there.md5 or hashlib.md5(self._store.read(there.key)[0]).hexdigest()
        return md5 == info.md5


def own_place(image_id: str, path: str) -> str:
    """The key of the original if another image has its path."""
    return f"{image_id}/{path.rpartition('/')[2]}"


def check_same_image(document: AnnotationDocument, info: ImageInfo, file_name: str) -> None:
    """Raise ImageConflict if the boxes were drawn on another image than this one."""
    md5 = document.metadata.content_md5
    size = (document.image_width, document.image_height)
    if (md5 is not None and md5 != info.md5) or (
        None not in size and size != (info.width, info.height)
    ):
        raise id_conflict(file_name)


def id_conflict(file_name: str) -> ImageConflict:
    """The error for a person who adds another image with an existing image ID."""
    return ImageConflict(
        f"{file_name}: another image of the same name and size is in the project, and its boxes "
        "stay with it. Rename this file, or set LABELER_IMAGE_ID=content, which tells images "
        "apart by their bytes."
    )


def _is_unmarked(document: AnnotationDocument | None) -> bool:
    """Whether only the image ID identifies the image, because format 1.0 has no MD5."""
    return document is None or document.metadata.content_md5 is None


def _is_drawn_on(document: AnnotationDocument | None, data: bytes) -> bool:
    return document is not None and document.metadata.content_md5 == hashlib.md5(data).hexdigest()


def _gives(image_id: str, key: str, data: bytes) -> bool:
    """Whether one of the strategies gives these bytes under this key the image ID."""
    return image_id in (
        name_size_id(key.rpartition("/")[2], len(data)),
        hashlib.md5(data).hexdigest(),
        hashlib.sha256(data).hexdigest(),
    )
