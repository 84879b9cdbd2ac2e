"""Read many small objects at once: parallel downloads on one event loop, results in order.

With one thread per download, each costs about 1 ms of Python; on one event loop a seventh of that
(docs/adr/0002-bulk-reads.md has the figures).
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import islice
from typing import Final

import aiohttp
from google.api_core.exceptions import GoogleAPICallError, from_http_status

from labeler.errors import DamagedObject
from labeler.runtime.events import Retry, log_event
from labeler.storage.base import Version
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_errors import explain, may_pass, server_said
from labeler.storage.gcs_media import AS_STORED, Checksum, generation_in, media_url
from labeler.storage.operations import OPERATIONS

BATCH: Final = 32
BATCHES_AHEAD: Final = 8
CONNECTIONS: Final = 128
MAX_HELD: Final = 32 * 1024 * 1024
"""Bytes held ahead of the reader, estimated from the last batch."""

_FAILURES: Final = (aiohttp.ClientError, OSError, asyncio.TimeoutError)


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The bytes of an object and their version."""

    data: bytes
    version: Version


class BulkReader:
    """Reads many objects of one bucket; its event loop has its own thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._policy = connection.policy
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="labeler-gcs-bulk", daemon=True
        )
        self._thread.start()
        self._session = asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def read(self, names: Iterable[tuple[str, str]]) -> Iterator[tuple[str, BulkResult | None]]:
        """For each key and object name, in order, the key and its bytes; None where missing.

        At most 8 batches of 32 objects are held, fewer if the objects are large. Raises the errors
        of a single read, except NotFound.
        """
        todo = iter(names)
        under_way: deque[tuple[list[tuple[str, str]], Future[list[BulkResult | None]]]] = deque()
        ahead = 2  # until the first batch shows how large the objects are
        try:
            while True:
                while len(under_way) < ahead and (batch := list(islice(todo, BATCH))):
                    under_way.append((batch, self._submit([name for _, name in batch])))
                if not under_way:
                    return
                batch, answer = under_way.popleft()
                answers = answer.result()
                size = sum(len(found.data) for found in answers if found)
                ahead = max(1, min(BATCHES_AHEAD, MAX_HELD // (size + 1)))
                for (key, _), found in zip(batch, answers, strict=True):
                    yield key, found
        finally:
            for _, answer in under_way:
                answer.cancel()

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _submit(self, names: list[str]) -> Future[list[BulkResult | None]]:
        # Here, not on the loop: fetching a new token would block all downloads.
        headers = self._connection.call(
            "Objects can't be read", lambda _: self._connection.headers()
        )
        return asyncio.run_coroutine_threadsafe(self._fetch_all(names, headers), self._loop)

    async def _start(self) -> aiohttp.ClientSession:
        connect, wait = self._policy.start().timeout
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=wait),
            headers=AS_STORED,
            auto_decompress=False,
            trust_env=self._connection.asks_environment,
        )

    async def _stop(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._session.close()

    async def _fetch_all(
        self, names: list[str], headers: dict[str, str]
    ) -> list[BulkResult | None]:
        failures: list[Exception] = []
        answers = await asyncio.gather(
            *(self._fetch(name, headers, failures) for name in names), return_exceptions=True
        )
        if failures:
            log_event(Retry(repeated=len(failures), reason=server_said(failures[-1])))
        found: list[BulkResult | None] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            found.append(answer)
        return found

    async def _fetch(
        self, name: str, headers: dict[str, str], failures: list[Exception]
    ) -> BulkResult | None:
        """The object, or None if it is missing; `failures` collects reasons for retries."""
        url = media_url(self._connection.endpoint, self._connection.bucket.name, name)
        tries = self._policy.start()
        damaged = 0
        while True:
            error: Exception
            OPERATIONS.count("GET", url)
            try:
                async with self._session.get(url, headers=headers) as response:
                    data = await response.read()
                if response.status == 200:
                    checksum = Checksum(response.headers)
                    checksum.feed(data)
                    if checksum.fits():
                        return BulkResult(data, generation_in(response.headers))
                    damaged += 1
                    if damaged > 1:
                        raise DamagedObject(
                            f"{name} can't be read: what arrived is not what the bucket holds."
                        )
                    continue
                if response.status == 404:
                    return None
                error = _error(response.status, data)
            except _FAILURES as caught:
                error = caught
            if not may_pass(error) or (delay := tries.next_delay()) is None:
                raise explain(
                    error, self._connection.bucket.name, f"{name} can't be read"
                ) from error
            failures.append(error)
            await asyncio.sleep(delay)


def _error(status: int, body: bytes) -> GoogleAPICallError:
    """The error for an unsuccessful answer; its body is JSON or text."""
    try:
        told = json.loads(body)["error"]
        message, details = str(told["message"]), told.get("errors", ())
    except (ValueError, KeyError, TypeError, AttributeError):
        message, details = body.decode("utf-8", "replace").strip()[:300], ()
    error: GoogleAPICallError = from_http_status(status, message, errors=details)
    return error
