"""What a websocket holds of a sender whom nobody has read yet, counted in bytes."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import uvicorn

from labeler.runtime.frames import (
    MOST_BYTES,
    PIECE_BYTES,
    STRANGERS_BYTES,
    BoundedWebSocket,
)
from labeler.runtime.sockets import ALLOW_LARGE
from tests.loops import run_alone


class App:
    """Takes every websocket, and reads from it what it is told to."""

    def __init__(self, *, known: bool) -> None:
        self.known = known
        self.reading = asyncio.Event()
        self.got: list[dict[str, Any]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if self.known:
            scope["extensions"][ALLOW_LARGE]()
        await receive()
        await send({"type": "websocket.accept"})
        await self.reading.wait()
        while True:
            self.got.append(await receive())
            if self.got[-1]["type"] == "websocket.disconnect":
                return

    def sizes(self) -> list[int]:
        return [len(one["bytes"]) for one in self.got if one["type"] == "websocket.receive"]


@asynccontextmanager
async def served(
    app: App, protocol: Any = BoundedWebSocket
) -> AsyncIterator[tuple[uvicorn.Server, aiohttp.ClientWebSocketResponse]]:
    config = uvicorn.Config(app, port=0, ws=protocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as http:
        # Packed, as browsers have it.
        socket = await http.ws_connect(f"http://127.0.0.1:{port}", compress=12, max_msg_size=0)
        yield server, socket
        app.reading.set()
        await socket.close()
    server.should_exit = True
    await serving


def send_raw(socket: aiohttp.ClientWebSocketResponse, data: bytes) -> None:
    connection: Any = socket._conn
    connection.transport.write(data)


def unread(server: uvicorn.Server) -> int:
    """The bytes of messages that wait to be read by the program."""
    [connection] = server.server_state.connections
    waiting: Any = connection
    return sum(len(one.get("bytes", b"")) for one in waiting.queue._queue)


def packed_frame(size: int) -> bytes:
    """A frame of that many zeros, as a client sends it: packed, and masked by nothing."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    body = packer.compress(bytes(size)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = body.removesuffix(b"\x00\x00\xff\xff")
    length = bytes([0x80 | len(body)]) if len(body) < 126 else b"\xfe" + len(body).to_bytes(2)
    return b"\xc2" + length + bytes(4) + body


@pytest.mark.parametrize("known", [False, True])
def test_packed_frames_are_taken_apart_only_when_they_are_read(known: bool) -> None:
    frame = packed_frame(STRANGERS_BYTES)
    count = 3000
    assert len(frame) * count < 2**19  # of 190 MB

    async def run() -> None:
        app = App(known=known)
        async with served(app) as (server, socket):
            send_raw(socket, frame * count)
            most = 0
            for _ in range(50):
                await asyncio.sleep(0.01)
                most = max(most, unread(server))
            assert 0 < most <= STRANGERS_BYTES * (PIECE_BYTES // len(frame) + 1)
            app.reading.set()
            while len(app.got) < count:
                await asyncio.sleep(0.01)
                assert unread(server) <= most
            assert app.sizes() == [STRANGERS_BYTES] * count

    run_alone(asyncio.wait_for(run(), 60))


@pytest.mark.parametrize(("known", "most"), [(False, STRANGERS_BYTES), (True, MOST_BYTES)])
@pytest.mark.parametrize("compress", [0, 12])
def test_a_message_has_a_bound(known: bool, most: int, compress: int) -> None:
    async def run() -> None:
        app = App(known=known)
        app.reading.set()
        async with served(app) as (_, socket):
            await socket.send_bytes(bytes(most), compress=compress)
            while not app.got:
                await asyncio.sleep(0.01)
            assert app.sizes() == [most]
            await socket.send_bytes(bytes(most + 1), compress=compress)
            answer = await socket.receive()
            assert (answer.type, answer.data) == (aiohttp.WSMsgType.CLOSE, 1009)
        assert app.sizes() == [most]

    run_alone(asyncio.wait_for(run(), 60))


def test_uvicorn_by_itself_still_takes_all_apart_at_once() -> None:
    """Once this fails, frames.BoundedWebSocket needs no pieces any more."""
    frame = packed_frame(STRANGERS_BYTES)

    async def run() -> None:
        async with served(App(known=False), "websockets-sansio") as (server, socket):
            send_raw(socket, frame * 500)
            while unread(server) <= STRANGERS_BYTES * (PIECE_BYTES // len(frame) + 1):
                await asyncio.sleep(0.01)

    run_alone(asyncio.wait_for(run(), 60))
