"""The requests of a store to its bucket, one attempt each, by Google's client or its session.

They raise the errors of Google's client; the caller decides whether to repeat a request and what to
tell a person. Google's own retries are off: they would repeat a request silently, and then our own
first attempt could be the reason for a failed precondition.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NamedTuple
from urllib.parse import quote

import google_crc32c
from google.api_core.exceptions import NotFound, from_http_response

from labeler.errors import DamagedObject, InvalidRequest
from labeler.storage.base import ObjectInfo, Page, Scanned, Version, check_key
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_media import CHUNK, Download
from labeler.storage.gcs_metadata import WRITE_ID, decoded, info_of
from labeler.storage.retry import Tries

MAX_PAGE: Final = 1000
_BRIEF: Final = "name,generation"
_NOTED: Final = "name,generation,size,md5Hash,metadata"
_INFO: Final = "name,generation,updated,size,metadata,md5Hash"
_UPLOAD_CHUNK: Final = 8 * 1024 * 1024
"""Larger objects are sent in several requests (a resumable upload), so this much is in memory."""


def look(connection: Connection, name: str, prefix: str, tries: Tries) -> ObjectInfo:
    """The object stored under that name; raises NotFound."""
    return info_of(_resource(connection, name, tries), prefix)


def landed(connection: Connection, name: str, write_id: str, tries: Tries) -> Version | None:
    """The version of the object if the write with this ID made it, else None."""
    try:
        found = _resource(connection, name, tries)
    except NotFound:
        return None
    own = found.get("metadata", {}).get(WRITE_ID) == write_id
    return Version(found["generation"]) if own else None


def download(connection: Connection, name: str, doing: str, tries: Tries) -> tuple[bytes, Version]:
    """The bytes of the live object and their version; DamagedObject if the checksum fails twice."""
    for last in (False, True):
        with contextlib.closing(Download(connection, name, doing, tries)) as stream:
            try:
                return stream.whole(), stream.version
            except DamagedObject:
                if last:
                    raise
    raise AssertionError("the second download returns or raises")


@dataclass(frozen=True, slots=True)
class Span:
    """The keys that begin with `begin`, from `start` up to `end` (empty: no limit)."""

    begin: str
    start: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """The bytes of an object to send, perhaps more than once; the checksum is in base64."""

    stream: BinaryIO
    size: int
    crc32c: str
    metadata: Mapping[str, str]
    content_type: str
    kms_key: str

    @classmethod
    def of(
        cls,
        data: bytes | BinaryIO,
        metadata: Mapping[str, str],
        content_type: str,
        kms_key: str,
    ) -> Upload:
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        crc32c, size = google_crc32c.Checksum(), 0
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            crc32c.update(chunk)
            size += len(chunk)
        return cls(
            stream,
            size,
            base64.b64encode(crc32c.digest()).decode(),
            metadata,
            content_type,
            kms_key,
        )

    def send(self, connection: Connection, name: str, generation: int, tries: Tries) -> Version:
        """Replace the generation (0: absent); the service verifies the checksum first."""
        blob = connection.bucket.blob(
            name, chunk_size=_UPLOAD_CHUNK, kms_key_name=self.kms_key or None
        )
        blob.metadata = dict(self.metadata)
        blob.crc32c = self.crc32c
        blob.upload_from_file(
            self.stream,
            rewind=True,
            size=self.size,
            content_type=self.content_type,
            if_generation_match=generation,
            # If the client itself finds a wrong checksum, it deletes the live object.
            checksum=None,
            retry=None,
            timeout=tries.timeout,
        )
        return Version(str(blob.generation))


@dataclass(frozen=True, slots=True)
class Composition:
    """Objects of the bucket, by name, to be joined by the service, perhaps more than once."""

    names: Sequence[str]
    metadata: Mapping[str, str]
    content_type: str
    kms_key: str

    def send(self, connection: Connection, name: str, generation: int, tries: Tries) -> Version:
        """Replace the generation (0: absent). Raises NotFound if one of the objects is missing."""
        blob = connection.bucket.blob(name, kms_key_name=self.kms_key or None)
        blob.metadata = dict(self.metadata)
        blob.content_type = self.content_type
        blob.compose(
            [connection.bucket.blob(one) for one in self.names],
            if_generation_match=generation,
            retry=None,
            timeout=tries.timeout,
        )
        return Version(str(blob.generation))


def remove(connection: Connection, name: str, generation: int, tries: Tries) -> None:
    """Delete the object if it still has that generation."""
    blob = connection.bucket.blob(name)
    blob.delete(if_generation_match=generation, retry=None, timeout=tries.timeout)


def patch(
    connection: Connection,
    name: str,
    generation: int,
    metadata: Mapping[str, str | None],
    tries: Tries,
) -> None:
    """Set these values of the object's metadata, or with None remove them, in that generation.

    The generation stays: a change of metadata alone makes none.
    """
    bucket = quote(connection.bucket.name, safe="")
    response = connection.session.patch(
        f"{connection.endpoint}/storage/v1/b/{bucket}/o/{quote(name, safe='')}",
        params={"ifGenerationMatch": str(generation), "fields": "generation"},
        json={"metadata": metadata},
        timeout=tries.timeout,
    )
    with response:
        if response.status_code != 200:
            raise from_http_response(response)


def list_page(
    connection: Connection, prefix: str, begin: str, after: str, limit: int, tries: Tries
) -> Page:
    """A page of objects below `prefix` whose key begins with `begin` and is above `after`."""
    start = len(prefix)
    query = {
        "prefix": prefix + begin,
        # The listing includes the offset itself, so one more is requested.
        "startOffset": prefix + after if after else "",
        "maxResults": str(min(limit + bool(after), MAX_PAGE)),
        "fields": f"items({_INFO}),nextPageToken",
    }
    while True:
        page = _get(connection, "", query, tries)
        items, token = page.get("items", []), page.get("nextPageToken")
        keys = [item["name"][start:] for item in items]
        ours = [
            item for item, key in zip(items, keys, strict=True) if key != after and _is_key(key)
        ]
        shown = tuple(info_of(item, prefix) for item in ours[:limit])
        if len(ours) > limit:
            return Page(shown, shown[-1].key)
        if shown or token is None:
            return Page(shown, None if token is None else keys[-1])
        # A page without any of our objects need not be the last.
        query["pageToken"] = token


class Compared(NamedTuple):
    """The versions that a scan leaves out, and the keys not seen yet; threads share it."""

    known: Mapping[str, Version]
    left: set[str]


def scan_page(
    connection: Connection,
    prefix: str,
    scanned: Span,
    note: str,
    token: str,
    compared: Compared,
    tries: Tries,
) -> tuple[list[Scanned], str | None]:
    """A page of the span's objects, and the token of the next page; None after the last."""
    asked = {
        "prefix": prefix + scanned.begin,
        "startOffset": prefix + scanned.start if scanned.start else "",
        "endOffset": prefix + scanned.end if scanned.end else "",
        "maxResults": str(MAX_PAGE),
        "pageToken": token,
    }
    query = {name: text for name, text in asked.items() if text}
    cut = len(prefix)

    def listed(fields: str) -> tuple[list[dict[str, Any]], str | None]:
        page = _get(connection, "", query | {"fields": f"items({fields}),nextPageToken"}, tries)
        items: list[dict[str, Any]] = page.get("items", [])
        if compared.known:
            # Compare the whole page in one step: most objects have not changed.
            compared.left.difference_update([item["name"][cut:] for item in items])
            version = compared.known.get
            items = [item for item in items if version(item["name"][cut:]) != item["generation"]]
        return items, page.get("nextPageToken")

    if not note:
        items, following = listed(_BRIEF)
        found = [(item["name"][cut:], item["generation"], 0, "", "") for item in items]
    else:
        # Without the other fields, a page of known objects is a third as long.
        items, following = listed(_BRIEF) if compared.known else ([{}], None)
        if items:
            items, following = listed(_NOTED)
        found = [_noted(item, cut, note) for item in items]
    # Half the time of Scanned(...), for hundreds of thousands of objects.
    return [tuple.__new__(Scanned, one) for one in found if _is_key(one[0])], following


def _noted(item: Mapping[str, Any], cut: int, note: str) -> tuple[str, str, int, str, str]:
    md5 = item.get("md5Hash")
    return (
        item["name"][cut:],
        item["generation"],
        int(item["size"]),
        a2b_base64(md5).hex() if md5 else "",
        decoded(item.get("metadata"), note),
    )


def _resource(connection: Connection, name: str, tries: Tries) -> dict[str, Any]:
    return _get(connection, f"/{quote(name, safe='')}", {"fields": _INFO}, tries)


def _get(
    connection: Connection, place: str, query: Mapping[str, str], tries: Tries
) -> dict[str, Any]:
    """The service's answer about the bucket's objects, or about the one at `place`.

    The client's Blob is not used: it takes three times as long per name, for copies of metadata.
    """
    bucket = quote(connection.bucket.name, safe="")
    response = connection.session.get(
        f"{connection.endpoint}/storage/v1/b/{bucket}/o{place}",
        params=query,
        timeout=tries.timeout,
        stream=True,
    )
    with response:
        if response.status_code != 200:
            raise from_http_response(response)
        # In one piece: `response.json()` reads a page in forty pieces.
        shown: dict[str, Any] = json.loads(response.raw.read(decode_content=True))
    return shown


def _is_key(name: str) -> bool:
    try:
        check_key(name)
    except InvalidRequest:
        return False
    return True
