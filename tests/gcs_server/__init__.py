"""A small strict Cloud Storage server for tests and benchmarks.

Strict: preconditions hold on reads, writes, patches and deletes; every write gets a generation
that the object never had; pages have at most 1,000 names; checksums are checked before anything
is kept; an upload is whole or not at all; `fields` leaves out what was not asked for.

    with GcsServer(buckets=["labels"]) as server:
        server.url                            # for STORAGE_EMULATOR_HOST
        server.bucket("labels").settings["versioning"] = {"enabled": True}
        server.faults.add(Fault("reset_after"), method="POST", path="/upload/")

`python -m tests.gcs_server --bucket labels --added-ms 30` runs it in a process of its own.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from types import TracebackType

from tests.gcs_server.faults import Fault, Faults
from tests.gcs_server.model import Bucket, StoredObject
from tests.gcs_server.service import Service
from tests.gcs_server.wire import Connection, Request, Response

__all__ = ["Bucket", "Fault", "Faults", "GcsServer", "Request", "StoredObject"]

KEPT_REQUESTS = 10_000


class GcsServer:
    """The server in a thread of its own; use it as a context manager.

    Whatever it holds may be looked at and changed from the tests' threads under `lock`; the
    methods here take it themselves. `added_ms` is the latency added to each answer. With
    `write_interval_s` a second write to one object within that time is answered by 429.
    `metadata_headers` sends custom metadata with JSON media downloads, as some emulators do.
    With a `token` every request must carry it; `POST /token` gives it to a service account.
    """

    def __init__(
        self,
        *,
        buckets: Sequence[str] = (),
        added_ms: float = 0,
        write_interval_s: float = 0.0,
        metadata_headers: bool = False,
        token: str = "",
        port: int = 0,
    ) -> None:
        self.lock = threading.RLock()
        self.faults = Faults()
        self.added_ms = added_ms
        self.requests: deque[Request] = deque(maxlen=KEPT_REQUESTS)
        self._service = Service()
        self._service.write_interval_s = write_interval_s
        self._service.metadata_headers = metadata_headers
        self._service.token = token
        for name in buckets:
            self.create_bucket(name)
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._connections: set[Connection] = set()
        self._thread = threading.Thread(target=self._run, name="gcs-server", daemon=True)
        self._ready = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def bucket(self, name: str) -> Bucket:
        """A bucket that is there; KeyError."""
        with self.lock:
            return self._service.buckets[name]

    def create_bucket(self, name: str) -> Bucket:
        with self.lock:
            return self._service.buckets.setdefault(name, Bucket(name))

    def drop_bucket(self, name: str) -> None:
        """Take the bucket away with all that is in it."""
        with self.lock:
            del self._service.buckets[name]

    def start(self) -> None:
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> GcsServer:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listener = self._loop.run_until_complete(
            self._loop.create_server(self._connect, "127.0.0.1", self._port, backlog=512)
        )
        self._port = listener.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(listener))
        self._loop.close()

    async def _end(self, listener: asyncio.Server) -> None:
        """Leave no connection open, not even one that is being accepted or that nobody reads."""
        listener.close()
        for connection in list(self._connections):
            connection.close()
        await asyncio.sleep(0)
        while self._connections or len(asyncio.all_tasks()) > 1:
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0)

    def _connect(self) -> Connection:
        return Connection(self._handle, self._pick, lambda: self.added_ms / 1000, self._connections)

    def _handle(self, request: Request) -> Response:
        with self.lock:
            return self._service.handle(request)

    def _pick(self, request: Request) -> Fault | None:
        with self.lock:
            self.requests.append(request)
            return self.faults.pick(request.method, request.line)
