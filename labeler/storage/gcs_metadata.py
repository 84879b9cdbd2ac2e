"""Encode and decode the custom metadata of objects in a bucket.

A bucket returns metadata in several ways, HTTP headers included, and any text must survive all of
them. So values are written as printable ASCII: percent-encoded UTF-8, or `%=` and base64url if that
is shorter (the bucket allows 8 KiB in all, and percent-encoding may triple a text).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, unquote

from labeler.storage.base import ObjectInfo, Version

WRITE_ID: Final = "labeler.write"
"""The key of the random ID of the write that made the object. The dot distinguishes it from the
keys that callers may use."""

_SAFE: Final = "!#$&'()*+,/:;<=>?@[]^`{|}~\"\\"
_BASE64: Final = "%="


def encode(metadata: Mapping[str, str], write_id: str) -> dict[str, str]:
    """The metadata to store with an object, from `metadata` and the ID of its write."""
    return {**{key: _encode(value) for key, value in metadata.items()}, WRITE_ID: write_id}


def decode(kept: Any) -> dict[str, str]:
    """The metadata given at the write; of another program's metadata, the texts unchanged."""
    texts = {key: value for key, value in (kept or {}).items() if isinstance(value, str)}
    if texts.pop(WRITE_ID, None) is None:
        return texts
    return {key: _decode(value) for key, value in texts.items()}


def decoded(kept: Any, name: str) -> str:
    """One value of `decode`, empty if it is missing; in a quarter of the time."""
    text = kept.get(name) if kept else None
    if not isinstance(text, str) or name == WRITE_ID:
        return ""
    return _decode(text) if isinstance(kept.get(WRITE_ID), str) else text


def info_of(item: dict[str, Any], prefix: str) -> ObjectInfo:
    """The ObjectInfo of an object's resource in the JSON API, with the key below `prefix`."""
    md5 = item.get("md5Hash")
    return ObjectInfo(
        key=item["name"][len(prefix) :],
        version=Version(item["generation"]),
        size=int(item["size"]),
        updated_at=datetime.fromisoformat(item["updated"]).timestamp(),
        metadata=decode(item.get("metadata")),
        md5=base64.b64decode(md5).hex() if md5 else None,
    )


def _encode(text: str) -> str:
    quoted = quote(text, safe=_SAFE)
    packed = _BASE64 + base64.urlsafe_b64encode(text.encode()).decode()
    return min(quoted, packed, key=len)


def _decode(text: str) -> str:
    """The inverse of _encode; a text that _encode can't have made is returned unchanged."""
    if "%" not in text:
        return text
    try:
        if text.startswith(_BASE64):
            packed = text.removeprefix(_BASE64)
            return base64.b64decode(packed, altchars=b"-_", validate=True).decode()
        return unquote(text, errors="strict")
    except (UnicodeDecodeError, binascii.Error):
        return text
