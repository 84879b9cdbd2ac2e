"""What Cloud Run puts before the instances: each request to any of them, each websocket too."""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import suppress
from typing import Self
from weakref import WeakSet


class Proxy:
    """A loopback proxy over a changing set of instances; use it as a context manager.

    Every HTTP request goes to a random instance, whatever connection it comes on, and every
    websocket to a random one where it stays until it is cut. `seed` makes the choice repeatable
    as far as the browser's order of requests is.
    """

    def __init__(self, seed: int) -> None:
        self.instances: list[int] = []
        self.refuse: dict[str, int] = {}
        """How many more requests whose path has that text in it are answered 503."""
        self.answered: list[str] = []
        """The paths of requests that an instance has answered to the end."""
        self._random = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._websockets: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: WeakSet[asyncio.StreamWriter] = WeakSet()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def websockets(self) -> int:
        """How many are open."""
        return len(self._websockets)

    def passed_on(self, head: bytes) -> bytes:
        """What an instance gets as the head of a request."""
        return head

    def cut_websockets(self) -> None:
        """Cut every open websocket, as a service does at its request timeout."""

        def cut() -> None:
            for writer in list(self._websockets):
                writer.transport.abort()

        self._loop.call_soon_threadsafe(cut)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._connected, "127.0.0.1", 0, limit=2**20)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self._end(server))
        self._loop.close()

    async def _end(self, server: asyncio.Server) -> None:
        """End all connections, also those that have just come, and let their sockets close."""
        for listener in server.sockets:
            self._loop.remove_reader(listener)  # a closed server would lose those under way
        quiet = 0
        while quiet < 3:
            # Only our own tasks: those in which the loop accepts connections would leave sockets.
            for task in self._tasks:
                task.cancel()
            for writer in list(self._writers):
                writer.transport.abort()
            await asyncio.sleep(0.01)
            quiet = 0 if len(asyncio.all_tasks()) > 1 else quiet + 1
        server.close()

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a connection. It is closed also if its task is cancelled before it has begun."""
        self._writers.add(writer)
        task = self._loop.create_task(self._accept(reader, writer))
        self._tasks.add(task)

        def ended(_: object) -> None:
            self._tasks.discard(task)
            self._websockets.discard(writer)
            writer.close()

        task.add_done_callback(ended)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Either side may have gone, or the proxy ends.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._serve(reader, writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        upgrade = b"\r\nupgrade: websocket" in head.lower()
        try:
            path = head.split(b" ", 2)[1].decode()
            self._refuse(path)
            port = self._random.choice(self.instances)
            there, back = await asyncio.open_connection("127.0.0.1", port, limit=2**20)
        except (OSError, LookupError):
            writer.write(b"HTTP/1.1 503 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            return
        self._writers.add(back)
        if upgrade:
            self._websockets.add(writer)
        else:  # one request a connection, so that the next one may go elsewhere
            lines = [line for line in head.split(b"\r\n") if not _is_connection(line)]
            head = b"\r\n".join([lines[0], b"Connection: close", *lines[1:]])
        back.write(self.passed_on(head))
        sending = asyncio.create_task(_pump(reader, back))
        try:
            await _pump(there, writer)
            self.answered.append(path)
        finally:
            sending.cancel()
            back.close()

    def _refuse(self, path: str) -> None:
        for text, left in self.refuse.items():
            if text in path and left:
                self.refuse[text] = left - 1
                raise LookupError(text)


def _is_connection(line: bytes) -> bool:
    return line.lower().startswith((b"connection:", b"keep-alive:"))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(2**16):
        writer.write(data)
        await writer.drain()
