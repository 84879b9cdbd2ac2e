"""The inspection of uploads, and copies for display, by Pillow's decoders. Pure."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

from PIL import Image, UnidentifiedImageError

from labeler.errors import DamagedImage, ImageTooLarge, NotAnImage
from labeler.image_names import unsupported_kind
from labeler.image_work import check_bytes, check_strips, webp_size
from labeler.images.pixels import WIDE_MODES, eight_bit, resized, turn_upright

MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
}
SUPPORTED: Final = "JPEG, PNG, WebP, BMP, GIF and TIFF"
_DECODERS: Final = tuple(name for name in MEDIA_TYPES if name != "MPO")
"""Pillow opens MPO, a JPEG with more images behind it, as a JPEG, so it has no opener here."""
_ORIENTATION_TAG: Final = 0x0112

# Every exception of Pillow's decoders on hostile bytes. MemoryError is not one of them.
_DECODE_ERRORS: Final = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    AttributeError, AssertionError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip

T = TypeVar("T")

Permit = Callable[[int, int], None]
"""Called before anything is decoded: with the image's pixels, and with how many of them are held in
memory at once. Those are far fewer where a JPEG is decoded to a smaller copy."""

_WEBP_PIXELS: Final = 50_000_000
"""Above this, half the limit applies: WebP's decoder takes 16 bytes per pixel, others at most 8."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_END_OF_JPEG: Final = b"\xff\xd9"
_TEXT_CHUNKS: Final = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")

# The limit is the caller's (LABELER_MAX_PIXELS) and is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """The facts of an image file: pixels as displayed, `size` in bytes, `md5` in hex."""

    width: int
    height: int
    size: int
    md5: str
    media_type: str
    orientation: int


def load_decoders() -> None:
    """Load what the first image of each type would load."""
    Image.init()


def permit_all(pixels: int, held: int) -> None:
    """The permit of those who decode one image after another."""


def inspect(
    data: bytes, *, name: str, max_bytes: int, max_pixels: int, permit: Permit = permit_all
) -> ImageInfo:
    """The facts of the image in `data`, after decoding it to the end.

    `name` is for messages only; the bytes decide the type, never the name's extension.
    Raises ImageTooLarge before anything is decoded, NotAnImage for other types, and DamagedImage
    if the decoder stops.
    """
    if not data:
        raise NotAnImage(f"{name} is empty. Choose the file again, or export it anew.")
    check_size(len(data), name=name, max_bytes=max_bytes)
    return _with_repair(
        lambda decoded: _inspected(decoded, data, name, max_pixels, permit),
        data,
        lambda: _repaired(data, name, max_pixels, permit),
    )


def _with_repair(
    work: Callable[[bytes], T], data: bytes, repaired: Callable[[], bytes | None]
) -> T:
    """The result of `work` on the file, or on the repaired one if it is damaged."""
    try:
        return work(data)
    except DamagedImage:
        better = repaired()
        if better is None:
            raise
        return work(better)


def _inspected(
    decoded: bytes, data: bytes, name: str, max_pixels: int, permit: Permit
) -> ImageInfo:
    """The facts of the image in `data`; `decoded` has the same pixels."""
    _permit_webp(decoded, name, max_pixels, permit)
    image = _open(decoded, name)
    _check_pixels(image.size, name, max_pixels, is_webp=image.format == "WEBP")
    orientation = _orientation(image)
    width, height = image.size if _to_turn(image, orientation) < 5 else (image.height, image.width)
    pixels = image.width * image.height
    with _quiet():
        try:
            # Every byte is still read; the image in memory is an eighth as wide and high.
            image.draft("RGB", (max(1, image.width // 8), max(1, image.height // 8)))
            permit(pixels, _held(image, pixels))
            image.load()
        except _DECODE_ERRORS as error:
            raise DamagedImage(
                f"{name} is corrupted and can't be read to its end. Copy or export it again."
            ) from error
    return ImageInfo(
        width=width,
        height=height,
        size=len(data),
        md5=hashlib.md5(data).hexdigest(),
        media_type=MEDIA_TYPES[image.format or ""],
        orientation=orientation,
    )


def _held(image: Image.Image, pixels: int) -> int:
    """How many pixels are held at once as the image is decoded to its size of now."""
    if image.format == "WEBP":
        return 2 * pixels
    return pixels if image.info.get("progressive") else image.width * image.height


def check_size(size: int, *, name: str, max_bytes: int) -> None:
    """Raise ImageTooLarge if a file has more bytes than the limit."""
    if size > max_bytes:
        raise ImageTooLarge(
            f"{name} is {size / 2**20:.1f} MB; the limit is {max_bytes / 2**20:.0f} MB. "
            "Make it smaller, or ask an admin to raise LABELER_MAX_UPLOAD_MB."
        )


def _permit_webp(data: bytes, name: str, max_pixels: int, permit: Permit) -> None:
    """Have a WebP permitted before it is opened: Pillow makes room for all of it then."""
    size = webp_size(data)
    if size is not None:
        _check_pixels(size, name, max_pixels, is_webp=True)
        permit(size[0] * size[1], 2 * size[0] * size[1])


def _check_pixels(
    size: tuple[int, int], name: str, max_pixels: int, *, is_webp: bool = False
) -> None:
    """Raise ImageTooLarge if decoding would take more memory than `max_pixels` allows."""
    pixels = size[0] * size[1]
    more = ""
    if is_webp and pixels > _WEBP_PIXELS:
        max_pixels //= 2
        more = " as WebP, and twice as many as JPEG or PNG"
    if pixels > max_pixels:
        raise ImageTooLarge(
            f"{name} has {size[0]} x {size[1]} pixels; the limit is {max_pixels:,} in all{more}. "
            "Make it smaller, or ask an admin to raise LABELER_MAX_PIXELS."
        )


def display(
    data: bytes, *, name: str, width: int | None, max_pixels: int, permit: Permit = permit_all
) -> tuple[bytes | None, str]:
    """What `display_copy` gives, or None and the media type where the bytes themselves do."""
    return _with_repair(
        lambda decoded: _display(decoded, name, width, max_pixels, permit),
        data,
        lambda: _repaired(data, name, max_pixels, permit),
    )


def display_copy(
    data: bytes, *, name: str, width: int | None, max_pixels: int
) -> tuple[bytes, str] | None:
    """The image as displayed, at most `width` pixels wide, as bytes and media type.

    None if the original serves as it is: browsers show its type upright, and it is not wider than
    `width`. The copy is a JPEG, or a PNG if the image has transparent parts.
    Raises NotAnImage, DamagedImage, or ImageTooLarge for an image above the limits.
    """
    copy, media_type = display(data, name=name, width=width, max_pixels=max_pixels)
    return None if copy is None else (copy, media_type)


def _display(
    data: bytes, name: str, width: int | None, max_pixels: int, permit: Permit
) -> tuple[bytes | None, str]:
    try:
        _permit_webp(data, name, max_pixels, permit)
    except ImageTooLarge:
        if width is None:
            return None, MEDIA_TYPES["WEBP"]
        raise
    image = _open(data, name)
    orientation = _to_turn(image, _orientation(image))
    shown_width = image.width if orientation < 5 else image.height
    smaller = width is not None and width < shown_width
    upright = orientation == 1 or image.format in ("JPEG", "MPO")
    if not smaller and upright and image.format != "TIFF" and image.mode not in WIDE_MODES:
        return None, MEDIA_TYPES[image.format or ""]
    _check_pixels(image.size, name, max_pixels, is_webp=image.format == "WEBP")
    pixels = image.width * image.height
    with _quiet():
        try:
            if smaller and width is not None:
                scale = width / shown_width
                size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
                image.draft(None, size)
                permit(pixels, _held(image, pixels))
                picture = resized(image, size)
            else:
                permit(pixels, _held(image, pixels))
                picture = eight_bit(image, 1)
            picture = turn_upright(picture, orientation)
            buffer = io.BytesIO()
            if picture.mode == "RGBA":
                picture.save(buffer, "PNG", compress_level=3)
                return buffer.getvalue(), "image/png"
            picture.save(buffer, "JPEG", quality=92)
            return buffer.getvalue(), "image/jpeg"
        except _DECODE_ERRORS as error:
            raise DamagedImage(f"{name} is corrupted and can't be shown.") from error


# --- images with whole pixels and a fault around them ---------------------------------------


def _repaired(data: bytes, name: str, max_pixels: int, permit: Permit) -> bytes | None:
    """A file with the same pixels that can be decoded; None if there is no known repair.

    Two faults are repaired, since browsers show both: a PNG whose texts or color profile are larger
    than Pillow reads, and a JPEG without its end marker. Raises ImageTooLarge as `inspect` does.
    """
    if data.startswith(_PNG):
        return _without_texts(data)
    if data.startswith(_JPEG) and _END_OF_JPEG not in data[-2:]:
        with _quiet():
            return _with_end(data, name, max_pixels, permit)
    return None


def _without_texts(data: bytes) -> bytes:
    """The PNG without its texts and color profile (PNG specification, 5.3 and 11.3)."""
    kept = [_PNG]
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        if data[at + 4 : at + 8] not in _TEXT_CHUNKS:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def _with_end(data: bytes, name: str, max_pixels: int, permit: Permit) -> bytes | None:
    """The JPEG with its end marker, if nothing else is missing.

    The decoder fills missing pixels from the bytes that follow, so those bytes must not matter.
    """
    data = data.removesuffix(_END_OF_JPEG[:1])
    pixels = set()
    for filler in (b"", bytes(range(1, 251)) * 8, b"\xaa" * 2000):
        try:
            image = Image.open(io.BytesIO(data + filler + _END_OF_JPEG), formats=("JPEG",))
            _check_pixels(image.size, name, max_pixels)
            permit(image.width * image.height, image.width * image.height)
            image.load()
        except _DECODE_ERRORS:
            return None
        pixels.add(hashlib.md5(image.tobytes()).digest())
    return data + _END_OF_JPEG if len(pixels) == 1 else None


def _open(data: bytes, name: str) -> Image.Image:
    """The image with only its header read; ImageTooLarge if decoding needs too much work."""
    check_bytes(data, name)
    try:
        with _quiet():
            image = Image.open(io.BytesIO(data), formats=_DECODERS)
            if image.format == "TIFF":
                check_strips(image.tag_v2, len(data), name)  # type: ignore[attr-defined]
            return image
    except UnidentifiedImageError as error:
        raise _refusal(data, name) from error
    except _DECODE_ERRORS as error:
        raise DamagedImage(f"{name} is corrupted. Copy or export it again.") from error


def _refusal(data: bytes, name: str) -> NotAnImage | DamagedImage:
    """Why the bytes are refused, in words that help."""
    if data[:3] == b"\xff\xd8\xff" or data[:8] == b"\x89PNG\r\n\x1a\n" or data[:4] == b"GIF8":
        return DamagedImage(f"{name} is corrupted or cut off. Copy or export it again.")
    what = unsupported_kind(data)
    return NotAnImage(f"{name} is {what}. Supported: {SUPPORTED}.")


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 if there is none or it is invalid (EXIF 2.3, 4.6.4)."""
    try:
        if image.format == "TIFF":
            value = image.tag_v2.get(_ORIENTATION_TAG)  # type: ignore[attr-defined]
        else:
            # Not image.getexif(): it also reads XMP, which browsers ignore.
            exif = Image.Exif()
            with _quiet():
                exif.load(image.info.get("exif", b""))
                value = exif.get(_ORIENTATION_TAG)
    except _DECODE_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_turn(image: Image.Image, orientation: int) -> int:
    """The orientation that still has to be applied to the decoded pixels.

    Pillow applies a TIFF's orientation while decoding, and gives the rotated size from the start.
    """
    return 1 if image.format == "TIFF" else orientation


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence Pillow's warnings about odd metadata: only the pixels matter here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
