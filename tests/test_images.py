"""Names, IDs, what is taken and what is refused, and copies that show what people see."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import unicodedata
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from labeler import image_names, images
from labeler.errors import ImageTooLarge
from labeler.images import decoder, pixels
from labeler.settings import ImageIdStrategy
from labeler.storage import check_key
from tests.pictures import (
    REAL,
    TURNED_BACK,
    corners,
    encoded,
    oriented,
    picture,
    png,
    real_photos,
    same_colors,
)

KINDS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
WITH_EXIF = ("JPEG", "PNG", "WEBP", "TIFF")
MB = 2**20


def inspect(
    data: bytes, name: str = "x.png", max_bytes: int = 30 * MB, max_pixels: int = 10**8
) -> images.ImageInfo:
    return images.inspect(data, name=name, max_bytes=max_bytes, max_pixels=max_pixels)


def display_copy(data: bytes, width: int | None) -> tuple[bytes, str] | None:
    return images.display_copy(data, name="x", width=width, max_pixels=10**8)


def shown(data: bytes, width: int | None = None) -> bytes:
    """What a browser gets to show."""
    copy = display_copy(data, width)
    return copy[0] if copy else data


def size_of(data: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(data)) as image:
        return image.size


# --- names --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("street.jpg", "street.jpg"),
        ("../../etc/passwd.jpg", "passwd.jpg"),
        ("..\\..\\boot.ini.png", "boot.ini.png"),
        ("/srv/a b.png", "a b.png"),
        ("C:\\photos\\c.png", "c.png"),
        (".hidden.jpg", "hidden.jpg"),
        (" . .labeler", "labeler"),
        ("x.jpg. . ", "x.jpg"),
        ("..", "image"),
        ("", "image"),
        ("a/", "image"),
        ("\x00\x01\x1f\x7f\x85", "image"),
        ("a\r\nb\x00.jpg", "ab.jpg"),
        ("e\x00\u0301.jpg", "é.jpg"),
        ("e\u0301te\u0301.jpg", "été.jpg"),
        ("\ud800half\udfff.jpg", "?half?.jpg"),
        ("צילום רחוב.jpg", "צילום רחוב.jpg"),
        ("صورة شارع.jpg", "صورة شارع.jpg"),
        ("👩‍🚒🚒.png", "👩‍🚒🚒.png"),
        ('it\'s "5" <b>.png', 'it\'s "5" <b>.png'),
        ("%2e%2e%2fx.png", "%2e%2e%2fx.png"),
    ],
)
def test_a_name_is_made_safe(given_name: str, safe: str) -> None:
    assert image_names.safe_file_name(given_name) == safe


@given(st.text(st.characters() | st.sampled_from(". /\\\x00\u0301\u202e\ud800"), max_size=40))
@example(" . .labeler")
@example("e\x00\u0301")
@example("." * 300)
@example("\u3000.\u2028x")
def test_any_name_becomes_one_part_of_a_key(name: str) -> None:
    safe = image_names.safe_file_name(name)
    assert check_key(f"uploads/{safe}").count("/") == 1
    assert len(safe.encode()) <= image_names.MAX_NAME_BYTES
    assert unicodedata.is_normalized("NFC", safe)
    assert image_names.safe_file_name(safe) == safe


@pytest.mark.parametrize("letter", ["a", "é", "猫", "👩"])
def test_a_long_name_is_cut_and_stays_itself(letter: str) -> None:
    names = [letter * 300 + f"{end}.jpeg" for end in "12"]
    first, second = map(image_names.safe_file_name, names)
    assert first != second
    for safe in (first, second):
        assert 180 < len(safe.encode()) <= image_names.MAX_NAME_BYTES
        assert safe.startswith(letter * 10)
        assert safe.endswith(".jpeg")
        assert image_names.safe_file_name(safe) == safe


def test_a_long_name_without_an_extension_is_cut_too() -> None:
    for name in ("a" * 300, "a." + "b" * 300):
        assert len(image_names.safe_file_name(name)) <= image_names.MAX_NAME_BYTES


# --- image IDs ----------------------------------------------------------------------------


def test_the_id_by_name_and_size_is_the_one_of_the_format() -> None:
    name, data = "street_scene_001.jpg", bytes(245760)
    wanted = hashlib.md5(b"street_scene_001.jpg_245760").hexdigest()
    assert image_names.image_id(ImageIdStrategy.NAME_SIZE, name, data) == wanted
    assert image_names.name_size_id(name, len(data)) == wanted


def test_ids_by_content_do_not_know_the_name() -> None:
    data = png()
    for strategy, wanted in (
        (ImageIdStrategy.CONTENT, hashlib.md5(data).hexdigest()),
        (ImageIdStrategy.SHA256, hashlib.sha256(data).hexdigest()),
    ):
        assert image_names.image_id(strategy, "a.png", data) == wanted
        assert image_names.image_id(strategy, "b.png", data) == wanted


def test_uuids_differ_for_one_file() -> None:
    ids = {image_names.image_id(ImageIdStrategy.UUID, "a.png", b"x") for _ in range(100)}
    assert len(ids) == 100
    assert all(len(one) == 32 and one[12] == "4" for one in ids)


# --- what is taken ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_each_type_is_taken_whatever_its_name_says(kind: str) -> None:
    data = encoded(picture(64, 48), kind)
    info = inspect(data, name="lies.txt")
    assert (info.width, info.height, info.orientation) == (64, 48, 1)
    assert info.size == len(data)
    assert info.md5 == hashlib.md5(data).hexdigest()
    assert info.media_type == images.MEDIA_TYPES[kind]


def test_a_jpeg_with_more_images_behind_it_is_its_first() -> None:
    data = encoded(
        picture(64, 48), "MPO", save_all=True, append_images=[Image.new("RGB", (10, 10))]
    )
    info = inspect(data)
    assert (info.width, info.height, info.media_type) == (64, 48, "image/jpeg")


@pytest.mark.parametrize("kind", WITH_EXIF)
@pytest.mark.parametrize("orientation", TURNED_BACK)
def test_sizes_are_those_that_people_see(kind: str, orientation: int) -> None:
    info = inspect(oriented(kind, orientation, 64, 48))
    assert (info.width, info.height, info.orientation) == (64, 48, orientation)


@pytest.mark.parametrize("kind", WITH_EXIF)
@pytest.mark.parametrize("orientation", TURNED_BACK)
@pytest.mark.parametrize("width", [None, 32])
def test_copies_show_what_people_see(kind: str, orientation: int, width: int | None) -> None:
    data = shown(oriented(kind, orientation, 64, 48), width)
    if width is None and kind == "JPEG":
        # The file itself: browsers obey the orientation of a JPEG.
        assert data == oriented(kind, orientation, 64, 48)
        return
    assert size_of(data) == ((width or 64), 48 * (width or 64) // 64)
    assert same_colors(corners(data))
    with Image.open(io.BytesIO(data)) as image:
        assert image.getexif().get(0x0112, 1) == 1


@pytest.mark.parametrize("value", [0, 9, 65535])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_an_orientation_that_makes_no_sense_is_none(kind: str, value: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = value
    assert inspect(encoded(picture(), kind, exif=exif)).orientation == 1


def test_damaged_exif_is_none() -> None:
    data = encoded(picture(64, 48), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xffgarbage")
    info = inspect(data)
    assert (info.width, info.height, info.orientation) == (64, 48, 1)


def every_mode() -> dict[str, bytes]:
    """Files with pixels in every form that people come with; white at the left, black right."""
    gray = Image.new("L", (64, 48))
    gray.paste(255, (0, 0, 32, 48))
    wide = gray.convert("I").point(lambda value: value * 257)
    real = gray.convert("F").point(lambda value: value * 0.01 - 2.5)
    palette = gray.convert("P")
    rgb = gray.convert("RGB")
    return {
        "1-bit PNG": encoded(gray.convert("1")),
        "gray PNG": encoded(gray),
        "gray PNG with transparency": encoded(gray.convert("LA")),
        "16-bit PNG": encoded(wide.convert("I;16")),
        "16-bit TIFF": encoded(wide.convert("I;16"), "TIFF"),
        "big-endian 16-bit TIFF": encoded(wide.convert("I;16B"), "TIFF"),
        "32-bit TIFF": encoded(wide, "TIFF"),
        "float TIFF": encoded(real, "TIFF"),
        "palette PNG": encoded(palette),
        "palette PNG with transparency": encoded(palette, transparency=7),
        "RGB PNG with a transparent color": encoded(rgb, transparency=(7, 7, 7)),
        "RGBA WebP": encoded(rgb.convert("RGBA"), "WEBP"),
        "RGBA TIFF": encoded(rgb.convert("RGBA"), "TIFF"),
        "CMYK JPEG": encoded(rgb.convert("CMYK"), "JPEG"),
        "CMYK TIFF": encoded(rgb.convert("CMYK"), "TIFF"),
        "packed TIFF": encoded(rgb, "TIFF", compression="tiff_lzw"),
        "TIFF packed as JPEG": encoded(rgb, "TIFF", compression="jpeg"),
        "progressive JPEG": encoded(gray, "JPEG", progressive=True),
        "palette BMP": encoded(palette, "BMP"),
        "animated GIF": encoded(
            palette, "GIF", save_all=True, append_images=[Image.new("P", (64, 48), 9)]
        ),
        "animated WebP": encoded(
            rgb, "WEBP", save_all=True, append_images=[Image.new("RGB", (64, 48), "red")]
        ),
        "animated PNG": encoded(
            rgb, "PNG", save_all=True, append_images=[Image.new("RGB", (64, 48), "red")]
        ),
    }


@pytest.mark.parametrize("mode", every_mode())
@pytest.mark.parametrize("width", [None, 32])
def test_every_form_of_pixels_is_taken_and_shown(mode: str, width: int | None) -> None:
    data = every_mode()[mode]
    info = inspect(data)
    assert (info.width, info.height) == (64, 48)
    copy = shown(data, width)
    assert size_of(copy) == ((64, 48) if width is None else (32, 24))
    white, black = (255, 255, 255), (0, 0, 0)
    assert same_colors(corners(copy), (white, black, white, black))


@pytest.mark.parametrize("mode", [mode for mode in every_mode() if "TIFF" in mode])
def test_a_tiff_is_shown_as_what_browsers_know(mode: str) -> None:
    copy = display_copy(every_mode()[mode], None)
    assert copy is not None
    assert copy[1] == ("image/png" if "RGBA" in mode else "image/jpeg")
    assert inspect(copy[0]).media_type == copy[1]


def test_transparent_parts_stay_transparent() -> None:
    image = picture().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize((64, 48)))
    copy = display_copy(encoded(image), 32)
    assert copy is not None
    assert copy[1] == "image/png"
    with Image.open(io.BytesIO(copy[0])) as small:
        alpha = small.getchannel("A").getextrema()
    assert alpha[0] != alpha[1]


def test_a_float_image_of_one_value_is_shown() -> None:
    assert size_of(shown(encoded(Image.new("F", (8, 6), 3.25), "TIFF"))) == (8, 6)


def test_an_image_is_never_enlarged() -> None:
    for kind in KINDS:
        data = encoded(picture(64, 48), kind)
        assert size_of(shown(data, 1000)) == (64, 48)
        assert size_of(shown(data, 64)) == (64, 48)


@given(
    width=st.integers(1, 300), height=st.integers(1, 300), wanted=st.integers(1, 300),
    orientation=st.sampled_from(sorted(TURNED_BACK)), kind=st.sampled_from(["JPEG", "PNG"]),
)  # fmt: skip
def test_a_copy_has_the_width_asked_for_and_the_shape(
    width: int, height: int, wanted: int, orientation: int, kind: str
) -> None:
    data = oriented(kind, orientation, width, height)
    copy = display_copy(data, wanted)
    if copy is None:
        return
    found_width, found_height = size_of(copy[0])
    assert found_width == min(wanted, width)
    assert abs(found_height - height * found_width / width) <= 1


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "P", "I;16", "F"])
@pytest.mark.parametrize("width", [7, 100, 333, 1000])
def test_a_copy_made_strip_by_strip_is_the_copy_of_the_whole(
    mode: str, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = Image.linear_gradient("L").resize((1001, 777))
    data = {
        "RGBA": lambda: encoded(Image.merge("RGBA", (image, image, image.rotate(90), image))),
        "RGB": lambda: encoded(Image.merge("RGB", (image, image.rotate(90), image)), "TIFF"),
        "P": lambda: encoded(image.convert("P"), transparency=3),
        "I;16": lambda: encoded(image.convert("I").point(lambda v: v * 256).convert("I;16")),
        "F": lambda: encoded(image.convert("F"), "TIFF"),
    }[mode]()
    whole = shown(data, width)
    monkeypatch.setattr(pixels, "_STRIP_PIXELS", 5000)
    assert shown(data, width) == whole
    assert size_of(whole) == (width, round(777 * width / 1001))


PEAK = """
import resource, sys
from labeler import images
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
data = sys.stdin.buffer.read()
before = peak()
images.display_copy(data, name="x", width=int(sys.argv[1]), max_pixels=10**8)
print((peak() - before) // 25_000_000)
"""


@pytest.mark.parametrize("mode", ["RGBA", "RGB", "I;16"])
@pytest.mark.parametrize("width", [600, 4000])
def test_a_copy_takes_at_most_nine_bytes_a_pixel(mode: str, width: int) -> None:
    """A large image must not take all the memory that an instance has."""
    data = encoded(Image.new(mode, (5000, 5000)), compress_level=1)
    command = [sys.executable, "-c", PEAK, str(width)]
    taken = subprocess.run(command, input=data, capture_output=True, check=True)
    assert int(taken.stdout) <= 9


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_may_not_be_decoded_is_not_even_for_a_copy(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(Image.new("RGB", (32, 32)), kind)
    copy = partial(images.display_copy, data, name="x")
    assert copy(width=16, max_pixels=1024) is not None
    assert copy(width=None, max_pixels=9) is None
    with pytest.raises(ImageTooLarge, match="LABELER_MAX_PIXELS"):
        copy(width=16, max_pixels=1023)
    monkeypatch.setattr(decoder, "_WEBP_PIXELS", 1023)
    most = 2048 if kind == "WEBP" else 1024
    assert copy(width=16, max_pixels=most) is not None
    assert inspect(data, max_pixels=most)
    with pytest.raises(ImageTooLarge):
        copy(width=16, max_pixels=most - 1)
    with pytest.raises(ImageTooLarge):
        inspect(data, max_pixels=most - 1)


# --- real photos --------------------------------------------------------------------------

needs_photos = pytest.mark.skipif(not REAL.exists(), reason="no real photos beside the repository")


@needs_photos
@pytest.mark.parametrize("path", real_photos("exif_orientation"), ids=lambda path: path.stem)
def test_real_photos_stand_upright(path: Path) -> None:
    data = path.read_bytes()
    info = inspect(data)
    assert info.orientation == int(path.stem[-1])
    assert (info.width > info.height) == path.stem.startswith("Landscape")
    small_width, small_height = size_of(shown(data, 300))
    assert small_width == 300
    assert abs(small_height - 300 * info.height / info.width) <= 1


@needs_photos
def test_real_photos_have_the_sizes_that_their_dataset_says() -> None:
    listed = json.loads((REAL / "coco_cc60" / "instances.json").read_text())["images"]
    assert len(listed) == 60
    for entry in listed:
        info = inspect((REAL / "coco_cc60" / "images" / entry["file_name"]).read_bytes())
        assert (info.width, info.height) == (entry["width"], entry["height"])
