"""Downloads of one generation of an object, verified by the checksums in the answer."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import google_crc32c
import requests
from google.api_core.exceptions import NotFound, from_http_response

from labeler.errors import DamagedObject, Unavailable
from labeler.storage.base import Version
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_errors import FAILURES, explain, may_pass
from labeler.storage.retry import Tries

CHUNK: Final = 1024 * 1024

AS_STORED: Final = {"Accept-Encoding": "gzip"}
"""Without it, the service decompresses objects stored with gzip, and no checksum matches."""


def media_url(endpoint: str, bucket: str, name: str) -> str:
    """The address of an object's bytes."""
    place = f"b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"
    return f"{endpoint}/download/storage/v1/{place}?alt=media"


def generation_in(headers: Mapping[str, str]) -> Version:
    """The generation of the bytes in an answer."""
    generation = headers.get("X-Goog-Generation")
    if generation is None:
        raise ConnectionError("the answer does not say which generation it holds")
    return Version(generation)


class Checksum:
    """A running checksum of the kind that an answer's headers name, CRC32C before MD5."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        sums = dict(
            part.strip().split("=", 1)
            for part in headers.get("X-Goog-Hash", "").split(",")
            if "=" in part
        )
        self._digest: Any = None
        if "crc32c" in sums:
            self._expected, self._digest = sums["crc32c"], google_crc32c.Checksum()
        elif "md5" in sums:
            self._expected, self._digest = sums["md5"], hashlib.md5(usedforsecurity=False)
        self._length = headers.get("X-Goog-Stored-Content-Length")
        self._fed = 0

    def feed(self, data: bytes) -> None:
        self._fed += len(data)
        if self._digest is not None:
            self._digest.update(data)

    def fits(self) -> bool:
        """Whether the bytes seen so far match the headers; true if the headers name no checksum."""
        if self._length is not None and int(self._length) != self._fed:
            return False
        if self._digest is None:
            return True
        return base64.b64encode(self._digest.digest()).decode() == self._expected


class Download:
    """One generation of an object, as a whole or as a stream.

    Opening it is one attempt, and raises the service's error.
    """

    def __init__(self, connection: Connection, name: str, doing: str, tries: Tries) -> None:
        self._connection, self._doing, self._tries = connection, doing, tries
        self._url = media_url(connection.endpoint, connection.bucket.name, name)
        self._at = 0
        self._response = self._open(tries)
        self.version = generation_in(self._response.headers)
        self._checksum = Checksum(self._response.headers)

    def whole(self) -> bytes:
        """All bytes; DamagedObject if they differ from the stored ones.

        A broken connection is raised and not resumed, so that a second read never continues a
        state that has been replaced.
        """
        data: bytes = self._response.raw.read(decode_content=False)
        self._checksum.feed(data)
        self._check()
        return data

    def chunks(self) -> Iterator[bytes]:
        """The bytes in chunks of at most 1 MiB.

        Raises DamagedObject at the end if they differ from the stored ones. A broken connection is
        resumed where it ended; Unavailable if the state is gone by then.
        """
        while chunk := self._next_chunk():
            self._checksum.feed(chunk)
            yield chunk
        self._check()

    def close(self) -> None:
        self._response.close()

    def _check(self) -> None:
        if not self._checksum.fits():
            raise DamagedObject(
                f"{self._doing}: what arrived is not what the bucket holds. Try again."
            )

    def _next_chunk(self) -> bytes:
        while True:
            try:
                chunk: bytes = self._response.raw.read(CHUNK, decode_content=False)
            except FAILURES as error:
                self._take_up(error)
                continue
            if chunk:
                self._at += len(chunk)
                # Bytes arrived, so the time limit starts again.
                self._tries = self._connection.policy.start()
            return chunk

    def _take_up(self, error: BaseException) -> None:
        self._response.close()
        delay = self._tries.next_delay() if may_pass(error) else None
        if delay is None:
            raise explain(error, self._connection.bucket.name, self._doing) from error
        time.sleep(delay)
        try:
            self._response = self._connection.call(self._doing, self._open)
        except NotFound as missing:
            raise Unavailable(
                f"{self._doing}: it was replaced while it was read. Try again."
            ) from missing

    def _open(self, tries: Tries) -> requests.Response:
        url, headers = self._url, dict(AS_STORED)
        if self._at:
            url += f"&generation={self.version}"
            headers["Range"] = f"bytes={self._at}-"
        response: requests.Response = self._connection.session.get(
            url, headers=headers, stream=True, timeout=tries.timeout
        )
        if response.status_code not in (200, 206):
            with response:
                raise from_http_response(response)
        return response
