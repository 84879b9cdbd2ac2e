"""The cost of decoding an image, estimated from its bytes before a decoder sees them. Pure.

A file of a few bytes may need minutes: a JPEG with thousands of scans over all of its pixels, or
any type with millions of markers, chunks or strips.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from labeler.errors import ImageTooLarge

MAX_PARTS: Final = 50_000
"""Markers of a JPEG, chunks of a PNG, strips or tiles of a TIFF: 30 MB in parts of 600 bytes."""
MAX_SCANNED: Final = 2_000_000_000
"""Pixels times scans of a JPEG: 20 scans of 100 megapixels. Encoders write 10 or less."""
_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_MARKER: Final = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""A marker in compressed data; `\\xff\\0` is an escaped byte, and restarts have no length."""
_ALONE: Final = b"\x01\xd8"
_END_OF_IMAGE: Final = 0xD9
_START_OF_SCAN: Final = 0xDA
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC3})
_STRIPS: Final = 273, 279
_TILES: Final = 324, 325
"""Tags of the offsets, and of the sizes in bytes."""


def check_bytes(data: bytes, name: str) -> None:
    """Raise ImageTooLarge if a JPEG or PNG needs more work than its pixels justify."""
    if data.startswith(_JPEG):
        _check_jpeg(data, name)
    elif data.startswith(_PNG):
        _check_parts(sum(1 for _ in _chunks(data)), name)


def check_strips(tags: Mapping[int, Any], size: int, name: str) -> None:
    """Raise ImageTooLarge if a TIFF of `size` bytes has too many strips, or repeats the same ones.

    `tags` are those of its first image (TIFF 6.0, sections 8 and 15).
    """
    _check_parts(len(tags.get(_STRIPS[0]) or tags.get(_TILES[0]) or ()), name)
    if sum(tags.get(_STRIPS[1]) or tags.get(_TILES[1]) or ()) > 4 * size:
        raise _too_much(name, "its strips overlap")


def webp_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a WebP; None for what is none (RFC 9649, 2.5 to 2.7)."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP" or len(data) < 30:
        return None
    if data[12:16] == b"VP8X":
        width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    elif data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(data[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    return width, height


def _check_jpeg(data: bytes, name: str) -> None:
    scans = pixels = parts = 0
    for marker, at, skipped in _markers(data):
        # Before the first scan, decoders read empty bytes one by one.
        parts += 1 if scans else 1 + skipped
        scans += marker == _START_OF_SCAN
        if marker in _FRAMES:
            height, width = data[at + 3 : at + 5], data[at + 5 : at + 7]
            pixels = int.from_bytes(height, "big") * int.from_bytes(width, "big")
        _check_parts(parts, name)
        if scans * pixels > MAX_SCANNED:
            raise _too_much(name, f"it has {scans} scans or more")


def _markers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Each marker up to the end of the first image (ITU T.81, B.1.1).

    Yields the marker, the offset of its length, and the number of bytes since the marker before.
    """
    at = 2
    while found := _MARKER.search(data, at):
        marker, skipped, at = found[1][0], found.start() - at, found.end()
        if marker == _END_OF_IMAGE:
            return
        yield marker, at, skipped
        if marker not in _ALONE:
            at += max(2, int.from_bytes(data[at : at + 2], "big"))


def _chunks(data: bytes) -> Iterator[int]:
    """The offset of each chunk (PNG specification, 5.3), up to the limit."""
    at = len(_PNG)
    for _ in range(MAX_PARTS + 1):
        if at + 12 > len(data):
            return
        yield at
        if data[at + 4 : at + 8] == b"IEND":
            return
        at += 12 + int.from_bytes(data[at : at + 4], "big")


def _check_parts(parts: int, name: str) -> None:
    if parts > MAX_PARTS:
        raise _too_much(name, f"it is in more than {MAX_PARTS:,} parts")


def _too_much(name: str, why: str) -> ImageTooLarge:
    return ImageTooLarge(
        f"{name} was rejected: {why}, so decoding it would take too long. Save it again "
        "with another program."
    )
