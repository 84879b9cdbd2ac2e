"""Images that ask for more work than their pixels are worth are refused before it begins."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image

from labeler import images
from labeler.errors import ImageTooLarge
from labeler.image_work import MAX_PARTS, check_bytes
from tests.pictures import REAL, encoded, jpeg, picture, png, png_chunk

PHOTOS = sorted(path for path in REAL.rglob("*") if path.suffix in (".jpg", ".png"))
HUGE = struct.pack(">HH", 10_000, 10_000)
JPEG = jpeg(64, 48)
PNG = png()
PROGRESSIVE = encoded(picture(), "JPEG", progressive=True)
SCAN = PROGRESSIVE[PROGRESSIVE.rfind(b"\xff\xda") : -2]


def inspect(data: bytes) -> images.ImageInfo:
    return images.inspect(data, name="x", max_bytes=2**28, max_pixels=10**8)


def of_size(data: bytes, size: bytes) -> bytes:
    """The JPEG with another height and width in its frame."""
    at = max(data.find(b"\xff\xc0"), data.find(b"\xff\xc2")) + 5
    return data[:at] + size + data[at + 4 :]


def tiff(strips: int, size: int = 1, rows: int = 1) -> bytes:
    """A TIFF of one pixel per row whose strips are all the same bytes."""
    behind = 8 + strips * 8 + size
    entries = [
        (256, 1, 1), (257, 1, strips * rows), (258, 1, 8), (259, 1, 1), (262, 1, 1),
        (273, strips, 8), (277, 1, 1), (278, 1, rows), (279, strips, 8 + strips * 4),
    ]  # fmt: skip
    directory = b"".join(
        struct.pack("<HHII", tag, 4, count, value) for tag, count, value in entries
    )
    where = struct.pack("<I", 8 + strips * 8)
    lists = where * strips + struct.pack("<I", size) * strips
    head = b"II*\0" + struct.pack("<I", behind)
    return head + lists + bytes(size) + struct.pack("<H", len(entries)) + directory + bytes(4)


WORST = {
    "scans over large pixels": of_size(encoded(picture(), "JPEG", progressive=True), HUGE)[:-2]
    + SCAN * 3000,
    "markers": JPEG[:2] + b"\xff\xfe\0\2" * (MAX_PARTS + 1) + JPEG[2:],
    "empty bytes before a marker": JPEG[:2] + b"\xff" * 10**6 + JPEG[2:],
    "empty bytes before many markers": JPEG[:2] + (b"\xff" * 500 + b"\xfe\0\2") * 500 + JPEG[2:],
    "chunks": PNG[:33] + png_chunk(b"teSt", b"") * (MAX_PARTS + 1) + PNG[33:],
    "empty pieces of pixels": PNG[:33] + png_chunk(b"IDAT", b"") * (MAX_PARTS + 1) + PNG[33:],
    "strips": tiff(MAX_PARTS + 1),
    "the same strip": tiff(400, 100_000, 100_000),
}


@pytest.mark.parametrize("data", WORST.values(), ids=WORST)
def test_what_is_too_much_work_is_refused_before_it_is_decoded(
    data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(image: Image.Image) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(ImageTooLarge, match=r"^x was rejected: .*too long\. Save it again"):
        inspect(data)
    with pytest.raises(ImageTooLarge, match="too long"):
        images.display_copy(data, name="x", width=10, max_pixels=10**8)


NOT_MUCH = {
    "a progressive picture": PROGRESSIVE,
    "large metadata full of one byte": (
        JPEG[:2] + (b"\xff\xed\xff\xff" + b"\xff" * 65_533) * 20 + JPEG[2:]
    ),
    "scans over few pixels": PROGRESSIVE[:-2] + SCAN * 300 + PROGRESSIVE[-2:],
    "what a phone appends": JPEG + b"\xff\xda" * 10**5,
    "zeros behind a PNG": PNG + bytes(10**6),
    "many strips": tiff(1000),
}


@pytest.mark.parametrize("data", NOT_MUCH.values(), ids=NOT_MUCH)
def test_what_is_odd_and_little_work_is_accepted(data: bytes) -> None:
    assert inspect(data)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "GIF", "WEBP", "BMP"])
def test_a_large_image_of_each_kind_is_accepted(kind: str) -> None:
    assert inspect(encoded(picture(3000, 2000), kind)).width == 3000


@pytest.mark.skipif(not PHOTOS, reason="no real photos beside the repository")
def test_real_photos_are_little_work() -> None:
    def check(path: Path) -> None:
        check_bytes(path.read_bytes(), path.name)

    for path in PHOTOS:
        check(path)
