"""The bucket store: objects in Cloud Storage, a version is a generation.

Beyond the contract (base.py):

* Every request that changes something names the generation it replaces. Where an earlier try of a
  write may have landed, the ID that each write leaves in the object's metadata tells whether it
  did. If somebody replaced our landed write before we could look, nothing tells us any more: the
  answer is VersionConflict, the caller reads and merges, and nothing is lost.
* Tries end after `timeout_s`. A write that ends in Unavailable may have landed all the same; the
  same write again is then a VersionConflict with one's own bytes.
* Bytes are those that are stored: an object that somebody stored packed (Content-Encoding: gzip)
  is not unpacked.
* Objects whose names are no keys (`folder/`, control characters, not NFC) are not listed.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import re
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NoReturn

import google_crc32c
from google.api_core.exceptions import GoogleAPICallError, PreconditionFailed
from google.api_core.exceptions import NotFound as Missing
from google.auth.exceptions import GoogleAuthError

from labeler.errors import DamagedObject, InvalidRequest, NotFound, VersionConflict
from labeler.storage.base import (
    ABSENT,
    MAX_KEY_BYTES,
    ObjectInfo,
    Page,
    Replaces,
    Version,
    check_key,
    check_metadata,
)
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_errors import bucket_missing, explain, server_said
from labeler.storage.gcs_media import CHUNK, Download
from labeler.storage.gcs_metadata import WRITE_ID, encode, info_of
from labeler.storage.retry import FIRST_DELAY_S, RetryPolicy, Tries

if TYPE_CHECKING:
    from labeler.storage.gcs_bulk import BulkReader

_FIELDS: Final = "items(name,generation,updated,size,metadata,md5Hash),nextPageToken"
_UPLOAD_CHUNK: Final = 8 * 1024 * 1024
_GENERATION: Final = re.compile(r"[1-9][0-9]{0,18}")
"""Zero is no generation: to the service it means "absent"."""
_THREADS: Final = 8
_MEETINGS: Final = 5


class GcsStore:
    """A Store in the bucket, below `prefix` (without slashes around it, may be empty).

    Nothing is connected before the first call. `timeout_s` limits each call with its retries, the
    first of which comes after at most `first_delay_s`; a long transfer may take longer while it
    moves on. `kms_key`, where not empty, is the Cloud KMS key for all that is written.
    """

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        timeout_s: float,
        kms_key: str = "",
        first_delay_s: float = FIRST_DELAY_S,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._policy = RetryPolicy(timeout_s, first_delay_s)
        self._kms_key = kms_key
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._bulk: BulkReader | None = None

    # --- reading ---------------------------------------------------------------------------

    def read(self, key: str) -> tuple[bytes, ObjectInfo]:
        name, doing = self._name(key), f"{key} can't be read"
        connection = self._connected(doing)

        def both(tries: Tries) -> tuple[bytes, ObjectInfo]:
            # A download carries no metadata: the info is asked for beside it, not after it.
            asked = self._beside().submit(self._look, connection, name, tries)
            data, version = self._download(connection, name, doing, tries)
            info = asked.result()
            for _ in range(_MEETINGS):
                if info.version == version:
                    return data, info
                if int(info.version) < int(version):
                    info = self._look(connection, name, tries)
                else:
                    data, version = self._download(connection, name, doing, tries)
            raise ConnectionError("it is being replaced again and again")

        try:
            return connection.call(doing, both)
        except Missing as error:
            self._raise_missing(key, doing, error)

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes, Version]]:
        doing = "Objects can't be read"
        connection = self._connected(doing)
        with self._lock:
            if self._bulk is None:
                from labeler.storage.gcs_bulk import BulkReader

                self._bulk = BulkReader(connection)
            bulk = self._bulk
        bucket_seen = False
        for key, found in bulk.read((key, self._name(key)) for key in keys):
            if found is not None:
                yield key, found.data, found.version
            elif not bucket_seen:
                self._check_bucket(doing)
                bucket_seen = True

    def info(self, key: str) -> ObjectInfo:
        name, doing = self._name(key), f"{key} can't be read"
        connection = self._connected(doing)
        try:
            return connection.call(doing, lambda tries: self._look(connection, name, tries))
        except Missing as error:
            self._raise_missing(key, doing, error)

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[Iterator[bytes]]:
        name, doing = self._name(key), f"{key} can't be read"
        connection = self._connected(doing)
        try:
            download = connection.call(
                doing, lambda tries: Download(connection, name, doing, tries)
            )
        except Missing as error:
            self._raise_missing(key, doing, error)
        try:
            yield download.chunks()
        finally:
            download.close()

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        if not 1 <= limit <= 1000:
            raise InvalidRequest(f"A page can have 1 to 1000 objects, not {limit}.")
        doing = f"{prefix or 'The bucket'} can't be listed"
        connection = self._connected(doing)
        try:
            return connection.call(
                doing, lambda tries: self._list(connection, prefix, after, limit, tries)
            )
        except Missing as error:
            raise bucket_missing(self._bucket, doing) from error

    # --- changing --------------------------------------------------------------------------

    def write(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        replaces: Replaces,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
    ) -> Version:
        name, doing = self._name(key), f"{key} can't be saved"
        checked = check_metadata(metadata)
        generation = 0 if replaces is ABSENT else _generation(replaces)
        connection = self._connected(doing)
        if generation is None:
            raise self._conflict(key, replaces)
        write_id = secrets.token_hex(16)
        stream = io.BytesIO(data) if isinstance(data, bytes) else data
        crc32c, md5 = _checksums(stream)

        def upload(tries: Tries) -> Version:
            blob = connection.bucket.blob(
                name, chunk_size=_UPLOAD_CHUNK, kms_key_name=self._kms_key or None
            )
            blob.metadata = encode(checked, write_id)
            blob.crc32c, blob.md5_hash = crc32c, md5
            try:
                _upload(blob, stream, content_type, generation, tries)
            except PreconditionFailed:
                # Only what was tried before can have landed before.
                landed = self._landed(connection, name, write_id, tries) if tries.count else None
                if landed is None:
                    raise
                return landed
            return Version(str(blob.generation))

        try:
            return connection.call(doing, upload)
        except PreconditionFailed as error:
            raise self._conflict(key, replaces) from error
        except Missing as error:
            raise bucket_missing(self._bucket, doing) from error

    def delete(self, key: str, *, version: Version) -> None:
        name, doing = self._name(key), f"{key} can't be deleted"
        generation = _generation(version)
        connection = self._connected(doing)

        def remove(tries: Tries) -> None:
            try:
                if generation is None:
                    self._look(connection, name, tries)
                    raise self._conflict(key, version)
                blob = connection.bucket.blob(name)
                blob.delete(if_generation_match=generation, retry=None, timeout=tries.timeout)
            except PreconditionFailed as error:
                self._look(connection, name, tries)
                raise self._conflict(key, version) from error
            except Missing:
                # What was tried before has landed, or another's delete has: it is gone.
                if generation is None or not tries.count:
                    raise

        try:
            connection.call(doing, remove)
        except Missing as error:
            self._raise_missing(key, doing, error)

    def close(self) -> None:
        with self._lock:
            bulk, threads, connection = self._bulk, self._threads, self._connection
            self._bulk = self._threads = self._connection = None
        if bulk:
            bulk.close()
        if threads:
            threads.shutdown()
        if connection:
            connection.close()

    # --- parts -----------------------------------------------------------------------------

    def _name(self, key: str) -> str:
        name = self._prefix + check_key(key)
        if len(name.encode()) > MAX_KEY_BYTES:
            raise InvalidRequest(f"{key!r} is too long a name below {self._prefix}.")
        return name

    def _connected(self, doing: str) -> Connection:
        with self._lock:
            if self._connection is None:
                try:
                    self._connection = Connection(self._bucket, self._policy)
                except GoogleAuthError as error:
                    raise explain(error, self._bucket, doing) from error
            return self._connection

    def _beside(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, "labeler-gcs")
            return self._threads

    def _look(self, connection: Connection, name: str, tries: Tries) -> ObjectInfo:
        return info_of(self._reload(connection, name, tries), self._prefix)

    def _landed(
        self, connection: Connection, name: str, write_id: str, tries: Tries
    ) -> Version | None:
        """The version of the object if it is what the write of this ID made."""
        try:
            blob = self._reload(connection, name, tries)
        except Missing:
            return None
        own = (blob.metadata or {}).get(WRITE_ID) == write_id
        return Version(str(blob.generation)) if own else None

    def _reload(self, connection: Connection, name: str, tries: Tries) -> Any:
        blob = connection.bucket.blob(name)
        blob.reload(retry=None, timeout=tries.timeout)
        return blob

    def _download(
        self, connection: Connection, name: str, doing: str, tries: Tries
    ) -> tuple[bytes, Version]:
        for last in (False, True):
            with contextlib.closing(Download(connection, name, doing, tries)) as download:
                try:
                    return b"".join(download.chunks()), download.version
                except DamagedObject:
                    if last:
                        raise
        raise AssertionError("the second try returns or raises")

    def _list(
        self, connection: Connection, prefix: str, after: str, limit: int, tries: Tries
    ) -> Page:
        start = len(self._prefix)
        found = connection.bucket.list_blobs(
            prefix=self._prefix + prefix,
            # The offset itself is listed too: one more is asked for.
            start_offset=self._prefix + after if after else None,
            page_size=min(limit + bool(after), 1000),
            fields=_FIELDS,
            retry=None,
            timeout=tries.timeout,
        )
        for page in found.pages:
            blobs = [blob for blob in page if blob.name[start:] != after]
            more = len(blobs) > limit or found.next_page_token is not None
            blobs = blobs[:limit]
            infos = tuple(
                info_of(blob, self._prefix) for blob in blobs if _is_key(blob.name[start:])
            )
            # A page may hold nothing for us, and still not be the last.
            if infos or not more:
                return Page(infos, blobs[-1].name[start:] if more else None)
        return Page((), None)

    def _raise_missing(self, key: str, doing: str, error: GoogleAPICallError) -> NoReturn:
        """NotFound, unless it is the bucket itself that is missing."""
        if "No such object" not in server_said(error):
            self._check_bucket(doing)
        raise NotFound(f"There is no {key} in {self._place}.") from error

    def _check_bucket(self, doing: str) -> None:
        """NotAllowed if there is no bucket."""
        connection = self._connected(doing)
        try:
            connection.call(doing, lambda tries: self._list(connection, "", "", 1, tries))
        except Missing as error:
            raise bucket_missing(self._bucket, doing) from error

    @property
    def _place(self) -> str:
        return f"gs://{self._bucket}/{self._prefix}".rstrip("/")

    def _conflict(self, key: str, named: Replaces) -> VersionConflict:
        happened = "is there already" if named is ABSENT else "has been changed since it was read"
        return VersionConflict(f"{key} {happened}: nothing was changed. Read it again.")


def _generation(version: Version) -> int | None:
    """The generation that a version stands for; None for what no object here ever had."""
    return int(version) if _GENERATION.fullmatch(version) else None


def _is_key(name: str) -> bool:
    try:
        check_key(name)
    except InvalidRequest:
        return False
    return True


def _upload(blob: Any, stream: BinaryIO, content_type: str, generation: int, tries: Tries) -> None:
    """One try to send the whole stream, with checksums that the service checks."""
    size = stream.seek(0, io.SEEK_END)
    blob.upload_from_file(
        stream,
        rewind=True,
        size=size,
        content_type=content_type,
        if_generation_match=generation,
        # With a checksum of its own, the library deletes what it takes for damaged, whatever it is.
        checksum=None,
        retry=None,
        timeout=tries.timeout,
    )


def _checksums(stream: BinaryIO) -> tuple[str, str]:
    """CRC32C and MD5 of the stream, in base64."""
    crc32c, md5 = google_crc32c.Checksum(), hashlib.md5(usedforsecurity=False)
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        crc32c.update(chunk)
        md5.update(chunk)
    return base64.b64encode(crc32c.digest()).decode(), base64.b64encode(md5.digest()).decode()
