"""The requests that a store makes of its bucket, one try each, by Google's client.

They raise what Google's client raises; whether to try again, and what to tell a person, is
decided by who calls. No retry of Google's own is used: it would repeat a request without telling,
and then a failed precondition could be our own doing.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final

import google_crc32c
from google.api_core.exceptions import NotFound

from labeler.errors import DamagedObject, InvalidRequest
from labeler.storage.base import ObjectInfo, Page, Version, check_key
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_media import CHUNK, Download
from labeler.storage.gcs_metadata import WRITE_ID, info_of
from labeler.storage.retry import Tries

MAX_PAGE: Final = 1000
_FIELDS: Final = "items(name,generation,updated,size,metadata,md5Hash),nextPageToken"
_UPLOAD_CHUNK: Final = 8 * 1024 * 1024
"""What is larger goes in several requests (a resumable upload), so this is held in memory."""


def look(connection: Connection, name: str, prefix: str, tries: Tries) -> ObjectInfo:
    return info_of(_reload(connection, name, tries), prefix)


def landed(connection: Connection, name: str, write_id: str, tries: Tries) -> Version | None:
    """The version of the object, if it is what the write of this ID made."""
    try:
        blob = _reload(connection, name, tries)
    except NotFound:
        return None
    own = (blob.metadata or {}).get(WRITE_ID) == write_id
    return Version(str(blob.generation)) if own else None


def download(connection: Connection, name: str, doing: str, tries: Tries) -> tuple[bytes, Version]:
    """The bytes of the live object and their version; DamagedObject if they fail twice."""
    for last in (False, True):
        with contextlib.closing(Download(connection, name, doing, tries)) as stream:
            try:
                return stream.whole(), stream.version
            except DamagedObject:
                if last:
                    raise
    raise AssertionError("the second download returns or raises")


@dataclass(frozen=True, slots=True)
class Upload:
    """A whole object that is to be sent, perhaps more than once; checksums are in base64."""

    stream: BinaryIO
    size: int
    crc32c: str
    md5: str
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
        crc32c, md5 = google_crc32c.Checksum(), hashlib.md5(usedforsecurity=False)
        size = 0
        stream.seek(0)
        while chunk := stream.read(CHUNK):
            crc32c.update(chunk)
            md5.update(chunk)
            size += len(chunk)
        return cls(
            stream,
            size,
            base64.b64encode(crc32c.digest()).decode(),
            base64.b64encode(md5.digest()).decode(),
            metadata,
            content_type,
            kms_key,
        )

    def send(self, connection: Connection, name: str, generation: int, tries: Tries) -> Version:
        """Replace the generation (0: absent); the service checks the sums before it keeps it."""
        blob = connection.bucket.blob(
            name, chunk_size=_UPLOAD_CHUNK, kms_key_name=self.kms_key or None
        )
        blob.metadata = dict(self.metadata)
        blob.crc32c, blob.md5_hash = self.crc32c, self.md5
        blob.upload_from_file(
            self.stream,
            rewind=True,
            size=self.size,
            content_type=self.content_type,
            if_generation_match=generation,
            # Where the client finds a checksum wrong, it deletes the live object, whatever it is.
            checksum=None,
            retry=None,
            timeout=tries.timeout,
        )
        return Version(str(blob.generation))


def remove(connection: Connection, name: str, generation: int, tries: Tries) -> None:
    blob = connection.bucket.blob(name)
    blob.delete(if_generation_match=generation, retry=None, timeout=tries.timeout)


def list_page(
    connection: Connection, prefix: str, begin: str, after: str, limit: int, tries: Tries
) -> Page:
    """Objects below `prefix` whose key begins with `begin` and is above `after`."""
    start = len(prefix)
    found = connection.bucket.list_blobs(
        prefix=prefix + begin,
        # The offset itself is listed too: one more is asked for.
        start_offset=prefix + after if after else None,
        page_size=min(limit + bool(after), MAX_PAGE),
        fields=_FIELDS,
        retry=None,
        timeout=tries.timeout,
    )
    for page in found.pages:
        blobs = [blob for blob in page if blob.name[start:] != after]
        more = len(blobs) > limit or found.next_page_token is not None
        blobs = blobs[:limit]
        infos = tuple(info_of(blob, prefix) for blob in blobs if _is_key(blob.name[start:]))
        # A page may hold nothing for us, and still not be the last.
        if infos or not more:
            return Page(infos, blobs[-1].name[start:] if more else None)
    return Page((), None)


def _reload(connection: Connection, name: str, tries: Tries) -> Any:
    blob = connection.bucket.blob(name)
    blob.reload(retry=None, timeout=tries.timeout)
    return blob


def _is_key(name: str) -> bool:
    try:
        check_key(name)
    except InvalidRequest:
        return False
    return True
