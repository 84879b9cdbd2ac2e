"""Names that labeling tools change on upload or export, and what they stand for. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from labeler.datasets.formats.addresses import is_address, path_in_address
from labeler.image_names import EXTENSIONS, safe_file_name
from labeler.model.unicode_text import nfc

_LABEL_STUDIO: Final = re.compile(r"([0-9a-f]{8})(?:-|__)(?=.)")
_ROBOFLOW: Final = re.compile(
    rf"(.+)_({'|'.join(EXTENSIONS)})\.rf\.([0-9A-Za-z]{{8,40}})(?:\.\w+)?", re.IGNORECASE
)
_DJANGO: Final = re.compile(r"[^-\w.]")
_MARKS: Final = re.compile(r"\W+")


def folded_name(base: str) -> str:
    """Return the name in NFC, without its case."""
    return nfc(base.casefold())


def stem_of(base: str) -> str:
    """Return the name without its last extension."""
    stem, dot, _ = base.rpartition(".")
    return stem if dot and stem else base


def before_upload(base: str) -> str:
    """Return the name without the digest that Label Studio puts in front of an upload."""
    return _LABEL_STUDIO.sub("", base, count=1)


@lru_cache(maxsize=4096)
def tool_key(base: str) -> str:
    """Return the name without everything that tools change in it.

    Label Studio puts eight hexadecimal digits in front of an upload, and applies Django's rule for
    file names (spaces become `_`, marks are removed). Roboflow appends the extension and a digest.
    URLs are percent-encoded.
    """
    decoded = unquote(base)
    text = base if {"/", "\\"} & set(decoded) else safe_file_name(decoded)
    text = before_upload(text)
    if found := _ROBOFLOW.fullmatch(text):
        text = f"{found[1]}.{found[2]}"
    return folded_name(_DJANGO.sub("", text.strip().replace(" ", "_"))) or folded_name(base)


def dashed_name(base: str) -> str:
    """Return the name with a dash for all marks, as Roboflow writes it in front of its digest."""
    found = _ROBOFLOW.fullmatch(base)
    stem, extension = (found[1], found[2]) if found else base.rpartition(".")[::2]
    return folded_name(f"{_MARKS.sub('-', stem).strip('-')}.{extension}")


def are_two_images(name: str, base: str) -> bool:
    """Return whether a tool gave the names different digests: then they are two images."""
    digests = zip(_digests(name), _digests(base), strict=True)
    return any(one and other and one != other for one, other in digests)


def is_from_roboflow(base: str) -> bool:
    """Return whether Roboflow gave the image this name, with or without an extension."""
    return _ROBOFLOW.fullmatch(base) is not None


def _digests(base: str) -> tuple[str, str]:
    """Return the digests of Label Studio and of Roboflow in a name, or empty texts."""
    studio, roboflow = _LABEL_STUDIO.match(base), _ROBOFLOW.fullmatch(base)
    return studio[1] if studio else "", roboflow[3] if roboflow else ""


def decoded_names(name: str) -> Iterator[str]:
    """Yield other names that the name may stand for: an address's path, and the decoded name."""
    if is_address(name):
        yield path_in_address(name)
    if unquote(name) != name:
        yield unquote(name)
