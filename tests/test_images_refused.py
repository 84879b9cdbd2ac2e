"""Images that are refused: what is none, what is damaged, what is too large."""

from __future__ import annotations

import contextlib
import hashlib
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from labeler import images
from labeler.errors import DamagedImage, ImageTooLarge, LabelerError, NotAnImage
from tests.pictures import (
    encoded,
    picture,
    png,
    png_chunk,
    png_claiming,
)

KINDS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
MB = 2**20


def inspect(
    data: bytes, name: str = "x.png", max_bytes: int = 30 * MB, max_pixels: int = 10**8
) -> images.ImageInfo:
    return images.inspect(data, name=name, max_bytes=max_bytes, max_pixels=max_pixels)


SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'
REFUSED = {
    "nothing": (b"", "empty"),
    "text": (b"just some words\n" * 40, "text file"),
    "an SVG": (SVG, "SVG"),
    "an SVG behind a byte order mark": (b"\xef\xbb\xbf" + SVG, "SVG"),
    "a web page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "web page"),
    "a web page without a doctype": (b"<HTML><img src=x></HTML>", "web page"),
    "a HEIC photo": (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(400), "HEIC"),
    "an AVIF photo": (b"\0\0\0\x20ftypavif\0\0\0\0avifmif1" + bytes(400), "AVIF"),
    "a PDF": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(99), "PDF"),
    "a program": (b"\x7fELF\x02\x01\x01" + bytes(600), "not an image"),
    "an archive": (b"PK\x03\x04" + bytes(600), "not an image"),
    "JSON": (b'{"rects": []}', "text file"),
    "PostScript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "text file"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_an_image_is_refused_by_name(what: str) -> None:
    data, told = REFUSED[what]
    with pytest.raises(NotAnImage, match=told) as raised:
        inspect(data, name="street.png")
    assert "street.png" in raised.value.message


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_file_that_was_cut_off_is_refused(kind: str, part: float) -> None:
    noisy = Image.effect_noise((120, 90), 80).convert("RGB")
    data = encoded(noisy, kind)
    with pytest.raises(DamagedImage, match=r"half\.png"):
        inspect(data[: int(len(data) * part)], name="half.png")


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*"])
def test_a_tiff_that_no_decoder_reads_is_called_one(start: bytes) -> None:
    with pytest.raises(NotAnImage, match=r"a TIFF that is cut off, or whose bands"):
        inspect(start + b"\0\0\0\x08" + bytes(40))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF"])
@pytest.mark.parametrize("length", [8, 12, 20])
def test_a_file_of_a_few_bytes_is_called_damaged(kind: str, length: int) -> None:
    with pytest.raises(DamagedImage):
        inspect(encoded(picture(), kind)[:length])


def test_a_wrong_checksum_within_is_damage() -> None:
    data = bytearray(png())
    place = data.index(b"IDAT") + 8
    data[place] ^= 0xFF
    with pytest.raises(DamagedImage):
        inspect(bytes(data))
    with pytest.raises(DamagedImage):
        images.display_copy(bytes(data), name="x", width=9, max_pixels=10**8)


def test_a_png_that_claims_a_huge_size_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(ImageTooLarge, match="50000 x 50000"):
        inspect(png_claiming(50000, 50000))


def test_the_png_that_claims_is_well_formed() -> None:
    """Proves that the one above is refused for its size alone."""
    info = inspect(png_claiming(100, 10))
    assert (info.width, info.height) == (100, 10)


def test_text_within_a_png_that_unpacks_without_end_is_not_unpacked() -> None:
    bomb = b"Comment\0\0" + zlib.compress(bytes(80 * MB), 9)
    data = png()
    at = data.index(b"IDAT") - 4
    tracemalloc.start()
    info = inspect(data[:at] + png_chunk(b"zTXt", bomb) + data[at:])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (info.width, info.height) == (64, 48)
    assert most < 8 * MB


@pytest.mark.parametrize("kind", KINDS)
def test_too_many_pixels_are_refused(kind: str) -> None:
    data = encoded(picture(64, 48), kind)
    assert inspect(data, max_pixels=64 * 48).width == 64
    with pytest.raises(ImageTooLarge, match="LABELER_MAX_PIXELS"):
        inspect(data, max_pixels=64 * 48 - 1)


def test_too_many_bytes_are_refused() -> None:
    data = png() + bytes(31 * MB)
    with pytest.raises(ImageTooLarge, match=r"31\.0 MB; the limit is 30 MB.*LABELER_MAX_UPLOAD_MB"):
        inspect(data)
    with pytest.raises(ImageTooLarge):
        images.check_size(31 * MB, name="x", max_bytes=30 * MB)
    images.check_size(30 * MB, name="x", max_bytes=30 * MB)


@given(
    kind=st.sampled_from(KINDS),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
    end=st.floats(0.2, 1),
)
def test_hostile_bytes_are_accepted_or_refused_never_more(
    kind: str, changes: list[tuple[float, int]], end: float
) -> None:
    """Whatever stands in a file, its sender gets an image or a message."""
    data = bytearray(encoded(picture(40, 30), kind))
    for place, value in changes:
        data[int(place * len(data))] = value
    hostile = bytes(data[: max(1, int(end * len(data)))])
    with contextlib.suppress(LabelerError):
        inspect(hostile, max_pixels=10**6)
    with contextlib.suppress(LabelerError):
        images.display_copy(hostile, name="x", width=20, max_pixels=10**8)


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"iCCP"])
def test_a_png_with_much_text_is_accepted(kind: bytes) -> None:
    """Browsers show it: its pixels are whole."""
    packed = zlib.compress(bytes(3 * MB))
    text = {
        b"tEXt": b"Comment\0" + b"x" * (3 * MB), b"zTXt": b"Comment\0\0" + packed,
        b"iTXt": b"Comment\0\1\0\0\0" + packed, b"iCCP": b"profile\0\0" + packed,
    }[kind]  # fmt: skip
    data = png()
    at = data.index(b"IDAT") - 4
    whole = data[:at] + png_chunk(kind, text) + data[at:]
    info = inspect(whole)
    assert (info.width, info.height, info.size) == (64, 48, len(whole))
    assert info.md5 == hashlib.md5(whole).hexdigest()
    assert images.display_copy(whole, name="x", width=9, max_pixels=10**8)
    assert images.display(whole, name="x", width=64, max_pixels=10**8) == (None, "image/png")


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_lacks_its_end_marker_alone_is_accepted(progressive: bool) -> None:
    data = encoded(noise(200, 150), "JPEG", progressive=progressive)
    assert data.endswith(b"\xff\xd9")
    assert inspect(data[:-2]).width == inspect(data[:-1]).width == 200
    assert images.display_copy(data[:-2], name="x", width=50, max_pixels=10**8)
    for cut in (3, 10, 100, len(data) // 2):
        with pytest.raises(DamagedImage):
            inspect(data[:-cut])


def noise(width: int, height: int) -> Image.Image:
    return Image.effect_noise((width, height), 90).convert("RGB")
