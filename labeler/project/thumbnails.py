"""Small copies of images, made once and kept in the store: a gallery decodes no originals.

An image never changes, so a copy is written once. A copy that can't be kept is made again.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Final

from labeler.errors import NotFound, StoreError, VersionConflict
from labeler.model.layout import thumbnail_key, thumbnail_prefix
from labeler.storage import ABSENT, Store, list_all

logger = logging.getLogger(__name__)

WIDTHS: Final = (128, 256, 512)
"""The widths in pixels of the copies that are kept. Others are made for each call."""
_PNG: Final = b"\x89PNG"


class Thumbnails:
    """The small copies of one project's images."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self, image_id: str, width: int) -> tuple[bytes, str] | None:
        """The copy and its media type; None if none is kept."""
        if width not in WIDTHS:
            return None
        try:
            data, _ = self._store.read(thumbnail_key(image_id, width))
        except NotFound:
            return None
        return data, "image/png" if data.startswith(_PNG) else "image/jpeg"

    def keep(self, image_id: str, width: int, data: bytes, media_type: str) -> None:
        """Keep a copy of one of these widths. The image is shown where the store refuses it too."""
        if width not in WIDTHS:
            return
        key = thumbnail_key(image_id, width)
        try:
            self._store.write(key, data, replaces=ABSENT, content_type=media_type)
        except VersionConflict:
            pass  # somebody else has just made it
        except StoreError as error:
            logger.warning("%s could not be kept: %s", key, error.message)

    def forget(self, image_id: str) -> None:
        """Remove all copies of an image."""
        for info in list(list_all(self._store, thumbnail_prefix(image_id))):
            with suppress(NotFound, VersionConflict):
                self._store.delete(info.key, version=info.version)
