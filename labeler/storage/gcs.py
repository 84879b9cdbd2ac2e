"""The bucket store: objects in Cloud Storage, a version is a generation.

Beyond the contract (base.py):

* Every request that changes something names the generation it replaces. If an earlier attempt of a
  write may have succeeded, the ID that each write puts in the object's metadata shows whether it
  did. If somebody has replaced our write since, nothing shows it. Then VersionConflict is raised,
  the caller reads and merges, and nothing is lost.
* Attempts end after `timeout_s`. A write that ends in Unavailable may still have succeeded; the
  same write again then raises VersionConflict, over the caller's own bytes.
* Bytes are returned as stored: an object with Content-Encoding: gzip is not decompressed.
* Objects whose names are not keys (`folder/`, control characters, not NFC) are not listed.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn

from google.api_core.exceptions import NotFound as Missing
from google.api_core.exceptions import PreconditionFailed
from google.auth.exceptions import GoogleAuthError

from labeler.errors import InvalidRequest, NotAllowed, NotFound, VersionConflict
from labeler.storage import gcs_requests
from labeler.storage.base import (
    ABSENT,
    MAX_KEY_BYTES,
    NONE_KNOWN,
    ObjectInfo,
    Page,
    Replaces,
    Scanned,
    Version,
    check_key,
    check_metadata,
    check_parts,
    gone,
)
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_errors import bucket_missing, explain, server_said
from labeler.storage.gcs_media import Download
from labeler.storage.gcs_metadata import encode
from labeler.storage.gcs_requests import Compared, Span
from labeler.storage.retry import FIRST_DELAY_S, RetryPolicy, Tries

if TYPE_CHECKING:
    from labeler.storage.gcs_bulk import BulkReader

_Sending = Callable[[Connection, str, int, Tries], Version]
"""Sends a write once: to the object of that name, in place of the generation."""
_GENERATION: Final = re.compile(r"[1-9][0-9]{0,17}")
"""Zero is not a generation: for the service it means "absent"."""
_THREADS: Final = 16
_MEETINGS: Final = 5


class GcsStore:
    """A Store in the bucket, below `prefix` (without slashes around it, may be empty).

    Nothing is connected before the first call. `timeout_s` limits each call with its retries; the
    first retry comes after at most `first_delay_s`. A long transfer may take longer as long as
    bytes arrive. `kms_key`, if not empty, is the Cloud KMS key for all writes.
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
            # A download has no metadata, so the info is requested at the same time.
            asked = self._beside().submit(self._look, connection, name, tries)
            data, version = gcs_requests.download(connection, name, doing, tries)
            info = asked.result()
            for _ in range(_MEETINGS):
                if info.version == version:
                    return data, info
                # Replaced in between: request the older of the two again.
                if int(info.version) < int(version):
                    info = self._look(connection, name, tries)
                else:
                    data, version = gcs_requests.download(connection, name, doing, tries)
            raise ConnectionError("it is being replaced again and again")

        try:
            return connection.call(doing, both)
        except Missing as error:
            self._raise_missing(key, doing, error)

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes, Version]]:
        doing = "Objects can't be read"
        connection = self._connected(doing)
        # The import takes longer than a person should wait for a lock.
        from labeler.storage.gcs_bulk import BulkReader

        with self._lock:
            if self._bulk is None:
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
        if not 1 <= limit <= gcs_requests.MAX_PAGE:
            raise InvalidRequest(f"A page can have 1 to 1000 objects, not {limit}.")
        doing = f"{prefix or 'The bucket'} can't be listed"
        connection = self._connected(doing)
        try:
            return connection.call(
                doing,
                lambda tries: gcs_requests.list_page(
                    connection, self._prefix, prefix, after, limit, tries
                ),
            )
        except Missing as error:
            raise bucket_missing(self._bucket, doing) from error

    def scan(
        self,
        prefix: str,
        *,
        note: str = "",
        splits: Sequence[str] = (),
        known: Mapping[str, Version] = NONE_KNOWN,
    ) -> Iterator[Scanned]:
        doing = f"{prefix or 'The bucket'} can't be listed"
        connection = self._connected(doing)
        compared = Compared(known, set(known))

        def scanned(span: Span) -> list[Scanned]:
            found: list[Scanned] = []
            token: str | None = ""
            while token is not None:
                page, token = connection.call(
                    doing,
                    partial(
                        gcs_requests.scan_page,
                        connection, self._prefix, span, note, token, compared,
                    ),
                )  # fmt: skip
                found += page
            return found

        bounds = ["", *sorted({key for key in splits if key.startswith(prefix)}), ""]
        spans = [Span(prefix, start, end) for start, end in pairwise(bounds)]
        try:
            if len(spans) == 1:
                yield from scanned(spans[0])
            else:
                for answer in [self._beside().submit(scanned, span) for span in spans]:
                    yield from answer.result()
        except Missing as error:
            raise bucket_missing(self._bucket, doing) from error
        yield from gone(compared.left)

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
        def sent(encoded: dict[str, str]) -> _Sending:
            return gcs_requests.Upload.of(data, encoded, content_type, self._kms_key).send

        doing = f"{key} can't be saved"

        def lost(error: Missing) -> NoReturn:
            self._check_bucket(doing)
            raise ConnectionError("the service lost the upload") from error

        return self._write(key, replaces, metadata, sent, lost)

    def compose(
        self,
        key: str,
        parts: Sequence[str],
        *,
        replaces: Replaces,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
    ) -> Version:
        names = [self._name(part) for part in check_parts(parts)]

        def joined(encoded: dict[str, str]) -> _Sending:
            return gcs_requests.Composition(names, encoded, content_type, self._kms_key).send

        def lost(error: Missing) -> NoReturn:
            self._check_bucket(f"{key} can't be saved")
            raise NotFound(f"A part of {key} is not in {self._place}.") from error

        return self._write(key, replaces, metadata, joined, lost)

    def delete(self, key: str, *, version: Version) -> None:
        name, doing = self._name(key), f"{key} can't be deleted"
        connection = self._connected(doing)
        sent = 0

        def remove(tries: Tries) -> None:
            nonlocal sent
            # Checked before sending: afterwards, our own request may be why the object is gone.
            if not sent and self._look(connection, name, tries).version != version:
                raise self._conflict(key, version)
            sent += 1
            try:
                try:
                    gcs_requests.remove(connection, name, int(version), tries)
                    return
                except PreconditionFailed:
                    self._look(connection, name, tries)
            except Missing:
                if sent == 1:
                    raise
                self._check_bucket(doing)
                return
            raise self._conflict(key, version)

        try:
            connection.call(doing, remove)
        except Missing as error:
            self._raise_missing(key, doing, error)

    def set_metadata(self, key: str, metadata: Mapping[str, str], *, version: Version) -> None:
        name, doing = self._name(key), f"The metadata of {key} can't be saved"
        encoded = encode(check_metadata(metadata), secrets.token_hex(16))
        connection = self._connected(doing)

        def send(tries: Tries) -> None:
            found = self._look(connection, name, tries)
            if found.version != version:
                raise self._conflict(key, version)
            removed = dict.fromkeys(found.metadata.keys() - encoded.keys())
            gcs_requests.patch(connection, name, int(version), encoded | removed, tries)

        try:
            connection.call(doing, send)
        except PreconditionFailed as error:
            raise self._conflict(key, version) from error
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

    def _write(
        self,
        key: str,
        replaces: Replaces,
        metadata: Mapping[str, str] | None,
        prepared: Callable[[dict[str, str]], _Sending],
        lost: Callable[[Missing], NoReturn],
    ) -> Version:
        """Send what `prepared` makes of the metadata until it has succeeded or failed.

        `lost` raises the error for an answer that something is missing.
        """
        name, doing = self._name(key), f"{key} can't be saved"
        checked = check_metadata(metadata)
        generation = 0 if replaces is ABSENT else _generation(replaces)
        if generation is None:
            raise self._conflict(key, replaces)
        connection = self._connected(doing)
        write_id = secrets.token_hex(16)
        send_once = prepared(encode(checked, write_id))

        def send(tries: Tries) -> Version:
            try:
                return send_once(connection, name, generation, tries)
            except PreconditionFailed:
                # Only an earlier attempt can have succeeded.
                if tries.count and (own := gcs_requests.landed(connection, name, write_id, tries)):
                    return own
                raise
            except Missing as error:
                lost(error)

        try:
            return connection.call(doing, send)
        except PreconditionFailed as error:
            raise self._conflict(key, replaces) from error

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
                except (OSError, ValueError) as error:
                    raise NotAllowed(
                        f"{doing}: the Google credentials can't be used ({error})."
                    ) from error
            return self._connection

    def _beside(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_THREADS, "labeler-gcs")
            return self._threads

    def _look(self, connection: Connection, name: str, tries: Tries) -> ObjectInfo:
        return gcs_requests.look(connection, name, self._prefix, tries)

    def _raise_missing(self, key: str, doing: str, error: Missing) -> NoReturn:
        """Raise NotFound, or NotAllowed if the bucket itself is missing."""
        if "No such object" not in server_said(error):
            self._check_bucket(doing)
        raise NotFound(f"There is no {key} in {self._place}.") from error

    def _check_bucket(self, doing: str) -> None:
        """Raise NotAllowed if the bucket does not exist."""
        connection = self._connected(doing)
        try:
            connection.call(
                doing,
                lambda tries: gcs_requests.list_page(connection, self._prefix, "", "", 1, tries),
            )
        except Missing as error:
            raise bucket_missing(self._bucket, doing) from error

    @property
    def _place(self) -> str:
        return f"gs://{self._bucket}/{self._prefix}".rstrip("/")

    def _conflict(self, key: str, named: Replaces) -> VersionConflict:
        happened = "is there already" if named is ABSENT else "has been changed since it was read"
        return VersionConflict(f"{key} {happened}: nothing was changed. Read it again.")


def _generation(version: Version) -> int | None:
    """The generation of a version; None for a text that can't be a version."""
    return int(version) if _GENERATION.fullmatch(version) else None
