"""Images for tests: real files of every supported type, made on the spot."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image

REAL = Path(__file__).parents[2] / "shared" / "data"
"""Real photos, where somebody put them beside the repository."""

CORNERS = ((255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255))
"""Top left, top right, bottom left, bottom right: no two ways to turn it look the same."""

TURNED_BACK = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""By EXIF orientation: what a camera held that way does to the image as people see it."""


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """An image with a color in each quarter."""
    image = Image.new("RGB", (width, height))
    for index, color in enumerate(CORNERS):
        left, top = index % 2 * (width // 2), index // 2 * (height // 2)
        image.paste(color, (left, top, left + width - width // 2, top + height - height // 2))
    return image


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file of that type, as Pillow names it."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def png(width: int = 64, height: int = 48) -> bytes:
    return encoded(picture(width, height))


def jpeg(width: int = 64, height: int = 48) -> bytes:
    return encoded(picture(width, height), "JPEG", quality=95)


def oriented(kind: str, orientation: int, width: int = 64, height: int = 48) -> bytes:
    """A file that shows `picture(width, height)` if its orientation is obeyed."""
    image = picture(width, height)
    turn = TURNED_BACK[orientation]
    stored = image if turn is None else image.transpose(turn)
    if kind == "TIFF":
        return encoded(stored, kind, tiffinfo={0x0112: orientation})
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    if kind == "JPEG":
        options = {"quality": 95, "subsampling": 0}
    return encoded(stored, kind, exif=exif, **options)


def corners(data: bytes) -> list[tuple[int, ...]]:
    """The colors in the middle of the four quarters of an encoded image."""
    with Image.open(io.BytesIO(data)) as image:
        shown = image.convert("RGB")
    across, down = shown.width // 4, shown.height // 4
    places = [(x, y) for y in (down, 3 * down) for x in (across, 3 * across)]
    found = [shown.getpixel(place) for place in places]
    return [color for color in found if isinstance(color, tuple)]


def same_colors(found: list[tuple[int, ...]], wanted: Any = CORNERS) -> bool:
    """Equal but for what JPEG does to colors."""
    return all(
        abs(a - b) < 32
        for one, other in zip(found, wanted, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def same_size(width: int = 64, height: int = 48) -> tuple[bytes, bytes]:
    """Two images in as many bytes."""
    one, other = (encoded(picture(width, height).rotate(turn), "BMP") for turn in (0, 180))
    assert len(one) == len(other)
    assert one != other
    return one, other


def png_chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)


def png_claiming(width: int, height: int) -> bytes:
    """A small, well-formed PNG whose header claims any size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 + 3 * 100) * 10)
    parts = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(kind, data) for kind, data in parts)


def real_photos(folder: str) -> list[Path]:
    """The photos of one real dataset; none where it is not there."""
    return sorted((REAL / folder).rglob("*.jpg"))
