"""Image files without the place at which they were taken. No pixel changes. Pure.

A place can be in the GPS tags of EXIF, in XMP, in IPTC, and in what programs add in forms of their
own: the film of a phone's "motion photo", a signed history. Parts that may contain it are removed,
and what is needed to decode and show the image stays as it was, byte by byte.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

from labeler.errors import DamagedImage
from labeler.image_work import check_bytes
from labeler.images.exif_location import Unreadable, only_orientation, remove_location

_JPEG: Final = b"\xff\xd8\xff"
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_GIF: Final = (b"GIF87a", b"GIF89a")
_EXIF: Final = b"Exif\0\0"

_MARKER: Final = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
"""A marker of a JPEG; `\\xff\\0` is an escaped byte, and restarts belong to the compressed data."""
_KEPT_SEGMENTS: Final = {
    0xE0: (b"JFIF\0", b"JFXX\0"),
    0xE2: (b"ICC_PROFILE\0",),
    0xEE: (b"Adobe",),
}
"""The application segments that decoders need (ITU T.81, B.2.4.6), by their marker."""
_KEPT_CHUNKS: Final = frozenset(
    b"tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT tIME acTL fcTL fdAT "
    b"tEXt zTXt iTXt".split()
)
"""The chunks of a PNG that are not critical, and are not removed (PNG specification, 11.3)."""
_TEXTS: Final = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_PLACE: Final = re.compile(rb"gps|geo|location|xmp|raw profile", re.IGNORECASE)
"""Keywords of texts of a PNG. ImageMagick writes EXIF, IPTC and XMP into texts."""
_KEPT_OF_WEBP: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_HAS_XMP: Final = 0x04
_KEPT_OF_GIF: Final = (b"NETSCAPE2.0", b"ANIMEXTS1.0", b"ICCRGBG1012")


def without_location(data: bytes, *, name: str) -> bytes:
    """The same image without GPS, XMP, IPTC and all else that may tell where it was taken.

    Pixels, orientation and color profile stay, and of EXIF all that is no place. Raises
    ImageTooLarge for a file in too many parts, and DamagedImage for a TIFF whose tags can't be
    told apart.
    """
    check_bytes(data, name)
    if data.startswith(_JPEG):
        return b"".join(_parts_of_jpeg(data))
    if data.startswith(_PNG):
        return b"".join(_parts_of_png(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        parts = b"".join(_parts_of_webp(data))
        return b"RIFF" + (len(parts) + 4).to_bytes(4, "little") + b"WEBP" + parts
    if data.startswith(_GIF):
        return b"".join(_parts_of_gif(data))
    if data.startswith(_TIFF):
        return _tiff(data, name)
    return data


def _exif(data: bytes) -> bytes:
    """The EXIF block without places; one that can't be read keeps its orientation only."""
    changed = bytearray(data)
    try:
        remove_location(changed)
    except Unreadable:
        return only_orientation(data)
    return bytes(changed)


def _tiff(data: bytes, name: str) -> bytes:
    changed = bytearray(data)
    try:
        remove_location(changed)
    except Unreadable as error:
        raise DamagedImage(
            f"{name} is corrupted: where its location is can't be told, so it can't be removed. "
            "Save the image again with another program."
        ) from error
    return bytes(changed)


# --- JPEG -----------------------------------------------------------------------------------


def _parts_of_jpeg(data: bytes) -> Iterator[bytes]:
    """What stays of the first image; what follows it is another image, or a film."""
    yield data[:2]
    at = 2
    while found := _MARKER.search(data, at):
        marker = found[1][0]
        start, at = found.start(), found.end()
        if marker == 0xD9:
            yield data[start:at]
            return
        if marker in (0x01, 0xD8):
            continue
        at = start + 2 + max(2, int.from_bytes(data[at : at + 2], "big"))
        if marker == 0xDA:
            following = _MARKER.search(data, at)
            at = following.start() if following else len(data)
        yield _segment(marker, data[start:at])


def _segment(marker: int, segment: bytes) -> bytes:
    if not 0xE0 <= marker <= 0xEF:
        return segment
    if marker == 0xE1 and segment[4:].startswith(_EXIF[:5]):
        exif = _EXIF + _exif(segment[4 + len(_EXIF) :])
        return segment[:2] + (len(exif) + 2).to_bytes(2, "big") + exif
    is_kept = segment[4:].startswith(_KEPT_SEGMENTS.get(marker, ()))
    return segment if is_kept else b""


# --- PNG ------------------------------------------------------------------------------------


def _parts_of_png(data: bytes) -> Iterator[bytes]:
    yield _PNG
    at = len(_PNG)
    while at + 8 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind, content = data[at + 4 : at + 8], data[at + 8 : end - 4]
        if kind == b"eXIf":
            block = _exif(content.removeprefix(_EXIF))
            check = zlib.crc32(kind + block).to_bytes(4, "big")
            yield len(block).to_bytes(4, "big") + kind + block + check
        elif kind in _TEXTS:
            if not _PLACE.search(content[:80].partition(b"\0")[0]):
                yield data[at:end]
        elif kind in _KEPT_CHUNKS or kind[:1].isupper():
            yield data[at:end]
        if kind == b"IEND":
            return
        at = end


# --- WebP -----------------------------------------------------------------------------------


def _parts_of_webp(data: bytes) -> Iterator[bytes]:
    """The chunks that stay (RFC 9649, 2.3 and 2.7)."""
    whole = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    at = 12
    while at + 8 <= whole:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = min(whole, at + 8 + size + size % 2)
        kind = data[at : at + 4]
        if kind == b"EXIF":
            block = _exif(data[at + 8 : min(end, at + 8 + size)].removeprefix(_EXIF))
            yield kind + len(block).to_bytes(4, "little") + block + bytes(len(block) % 2)
        elif kind == b"VP8X" and end > at + 8:
            flags = bytes([data[at + 8] & ~_HAS_XMP])
            yield data[at : at + 8] + flags + data[at + 9 : end]
        elif kind in _KEPT_OF_WEBP:
            yield data[at:end]
        at = end


# --- GIF ------------------------------------------------------------------------------------


def _parts_of_gif(data: bytes) -> Iterator[bytes]:
    """The blocks that stay (GIF89a, 12 to 27). From where it is damaged on, nothing does."""
    at = 13 + _colors(data, 10)
    yield data[:at]
    while at < len(data):
        kind = data[at]
        if kind == 0x2C:
            end = _end_of_blocks(data, at + 11 + _colors(data, at + 9))
            yield data[at:end]
        elif kind == 0x21:
            end = _end_of_blocks(data, at + 2)
            is_application = data[at + 1 : at + 2] == b"\xff"
            if not is_application or data[at + 3 : at + 14] in _KEPT_OF_GIF:
                yield data[at:end]
        else:
            yield data[at : at + 1]
            return
        at = end


def _colors(data: bytes, at: int) -> int:
    """The bytes of a table of colors, whose flags are there."""
    flags = data[at] if at < len(data) else 0
    return 3 * 2 ** ((flags & 7) + 1) if flags & 0x80 else 0


def _end_of_blocks(data: bytes, at: int) -> int:
    while at < len(data) and data[at]:
        at += 1 + data[at]
    return at + 1
