"""Names and IDs of images: safe paths, file types by name or first bytes, and IDs. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from collections.abc import Callable
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from typing import Final

from labeler.model.unicode_text import nfc


class ImageIdStrategy(StrEnum):
    """The value that an image ID is computed from."""

    NAME_SIZE = "name-size"
    CONTENT = "content"
    SHA256 = "sha256"
    UUID = "uuid"


EXTENSIONS: Final = (
    "jpg", "jpeg", "jpe", "jfif", "jif", "mpo", "png", "webp", "bmp", "gif", "tif", "tiff",
)  # fmt: skip
OTHER_EXTENSIONS: Final = frozenset({
    "heic", "heif", "avif", "jp2", "j2k", "jxl", "psd", "svg", "dng", "cr2", "cr3", "nef", "arw",
    "orf", "rw2", "raf", "exr", "hdr", "dcm", "pcx", "tga", "ppm", "pgm", "ico",
})  # fmt: skip
"""Extensions of unsupported image types: in a folder they are reported, not skipped silently."""
_BEGINNINGS: Final = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8[79]a|BM.{4}\0\0\0\0|II\*\0|MM\0\*|RIFF.{4}WEBP",
    re.DOTALL,
)
HEAD_BYTES: Final = 16
_NOT_IMAGES: Final = (
    ".txt", ".xml", ".json", ".jsonl", ".ndjson", ".yaml", ".yml", ".csv", ".tsv", ".md", ".html",
    ".log", ".py", ".pdf", ".db", ".parquet", ".npy", ".npz", ".pt", ".onnx", ".zip", ".gz", ".tar",
    ".7z", ".rar", ".mp4", ".avi", ".mov", ".mkv", ".webm", ".part", ".partial", ".tmp",
    ".crdownload", ".download",
)  # fmt: skip
"""Extensions of files that are not images, or not complete yet; their bytes need not be read."""
_ENDINGS: Final = tuple(f".{extension}" for extension in EXTENSIONS)
MAX_NAME_BYTES: Final = 200
MAX_PATH_BYTES: Final = 700
"""Bytes. An object's name has at most 1,024, and prefixes need some of them."""
MAX_FOLDERS: Final = 20
_DRIVE: Final = re.compile("[A-Za-z]:")
_AROUND: Final = (
    ".\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)
"""Dots and all white space. Not a regular expression, which would try to match from each dot."""


def name_filter(text: str) -> Callable[[str], bool]:
    """Whether a name contains the text, or matches it if it has * or ?; ignores case."""
    lowered = text.lower()
    if "*" in lowered or "?" in lowered:
        return lambda name: matches_pattern(name.lower(), lowered)
    return lambda name: lowered in name.lower()


def matches_pattern(name: str, pattern: str) -> bool:
    """Whether the name matches the pattern, as `fnmatchcase` has it."""
    return _compiled(pattern).match(name) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    """For a few patterns: fnmatch itself would keep 32,768 of callers in memory."""
    return re.compile(translate(pattern))


def safe_file_name(name: str) -> str:
    """The base name in `name`, made safe for paths, in NFC, at most 200 bytes of UTF-8.

    Folders, control characters, and dots and white space around the name are removed. A longer name
    is cut and gets a digest of the whole, so that two long names stay different. Never empty. A
    safe name is returned unchanged.
    """
    text = name.encode("utf-8", "replace").decode("utf-8").replace("\\", "/").rsplit("/", 1)[-1]
    text = "".join(char for char in text if unicodedata.category(char) not in ("Cc", "Cs"))
    # Normalized last: removing characters may have brought combining ones together.
    text = nfc(text).strip(_AROUND) or "image"
    if len(text.encode()) <= MAX_NAME_BYTES:
        return text
    stem, dot, extension = text.rpartition(".")
    if not dot or len(extension.encode()) > 8:
        stem, dot, extension = text, "", ""
    tail = f"-{hashlib.md5(text.encode()).hexdigest()[:8]}{dot}{extension}"
    room = MAX_NAME_BYTES - len(tail.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip() + tail


def safe_path(path: str) -> str:
    """A relative path with `/` in which every part is safe, as `safe_file_name` makes it.

    Of an absolute path, Windows paths included, only the base name is kept: the folders belong to
    another machine. `..` never leads outside. Only the last 20 folders and 700 bytes are kept.
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
    """Whether the name has the extension of a supported image type."""
    return name.lower().endswith(_ENDINGS)


def is_open_name(name: str) -> bool:
    """Whether the name does not say if the file is an image, so that the bytes have to decide."""
    lowered = name.lower()
    return not (
        lowered.endswith((*_ENDINGS, *_NOT_IMAGES))
        or lowered.rpartition(".")[2] in OTHER_EXTENSIONS
        or lowered.rpartition("/")[2].startswith(".")
    )


def begins_as_image(head: bytes) -> bool:
    """Whether a file whose first HEAD_BYTES are `head` is an image of a supported type."""
    return _BEGINNINGS.match(head) is not None


def is_image_file(name: str, head: bytes) -> bool:
    """Whether a file of a folder or a zip counts as an image.

    The extension decides, also that of an unsupported type, so that the caller can report it. With
    any other name, the first HEAD_BYTES, `head`, decide.
    """
    extension = name.lower().rpartition(".")[2]
    return is_image_name(name) or extension in OTHER_EXTENSIONS or begins_as_image(head)


def unsupported_kind(data: bytes) -> str:
    """The type of a file that is no supported image, and what the person can do with it."""
    head = data[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        what = (
            "a TIFF that is cut off, or whose bands or numbers can't be shown; export it as RGB or "
            "as one band of 8 or 16 bits"
        )
    elif b"<svg" in head:
        what = "an SVG drawing; export it as PNG"
    elif head.startswith((b"<!doctype", b"<html")):
        what = "a web page; save the image itself"
    elif data[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypavif"):
        what = "a HEIC or AVIF image; export it as JPEG"
    elif b"data:image/" in head or head.startswith((b"ivborw0kggo", b"/9j/", b"r0lgod")):
        what = "an image written as text (base64); send its bytes"
    elif head.startswith(b"%pdf"):
        what = "a PDF; export its pages as PNG or JPEG"
    elif b"\0" not in data[:512]:
        what = "a text file"
    else:
        what = "not an image, or an image of another type"
    return what


def image_id(strategy: ImageIdStrategy, file_name: str, data: bytes) -> str:
    """The image ID of this upload, in lower-case hex.

    `file_name` must be safe; its folders do not count. `uuid` returns another ID at every call.
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
