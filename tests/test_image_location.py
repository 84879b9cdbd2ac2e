"""Image files without the place where they were taken: what goes, and that nothing else does."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from labeler import images
from labeler.errors import DamagedImage, LabelerError
from tests.fuzzing import changed, fuzzed
from tests.pictures import REAL, encoded, picture

GPS: Final = 0x8825
PLACE: Final = {1: "N", 2: (52.0, 31.0, 12.345), 3: "E", 4: (13.0, 24.0, 1.5), 29: "2026:11:29"}
IN_BYTES: Final = struct.pack(">II", 12345, 1000), struct.pack("<II", 12345, 1000)
"""The seconds of the latitude, as Pillow writes them."""
XMP: Final = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<exif:GPSLatitude>52,31.20575N</exif:GPSLatitude></x:xmpmeta><?xpacket end="w"?>'
)
IPTC: Final = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0c\x1c\x02\x5a\0\x07Potsdam"
SECRETS: Final = (*IN_BYTES, b"GPSLatitude", b"Potsdam")


def exif(orientation: int = 6) -> Image.Exif:
    """EXIF as phones write it, with a place, a time and a camera."""
    made = Image.Exif()
    made[271], made[272], made[274] = "Camera", "Model 7", orientation
    made[306] = "2026:11:29 12:00:00"
    made[GPS] = PLACE
    made[34665] = {33434: 0.01, 36867: "2026:11:29 12:00:00", 37500: b"maker Potsdam"}
    return made


def segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def chunk(kind: bytes, content: bytes) -> bytes:
    check = zlib.crc32(kind + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + kind + content + check


def jpeg_photo(**options: Any) -> bytes:
    """With XMP, IPTC, a second image and a film behind it, as phones and programs write them."""
    data = encoded(picture(), "JPEG", exif=exif(), xmp=XMP, dpi=(300, 300), **options)
    own = segment(0xED, IPTC) + segment(0xEB, b"JP\0\1Potsdam") + segment(0xE2, b"own\0Potsdam")
    film = b"\0\0\0\x18ftypmp42" + b"Potsdam"
    return data[:2] + own + data[2:] + encoded(picture(8, 8), "JPEG", exif=exif()) + film


def mpo_photo() -> bytes:
    second = picture().rotate(180)
    return encoded(
        picture(), "MPO", save_all=True, append_images=[second], exif=exif(), xmp=XMP, quality=95
    )


def png_photo() -> bytes:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Title", "a street")
    texts.add_text("exif:GPSLatitude", "52/1, 31/1")
    texts.add_text("Raw profile type iptc", "Potsdam", zip=True)
    texts.add_itxt("XML:com.adobe.xmp", XMP.decode())
    data = encoded(picture(), "PNG", exif=exif(), pnginfo=texts, dpi=(300, 300))
    return data[:-12] + chunk(b"caBX", b"Potsdam") + data[-12:] + b"Potsdam"


def webp_photo() -> bytes:
    data = encoded(picture(), "WEBP", lossless=True, exif=exif(), xmp=XMP)
    own = b"C2PA" + (8).to_bytes(4, "little") + b"Potsdam\0"
    whole = data[:4] + (len(data) - 8 + len(own)).to_bytes(4, "little") + data[8:] + own
    return whole + b"Potsdam"


def tiff_photo(**options: Any) -> bytes:
    geo = {33550: (1.0, 1.0, 0.0), 34737: "WGS 84 / Potsdam|", 700: XMP, 33723: IPTC}
    tags: Any = {number: value for number, value in exif().items() if number not in (GPS, 34665)}
    if "compression" not in options:  # libtiff writes no directory of GPS
        tags[GPS] = PLACE
    return encoded(picture(), "TIFF", tiffinfo={**tags, **geo}, **options)


def gif_photo() -> bytes:
    data = encoded(picture(), "GIF", save_all=True, append_images=[picture().rotate(90)], loop=0)
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1)
    own = b"\x21\xff\x0bXMP DataXMP" + XMP + b"\x01" + bytes(range(255, -1, -1)) + b"\0"
    return data[:at] + own + data[at:]


PHOTOS: Final[dict[str, Callable[[], bytes]]] = {
    "JPEG": jpeg_photo,
    "progressive JPEG": lambda: jpeg_photo(progressive=True),
    "MPO": mpo_photo,
    "PNG": png_photo,
    "WebP": webp_photo,
    "TIFF": tiff_photo,
    "packed TIFF": lambda: tiff_photo(compression="tiff_deflate"),
    "BigTIFF": lambda: tiff_photo(big_tiff=True),
    "GIF": gif_photo,
}


def frames(data: bytes) -> list[tuple[str, tuple[int, int], bytes]]:
    """The decoded pixels, frame by frame; of a JPEG those of the first image."""
    found = []
    with Image.open(io.BytesIO(data)) as image:
        count = 1 if image.format in ("JPEG", "MPO") else getattr(image, "n_frames", 1)
        for number in range(count):
            image.seek(number)
            found.append((image.mode, image.size, image.tobytes()))
    return found


def exif_of(data: bytes) -> dict[int, Any]:
    with Image.open(io.BytesIO(data)) as image:
        found = image.getexif()
        return {**found, **found.get_ifd(34665)}


@pytest.mark.parametrize("kind", PHOTOS)
def test_no_place_is_left_and_no_pixel_changes(kind: str) -> None:
    data = PHOTOS[kind]()
    assert any(secret in data for secret in SECRETS)
    given_out = images.without_location(data, name="a")
    assert [secret for secret in SECRETS if secret in given_out] == []
    assert frames(given_out) == frames(data)
    with Image.open(io.BytesIO(given_out)) as image, Image.open(io.BytesIO(data)) as before:
        assert image.getexif().get_ifd(GPS) == {}
        assert GPS not in image.getexif()
        assert image.getexif().get(274) == before.getexif().get(274)
        assert image.info.get("dpi") == before.info.get("dpi")
        assert image.info.get("loop") == before.info.get("loop")
    facts = [images.inspect(one, name="a", max_bytes=10**6, max_pixels=10**6)
             for one in (data, given_out)]  # fmt: skip
    assert (facts[0].width, facts[0].height) == (facts[1].width, facts[1].height)
    assert images.without_location(given_out, name="a") == given_out


@pytest.mark.parametrize(
    "kind", ["JPEG", "progressive JPEG", "MPO", "PNG", "WebP", "TIFF", "BigTIFF"]
)
def test_what_is_no_place_stays(kind: str) -> None:
    found = exif_of(images.without_location(PHOTOS[kind](), name="a"))
    assert (found[271], found[272], found[306]) == ("Camera", "Model 7", "2026:11:29 12:00:00")
    if kind not in ("TIFF", "BigTIFF"):
        assert found[36867] == "2026:11:29 12:00:00"
        assert found[274] == 6


def test_texts_of_a_png_stay_if_they_are_no_place() -> None:
    with Image.open(io.BytesIO(images.without_location(png_photo(), name="a"))) as image:
        image.load()
        assert image.info["Title"] == "a street"


_ALL: Final = ("1", "L", "P", "RGB", "RGBA", "CMYK", "I;16")
MODES: Final = {
    "JPEG": ("1", "L", "RGB", "CMYK"),
    "PNG": ("1", "L", "P", "RGB", "RGBA", "I;16"),
    "WEBP": _ALL,
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "GIF": ("1", "L", "P", "RGB", "RGBA", "I;16"),
    "TIFF": _ALL,
}
"""What Pillow writes as each type, converted where the type has no such mode."""


@pytest.mark.parametrize(
    ("kind", "mode"), [(kind, mode) for kind, modes in MODES.items() for mode in modes]
)
def test_a_file_without_a_place_stays_as_it_is(kind: str, mode: str) -> None:
    image = Image.new(mode, (64, 48), 700) if mode == "I;16" else picture().convert(mode)
    data = encoded(image, kind)
    assert images.without_location(data, name="a") == data


def test_a_damaged_exif_block_keeps_the_orientation_alone() -> None:
    block = bytearray(exif().tobytes()[6:])
    at = block.index(GPS.to_bytes(2, "big" if block[:2] == b"MM" else "little"))
    order = ">I" if block[:2] == b"MM" else "<I"
    struct.pack_into(order, block, at + 8, len(block) - 1)  # its directory is cut off
    plain = encoded(picture(), "JPEG")
    data = plain[:2] + segment(0xE1, b"Exif\0\0" + block) + plain[2:]
    given_out = images.without_location(data, name="a")
    assert dict(exif_of(given_out)) == {274: 6}
    assert [secret for secret in IN_BYTES if secret in given_out] == []
    for short in (b"Exif\0\0", b"Exif\0\0MM", b"Exif\0"):
        data = plain[:2] + segment(0xE1, short) + plain[2:]
        assert frames(images.without_location(data, name="a")) == frames(plain)


def test_a_tiff_whose_tags_run_in_a_circle_or_beyond_its_end_is_told() -> None:
    tags = struct.pack("<HHHIIHHIII", 2, 330, 4, 1, 8, 700, 1, 4, 0, 8)
    circle = b"II*\0" + struct.pack("<I", 8) + tags
    assert len(images.without_location(circle, name="a")) == len(circle)
    beyond = b"II*\0" + struct.pack("<IH", 8, 60_000)
    with pytest.raises(DamagedImage, match="its location is can't be told"):
        images.without_location(beyond, name="a")


def test_many_directories_and_tags_are_refused_and_not_walked() -> None:
    """Work in proportion to the bounds, whatever the file claims."""
    count = 3000
    deeper = b"".join(struct.pack("<I", 26 + 6 * number) for number in range(count))
    data = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 330, 4, count, 26 + 6 * count, 0)
    data += struct.pack("<HI", 0, 0) * count + deeper
    with pytest.raises(DamagedImage):
        images.without_location(data, name="a")


@fuzzed(200)
@given(changed(tuple(make() for make in PHOTOS.values())) | st.binary(max_size=200))
def test_any_bytes_give_a_file_or_an_error_of_ours(data: bytes) -> None:
    with contextlib.suppress(LabelerError):
        given_out = images.without_location(data, name="a")
        assert len(given_out) <= len(data) + 1  # an odd chunk of WebP is filled up
        with contextlib.suppress(LabelerError):
            info = images.inspect(given_out, name="a", max_bytes=10**6, max_pixels=10**6)
            assert info.width > 0


@pytest.mark.skipif(not REAL.exists(), reason="no real photos here")
def test_real_photos_keep_their_pixels() -> None:
    paths = [path for path in sorted(REAL.rglob("*")) if path.suffix.lower() in (".jpg", ".png")]
    assert paths
    for path in paths[:60]:
        _same_pixels(path)


def _same_pixels(path: Path) -> None:
    data = path.read_bytes()
    given_out = images.without_location(data, name=path.name)
    assert frames(given_out) == frames(data), path
    before, after = exif_of(data), exif_of(given_out)
    assert after.get(274) == before.get(274)
    assert GPS not in after
