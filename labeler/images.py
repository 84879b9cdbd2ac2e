"""Image files: inspection of uploads, and copies for display. Pure."""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
import zlib
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from labeler.errors import DamagedImage, ImageTooLarge, NotAnImage
from labeler.gray_levels import gray_range
from labeler.image_names import kind_not_taken
from labeler.image_work import check_bytes, check_strips, webp_size

MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
}
TAKEN: Final = "JPEG, PNG, WebP, BMP, GIF and TIFF"
_DECODERS: Final = tuple(name for name in MEDIA_TYPES if name != "MPO")
"""Pillow opens MPO, a JPEG with more images behind it, as a JPEG, so it has no opener here."""
_ORIENTATION_TAG: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition of stored pixels for each EXIF orientation."""

# Every exception of Pillow's decoders on hostile bytes. MemoryError is not one of them.
_DECODE_ERRORS: Final = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    AttributeError, AssertionError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip

Permit = Callable[[int, int], None]
"""Called before anything is decoded: with the image's pixels, and with how many of them are held in
memory at once. Those are far fewer where a JPEG is decoded to a smaller copy."""

_WEBP_PIXELS: Final = 50_000_000
"""Above this, half the limit applies: WebP's decoder takes 16 bytes per pixel, others at most 8."""
_WIDE: Final = frozenset({"I", "I;16", "I;16L", "I;16B", "I;16N", "F"})
"""Modes with values beyond 255."""
_SAMPLE: Final = 512
_PHOTOMETRIC: Final = 262
_NO_DATA: Final = 42113
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_JPEG: Final = b"\xff\xd8\xff"
_END_OF_JPEG: Final = b"\xff\xd9"
_TEXT_CHUNKS: Final = (b"tEXt", b"zTXt", b"iTXt", b"iCCP")
_STRIP_PIXELS: Final = 2**20
_GAP: Final = 3

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
    try:
        return _inspected(data, data, name, max_pixels, permit)
    except DamagedImage:
        repaired = _repaired(data, name, max_pixels, permit)
        if repaired is None:
            raise
        return _inspected(repaired, data, name, max_pixels, permit)


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
                f"{name} is damaged and can't be read to its end. Copy or export it again."
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
            f"{name} has {size / 2**20:.1f} MB; at most {max_bytes / 2**20:.0f} MB are "
            "taken. Make it smaller, or ask an admin to raise LABELER_MAX_UPLOAD_MB."
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
            f"{name} has {size[0]} x {size[1]} pixels; at most {max_pixels:,} in all are "
            f"taken{more}. Make it smaller, or ask an admin to raise LABELER_MAX_PIXELS."
        )


def display(
    data: bytes, *, name: str, width: int | None, max_pixels: int, permit: Permit = permit_all
) -> tuple[bytes | None, str]:
    """What `display_copy` gives, or None and the media type where the bytes themselves do."""
    try:
        return _display(data, name, width, max_pixels, permit)
    except DamagedImage:
        repaired = _repaired(data, name, max_pixels, permit)
        if repaired is None:
            raise
        return _display(repaired, name, width, max_pixels, permit)


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
    if not smaller and upright and image.format != "TIFF" and image.mode not in _WIDE:
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
                picture = _resized(image, size)
            else:
                permit(pixels, _held(image, pixels))
                picture = _eight_bit(image, 1)
            picture = _upright(picture, orientation)
            buffer = io.BytesIO()
            if picture.mode == "RGBA":
                picture.save(buffer, "PNG", compress_level=3)
                return buffer.getvalue(), "image/png"
            picture.save(buffer, "JPEG", quality=92)
            return buffer.getvalue(), "image/jpeg"
        except _DECODE_ERRORS as error:
            raise DamagedImage(f"{name} is damaged and can't be shown.") from error


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
        raise _not_taken(data, name) from error
    except _DECODE_ERRORS as error:
        raise DamagedImage(f"{name} is corrupted. Copy or export it again.") from error


def _not_taken(data: bytes, name: str) -> NotAnImage | DamagedImage:
    """Why the bytes are refused, in words that help."""
    if data[:3] == b"\xff\xd8\xff" or data[:8] == b"\x89PNG\r\n\x1a\n" or data[:4] == b"GIF8":
        return DamagedImage(f"{name} is damaged or cut off. Copy or export it again.")
    what = kind_not_taken(data)
    return NotAnImage(f"{name} was not taken: it is {what}. Labeler takes {TAKEN}.")


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


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    turned = image if turn is None else image.transpose(turn)
    turned.info = {}  # otherwise its orientation would be saved and applied again
    return turned


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The first frame in a smaller size, as L, RGB or RGBA."""
    image.load()
    # Lanczos reads three pixels for each: averaging the rest before makes no visible difference.
    factor = max(1, min(image.width // size[0], image.height // size[1]) // _GAP)
    picture = _eight_bit(image, factor, "RGBa")
    if picture is not image:
        image.close()  # it takes as much memory as everything after it
    resized = picture.resize(size, Image.Resampling.LANCZOS)
    return resized.convert("RGBA") if resized.mode == "RGBa" else resized


def _eight_bit(image: Image.Image, factor: int, transparent: str = "RGBA") -> Image.Image:
    """The first frame as L, RGB or `transparent`, `factor` times smaller each way.

    Strip by strip: converting the whole image takes its memory several times over.
    """
    image.load()
    if image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image.reduce(factor) if factor > 1 else image
    bounds = _bounds(image) if image.mode in _WIDE else (0.0, 1.0)
    whole: Image.Image | None = None
    height = factor * max(1, _STRIP_PIXELS // (image.width * factor))
    for top in range(0, image.height, height):
        strip = image.crop((0, top, image.width, min(top + height, image.height)))
        part = _strip(strip, bounds, transparent)
        if factor > 1:
            part = part.reduce(factor)
        if whole is None:
            whole = Image.new(part.mode, (part.width, -(-image.height // factor)))
        whole.paste(part, (0, top // factor))
    if whole is None:
        raise ValueError("an image without rows")
    return whole


def _bounds(image: Image.Image) -> tuple[float, float]:
    """The values shown as black and as white, from a sample of the pixels."""
    size = min(image.width, _SAMPLE), min(image.height, _SAMPLE)
    sample = image.resize(size, Image.Resampling.NEAREST)
    numbers: array[float] | array[int]
    if sample.mode == "F":
        numbers = array("f", sample.tobytes())
    else:
        numbers = array("i", sample.convert("I").tobytes())
    black, white = gray_range(numbers, _missing(image))
    tags = getattr(image, "tag_v2", {})
    return (white, black) if tags.get(_PHOTOMETRIC) == 0 else (black, white)


def _missing(image: Image.Image) -> float | None:
    """The value that GDAL's tag names for pixels without data."""
    try:
        return float(str(getattr(image, "tag_v2", {}).get(_NO_DATA)).strip("\0 "))
    except ValueError:
        return None


def _strip(image: Image.Image, bounds: Any, transparent: str) -> Image.Image:
    """Some rows as L, RGB or `transparent`; `bounds` are the values of black and white."""
    if image.mode in _WIDE:
        black, white = bounds
        scale = 255 / (white - black)
        wide = image if image.mode == "F" else image.convert("I")
        return wide.point(lambda value: value * scale + (-black * scale)).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA").convert(transparent)
    return image.convert("RGB")
