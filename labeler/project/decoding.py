"""Who decodes images for a project: this process itself, or others (decoder_pool.py)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from labeler import images
from labeler.settings import ExifLocation


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

    def without_location(self, data: bytes, *, name: str) -> bytes:
        """The same image without what tells where it was taken."""
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

    def without_location(self, data: bytes, *, name: str) -> bytes:
        return images.without_location(data, name=name)

    def close(self) -> None:
        pass


GivenOut = Callable[[bytes, str], bytes]
"""An image file as everybody gets it, from its stored bytes and its name."""


def given_out(decoder: Decoder, location: ExifLocation) -> GivenOut:
    """The function that gives image files out, with or without the place where they were taken."""
    if location is ExifLocation.KEEP:
        return lambda data, _: data
    return lambda data, name: decoder.without_location(data, name=name)
