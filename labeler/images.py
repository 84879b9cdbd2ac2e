"""Images: safe names, image IDs, inspection of uploads, and copies for display. Pure."""

from __future__ import annotations

import hashlib
import io
import re
import struct
import threading
import unicodedata
import uuid
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from PIL import Image, UnidentifiedImageError

from labeler.errors import DamagedImage, ImageTooLarge, NotAnImage
from labeler.settings import ImageIdStrategy

MEDIA_TYPES: Final = {
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "BMP": "image/bmp",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
}
EXTENSIONS: Final = (
    "jpg", "jpeg", "jpe", "jfif", "jif", "mpo", "png", "webp", "bmp", "gif", "tif", "tiff",
)  # fmt: skip
OTHER_EXTENSIONS: Final = frozenset({
    "heic", "heif", "avif", "jp2", "j2k", "jxl", "psd", "svg", "dng", "cr2", "cr3", "nef", "arw",
    "orf", "rw2", "raf", "exr", "hdr", "dcm", "pcx", "tga", "ppm", "pgm", "ico",
})  # fmt: skip
"""Of pictures that Labeler does not take: in a folder they are refused by name, not passed over."""
_BEGINNINGS: Final = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|BM.{4}\0\0\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP",
    re.DOTALL,
)
HEAD_BYTES: Final = 16
_ENDINGS: Final = tuple(f".{extension}" for extension in EXTENSIONS)
TAKEN: Final = "JPEG, PNG, WebP, BMP, GIF and TIFF"
_DECODERS: Final = tuple(name for name in MEDIA_TYPES if name != "MPO")
"""Pillow opens MPO, a JPEG with more pictures behind it, as a JPEG, and knows no such opener."""
MAX_NAME_BYTES: Final = 200
MAX_PATH_BYTES: Final = 700
"""An object's name has at most 1,024, of which prefixes take some."""
MAX_FOLDERS: Final = 20
_DRIVE: Final = re.compile("[A-Za-z]:")
_AROUND: Final = re.compile(r"^[\s.]+|[\s.]+$")
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
"""By EXIF orientation: what makes the stored pixels stand as displayed."""

# Every failure of Pillow's decoders on hostile bytes; a MemoryError is none of them.
_DECODE_ERRORS: Final = (
    OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError,
    AttributeError, AssertionError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip

# One picture is decoded at a time: 100 megapixels take 400 MB, and twice that as WebP.
_decoding = threading.Lock()
_WEBP_PIXELS: Final = 50_000_000
"""Above, half the limit counts: its decoder takes 16 bytes a pixel, all else at most 8."""
_STRIP_PIXELS: Final = 2**20
_GAP: Final = 3

# The limit is the caller's (LABELER_MAX_PIXELS) and is checked before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """What an image is: sizes in pixels as displayed, `size` in bytes, `md5` in hex."""

    width: int
    height: int
    size: int
    md5: str
    media_type: str
    orientation: int


def safe_file_name(name: str) -> str:
    """The base name in `name`, made safe for paths, in NFC, at most 200 bytes of UTF-8.

    Folders, control characters, and dots and white space around it go; a longer name is cut and
    marked with a digest of the whole, so that two long names stay two. Never empty; a name made
    here stays as it is.
    """
    text = name.encode("utf-8", "replace").decode("utf-8").replace("\\", "/").rsplit("/", 1)[-1]
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs"))
    # Normalised last of all: what stood apart may have come together.
    text = _AROUND.sub("", unicodedata.normalize("NFC", text)) or "image"
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    stem, dot, extension = text.rpartition(".")
    if not dot or len(extension.encode()) > 8:
        stem, dot, extension = text, "", ""
    tail = f"-{hashlib.md5(text.encode()).hexdigest()[:8]}{dot}{extension}"
    room = MAX_NAME_BYTES - len(tail.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip() + tail


def safe_path(path: str) -> str:
    """A relative path with `/` whose every part is safe, as `safe_file_name` makes it.

    Of an absolute path, on Windows too, the base name is left: its folders are another machine's.
    A path that leads up stays inside. At most 20 folders and 700 bytes are kept, the last ones.
    """
    text = path.replace("\\", "/")
    base = safe_file_name(text)
    if text.startswith("/") or _DRIVE.match(text):
        return base
    folders: list[str] = []
    for part in text.split("/")[:-1]:
        if part == "..":
            del folders[-1:]
        elif part.strip() not in ("", "."):
            folders.append(safe_file_name(part))
    folders = folders[-MAX_FOLDERS:]
    while folders and len("/".join((*folders, base)).encode()) > MAX_PATH_BYTES:
        del folders[0]
    return "/".join((*folders, base))


def is_image_name(name: str) -> bool:
    """Whether the name's extension is one of the pictures that are taken."""
    return name.lower().endswith(_ENDINGS)


def is_image_file(name: str, head: bytes) -> bool:
    """Whether a file of a folder or a zip is to be taken for a picture.

    It is one by its extension, also of a type that is not taken, which is then said; or, whatever
    its name, by its first bytes, of which `head` has HEAD_BYTES.
    """
    extension = name.lower().rpartition(".")[2]
    return (
        is_image_name(name) or extension in OTHER_EXTENSIONS or _BEGINNINGS.match(head) is not None
    )


def image_id(strategy: ImageIdStrategy, file_name: str, data: bytes) -> str:
    """The ID under which the document of this upload is kept: lower-case hex.

    `file_name` is safe already; its folders do not count. `uuid` gives another ID at every call.
    """
    match strategy:
        case ImageIdStrategy.NAME_SIZE:
            return name_size_id(file_name.rpartition("/")[2], len(data))
        case ImageIdStrategy.CONTENT:
            return hashlib.md5(data).hexdigest()
        case ImageIdStrategy.SHA256:
            return hashlib.sha256(data).hexdigest()
        case ImageIdStrategy.UUID:
            return uuid.uuid4().hex


def name_size_id(file_name: str, size: int) -> str:
    """MD5 hex of `{file name}_{size in bytes}`."""
    return hashlib.md5(f"{file_name}_{size}".encode()).hexdigest()


def inspect(data: bytes, *, name: str, max_bytes: int, max_pixels: int) -> ImageInfo:
    """What the image in `data` is, after decoding it to the end.

    `name` is for messages only; the type is what the bytes are, never the name's extension.
    Raises ImageTooLarge before anything is decoded, NotAnImage for other types, DamagedImage
    where the decoder stops.
    """
    if not data:
        raise NotAnImage(f"{name} is empty. Choose the file again, or export it anew.")
    check_size(len(data), name=name, max_bytes=max_bytes)
    image = _open(data, name)
    _check_pixels(image, name, max_pixels)
    orientation = _orientation(image)
    width, height = image.size if _to_turn(image, orientation) < 5 else (image.height, image.width)
    with _decoding, _quiet():
        try:
            # Every byte is still read; the picture in memory is an eighth as wide and high.
            image.draft("RGB", (max(1, image.width // 8), max(1, image.height // 8)))
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


def check_size(size: int, *, name: str, max_bytes: int) -> None:
    """ImageTooLarge where a file has more bytes than are taken."""
    if size > max_bytes:
        raise ImageTooLarge(
            f"{name} has {size / 2**20:.1f} MB; at most {max_bytes / 2**20:.0f} MB are "
            "taken. Make it smaller, or ask an admin to raise LABELER_MAX_UPLOAD_MB."
        )


def _check_pixels(image: Image.Image, name: str, max_pixels: int) -> None:
    """ImageTooLarge where decoding would take more memory than `max_pixels` may."""
    pixels = image.width * image.height
    more = ""
    if image.format == "WEBP" and pixels > _WEBP_PIXELS:
        max_pixels //= 2
        more = " as WebP, and twice as many as JPEG or PNG"
    if pixels > max_pixels:
        raise ImageTooLarge(
            f"{name} has {image.width} x {image.height} pixels; at most {max_pixels:,} in all are "
            f"taken{more}. Make it smaller, or ask an admin to raise LABELER_MAX_PIXELS."
        )


def display_copy(
    data: bytes, *, name: str, width: int | None, max_pixels: int
) -> tuple[bytes, str] | None:
    """The image as displayed, at most `width` pixels wide, as bytes and media type.

    None where the bytes themselves do: a type that browsers show upright by themselves, and no
    wider than asked for. JPEG, or PNG where the picture has transparent parts.
    Raises NotAnImage, DamagedImage, or ImageTooLarge for one that is not to be decoded.
    """
    image = _open(data, name)
    orientation = _to_turn(image, _orientation(image))
    shown_width = image.width if orientation < 5 else image.height
    smaller = width is not None and width < shown_width
    upright = orientation == 1 or image.format in ("JPEG", "MPO")
    if not smaller and upright and image.format != "TIFF":
        return None
    _check_pixels(image, name, max_pixels)
    with _decoding, _quiet():
        try:
            if smaller and width is not None:
                scale = width / shown_width
                size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
                image.draft(None, size)
                picture = _resized(image, size)
            else:
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


def media_type(data: bytes, *, name: str) -> str:
    """The media type of the image in `data`; NotAnImage, DamagedImage."""
    return MEDIA_TYPES[_open(data, name).format or ""]


def _open(data: bytes, name: str) -> Image.Image:
    """The image, its header read and nothing decoded."""
    try:
        with _quiet():
            return Image.open(io.BytesIO(data), formats=_DECODERS)
    except UnidentifiedImageError as error:
        raise _not_taken(data, name) from error
    except _DECODE_ERRORS as error:
        raise DamagedImage(f"{name} is damaged. Copy or export it again.") from error


def _not_taken(data: bytes, name: str) -> NotAnImage | DamagedImage:
    """Why the bytes are refused, in words that help."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data[:3] == b"\xff\xd8\xff" or data[:8] == b"\x89PNG\r\n\x1a\n" or data[:4] == b"GIF8":
        return DamagedImage(f"{name} is damaged or cut off. Copy or export it again.")
    if b"<svg" in head:
        what = "an SVG drawing; export it as PNG"
    elif head.startswith((b"<!doctype", b"<html")):
        what = "a web page; save the picture itself"
    elif data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        what = "a HEIC or AVIF picture; export it as JPEG"
    elif head.startswith(b"%pdf"):
        what = "a PDF; export its pages as PNG or JPEG"
    elif b"\0" not in data[:512]:
        what = "a text file"
    else:
        what = "not a picture, or one of another type"
    return NotAnImage(f"{name} was not taken: it is {what}. Labeler takes {TAKEN}.")


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it makes no sense (EXIF 2.3, 4.6.4)."""
    try:
        if image.format == "TIFF":
            value = image.tag_v2.get(_ORIENTATION_TAG)  # type: ignore[attr-defined]
        else:
            # Not image.getexif(): it takes XMP's word too, which browsers do not.
            exif = Image.Exif()
            with _quiet():
                exif.load(image.info.get("exif", b""))
                value = exif.get(_ORIENTATION_TAG)
    except _DECODE_ERRORS:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _to_turn(image: Image.Image, orientation: int) -> int:
    """The orientation by which the decoded pixels are yet to be turned.

    Pillow turns a TIFF by itself as it decodes it, and gives its size so from the start.
    """
    return 1 if image.format == "TIFF" else orientation


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Pillow's warnings about odd metadata: the pixels are what counts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    turned = image if turn is None else image.transpose(turn)
    turned.info = {}  # or its orientation would be saved, and obeyed once more
    return turned


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The first frame in that smaller size, as L, RGB or RGBA."""
    image.load()
    # Lanczos over three pixels for each: what is more is averaged before, for it shows nowhere.
    factor = max(1, min(image.width // size[0], image.height // size[1]) // _GAP)
    picture = _eight_bit(image, factor, "RGBa")
    if picture is not image:
        image.close()  # it takes as much memory as all that comes after it
    resized = picture.resize(size, Image.Resampling.LANCZOS)
    return resized.convert("RGBA") if resized.mode == "RGBa" else resized


def _eight_bit(image: Image.Image, factor: int, transparent: str = "RGBA") -> Image.Image:
    """The first frame as L, RGB or `transparent`, so many times smaller each way.

    Strip by strip: converted as a whole, a picture takes its memory several times over.
    """
    image.load()
    if image.mode in ("L", "RGB") and not image.has_transparency_data:
        return image.reduce(factor) if factor > 1 else image
    bounds = image.getextrema() if image.mode == "F" else (0, 0)
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
        raise ValueError("a picture without rows")
    return whole


def _strip(image: Image.Image, bounds: Any, transparent: str) -> Image.Image:
    """Some rows as L, RGB or `transparent`; those of floats between `bounds` as black and white."""
    if image.mode in ("I;16", "I;16L", "I;16B", "I"):
        wide = image.convert("I")
        return wide.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode == "F":
        low, high = bounds
        span = (high - low) or 1
        return image.point(lambda value: (value - low) * (255 / span)).convert("L")
    if image.has_transparency_data:
        return image.convert("RGBA").convert(transparent)
    return image.convert("RGB")
