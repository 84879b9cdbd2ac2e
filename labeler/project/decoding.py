"""Who decodes images for a project: this process itself, or others (decoder_pool.py)."""

from __future__ import annotations

import threading
from typing import Protocol

from labeler import images


class Decoder(Protocol):
    """Gives and raises what the functions of these names in labeler/images/ do."""

    def inspect(
        self, data: bytes, *, name: str, max_bytes: int, max_pixels: int
    ) -> images.ImageInfo:
        """What the image is, after decoding it to the end."""
        ...

    def display(
        self, data: bytes, *, name: str, width: int | None, max_pixels: int
    ) -> tuple[bytes | None, str]:
        """A copy of the image, or None where its own bytes do, and the media type."""
        ...

    def close(self) -> None:
        """Give up what it holds; calling twice is harmless."""
        ...


class DirectDecoder:
    """Decodes in this process, one image at a time: for a command, which serves nobody else."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def inspect(
        self, data: bytes, *, name: str, max_bytes: int, max_pixels: int
    ) -> images.ImageInfo:
        with self._lock:
            return images.inspect(data, name=name, max_bytes=max_bytes, max_pixels=max_pixels)

    def display(
        self, data: bytes, *, name: str, width: int | None, max_pixels: int
    ) -> tuple[bytes | None, str]:
        with self._lock:
            return images.display(data, name=name, width=width, max_pixels=max_pixels)

    def close(self) -> None:
        pass
