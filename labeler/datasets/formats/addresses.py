"""Reads the path of an image from the address under which a labeling tool serves it. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

_UPLOAD: Final = re.compile(r"(^|/)data/upload/|(^|/)media/upload/[0-9]+/|^upload/[0-9]+/")
"""Label Studio's folders of uploads. An upload has lost its own folders."""


def path_in_address(address: str) -> str:
    """Return the path that the address names, or an empty text if it names none.

    The host and the query are removed. Label Studio serves local files as
    `/data/local-files/?d=PATH`, and files of a cloud storage under `?fileuri=`, which holds their
    address in base64. A plain path is returned with `/`, decoded, and without a leading slash.
    """
    try:
        parts = urlsplit(address)
        asked = parse_qs(parts.query)
    except ValueError:
        return ""
    path = asked.get("d", [""])[0] or _stored(asked.get("fileuri", [""])[0]) or unquote(parts.path)
    path = path.replace("\\", "/").lstrip("/")
    return path.rpartition("/")[2] if _UPLOAD.search(path) else path


def is_address(name: str) -> bool:
    """Return whether the name is an address, or a path in Label Studio's folders of uploads."""
    path = name.replace("\\", "/").lstrip("/")
    return "://" in path or "?d=" in path or "?fileuri=" in path or bool(_UPLOAD.search(path))


def _stored(text: str) -> str:
    """Return the path in the address that the text holds in base64, or an empty text."""
    try:
        address = base64.b64decode(text, validate=True).decode()
        return unquote(urlsplit(address).path)
    except (binascii.Error, ValueError):
        return ""
