"""Connections whose callers do nothing more: each ends, and its descriptor is free again."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from labeler.runtime import connections
from labeler.runtime.connections import LONGEST_S, BoundedConnection, Wait
from labeler.runtime.frames import BoundedWebSocket
from tests.loops import run_alone

LARGE = 2**25
HEAD = b"Host: 127.0.0.1\r\n"
CHUNKED = b"PUT / HTTP/1.1\r\n" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
WEBSOCKET = (
    b"GET / HTTP/1.1\r\n" + HEAD + b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class App:
    """Answers a call with a body of `size` bytes; of the call's own body it reads what it wants."""

    def __init__(self, size: int = 2, *, reads: bool = False, gives_up: bool = False) -> None:
        self.size = size
        self.reads = reads
        self.gives_up = gives_up
        self.ended = asyncio.Event()
        self.got: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.send", "bytes": bytes(self.size)})
            await send({"type": "websocket.close"})
            self.ended.set()
            return
        while self.reads:
            message = await receive()
            self.got.append(message["type"])
            if not message.get("more_body"):
                break
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(self.size // 2**16):
            body = {"type": "http.response.body", "body": bytes(2**16), "more_body": True}
            if self.gives_up:
                await asyncio.wait_for(send(body), 1)
            else:
                await send(body)
        await send({"type": "http.response.body", "body": b"ok"})
        self.ended.set()


@asynccontextmanager
async def served(
    app: App,
) -> AsyncIterator[tuple[uvicorn.Server, Callable[[], Awaitable[Any]]]]:
    """The server, and a function that connects to it with little room for what is not read."""
    config = uvicorn.Config(
        app, port=0, http=BoundedConnection, ws=BoundedWebSocket, lifespan="off", log_config=None,
        ws_ping_interval=0.2, ws_ping_timeout=0.2,
    )  # fmt: skip
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    opened = []

    async def connect() -> socket.socket:
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
        opened.append(one)
        return one

    try:
        yield server, connect
    finally:
        for one in opened:
            one.close()
        server.should_exit = True
        await serving


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.01)


def wait_shortly(monkeypatch: pytest.MonkeyPatch, *waits: Wait) -> None:
    """The named waits end at the second look at them; all others last longer than any test."""
    monkeypatch.setattr(connections, "LOOK_S", 0.05)
    for wait in Wait:
        monkeypatch.setitem(LONGEST_S, wait, 0.0 if wait in waits else 1e6)


@pytest.mark.parametrize(
    ("sent", "wait"),
    [
        (b"", Wait.REQUEST),
        (b"GET / HTTP/1.1\r\nHost: 127", Wait.REQUEST),
        (b"GET / HTTP/1.1\r\n" + HEAD + b"\r\nGET /again", Wait.REQUEST),
        (CHUNKED + b"5\r\nabc", Wait.REST),
    ],
    ids=["nothing", "half a request", "half of the next one", "half a body"],
)
def test_who_does_not_go_on_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, sent: bytes, wait: Wait
) -> None:
    wait_shortly(monkeypatch, wait)

    async def run() -> None:
        async with served(App()) as (server, connect):
            one = await connect()
            await asyncio.get_running_loop().sock_sendall(one, sent)
            await until(lambda: server.server_state.total_requests == (b"\r\n\r\n" in sent))
            await until(lambda: not server.server_state.connections)

    run_alone(run())


@pytest.mark.parametrize(
    ("app", "sent", "waits"),
    [
        (App(LARGE), b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n", (Wait.READER,)),
        (
            App(LARGE, gives_up=True),
            b"GET / HTTP/1.1\r\n" + HEAD + b"\r\n",
            (Wait.GIVEN_UP,),
        ),
        (App(LARGE), WEBSOCKET, (Wait.CLOSING,)),
    ],
    ids=["an answer", "an answer that is cut off", "a message"],
)
def test_who_reads_nothing_is_disconnected(
    monkeypatch: pytest.MonkeyPatch, app: App, sent: bytes, waits: tuple[Wait, ...]
) -> None:
    wait_shortly(monkeypatch, *waits)

    async def run() -> None:
        async with served(app) as (server, connect):
            one = await connect()
            await asyncio.get_running_loop().sock_sendall(one, sent)
            await until(lambda: bool(server.server_state.connections))
            await until(lambda: not server.server_state.connections)
            await until(lambda: not server.server_state.tasks)

    run_alone(run())


def test_a_call_that_is_under_way_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_shortly(monkeypatch)

    async def run() -> None:
        app = App(2**18, reads=True)
        async with served(app) as (server, connect):
            one = await connect()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(one, CHUNKED + b"5\r\nabc")
            await until(lambda: app.got == ["http.request"])
            wait_shortly(monkeypatch, *Wait)
            [connection] = server.server_state.connections
            watched: Any = connection
            looks: set[Any] = set()

            def is_looked_at() -> bool:
                looks.add(watched._watch._timer)
                return len(looks) > 3

            await until(is_looked_at)
            wait_shortly(monkeypatch)
            await loop.sock_sendall(one, b"de\r\n0\r\n\r\n")
            got = 0
            while got < app.size:
                got += len(await loop.sock_recv(one, 4096))
            await app.ended.wait()

    run_alone(asyncio.wait_for(run(), 60))


@pytest.mark.parametrize("reads", [False, True])
@pytest.mark.parametrize("size", ["-5", "f" * 30, "zz"])
def test_a_malformed_body_fails_no_call(
    caplog: pytest.LogCaptureFixture, size: str, reads: bool
) -> None:
    async def run() -> bytes:
        app = App(reads=reads)
        async with served(app) as (server, connect):
            one = await connect()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(one, CHUNKED + size.encode() + b"\r\nabcde\r\n0\r\n\r\n")
            answer = b""
            while data := await loop.sock_recv(one, 4096):
                answer += data
            await until(lambda: not server.server_state.tasks)
            assert app.got in ([], ["http.disconnect"])
            return answer

    answer = run_alone(asyncio.wait_for(run(), 60))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]


def test_a_malformed_body_ends_an_answer_that_has_begun(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    wait_shortly(monkeypatch, Wait.GIVEN_UP)

    async def run() -> None:
        app = App(LARGE)
        async with served(app) as (server, connect):
            one = await connect()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(one, CHUNKED)
            assert (await loop.sock_recv(one, 4096)).startswith(b"HTTP/1.1 200 ")
            await loop.sock_sendall(one, b"zz\r\n")
            await until(lambda: not server.server_state.tasks)
            one.close()

    run_alone(asyncio.wait_for(run(), 60))
    assert not [one for one in caplog.records if one.levelno >= logging.ERROR]
