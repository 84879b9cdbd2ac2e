"""No call of the API fails by itself, whatever its path, parameters, headers and body are.

`make test` tries the same few inputs each time; `make fuzz` tries FUZZ new ones (100,000).
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from uvicorn.server import ServerState

from labeler.access.hosts import HostNames
from labeler.access.policy import load_access_policy
from labeler.access.sign_in_ways import SignInWays
from labeler.api import Front, SignInPage, Visitors, application
from labeler.model.document_change import CHANGE_TYPE
from labeler.project.project import open_project
from labeler.runtime.frames import STRANGERS_BYTES, BoundedWebSocket
from labeler.settings import load_settings
from tests.fuzzing import changed, changed_json, fuzzed, odd_texts
from tests.pictures import png
from tests.projects import old_document

IMAGE = "0" * 32
COMMENTED: dict[str, Any] = {
    **json.loads(old_document("a.png")),
    "comments": [{"id": "c1", "text": "look", "by": "", "at": "2026-01-01T00:00:00+00:00"}],
}
LABELS: dict[str, Any] = {"labels": [{"id": 1, "name": "object", "color": "#112233"}]}
BODIES: tuple[Any, ...] = (
    COMMENTED, LABELS, {"verdict": "return", "comment": {"text": "x", "rect": "a"}},
    {"version": "1"}, {"after": IMAGE, "status": ["unlabeled"]},
    {"status": ["done"], "split": "8/2"},
    {"rects": {"a": None, "b": {"left": 1}}, "comments": {"c1": {"text": "x"}}, "metadata": {}},
)  # fmt: skip
PARAMETERS = (
    "status", "label", "after", "before", "around", "find", "limit", "offset", "width", "version",
    "token", "format", "existing", "dry_run", "voc", "by", "images", "split", "seed", "part",
    "name", "person", "sort", "since", "until", "crop",
)  # fmt: skip
HEADERS = (
    "If-Match", "If-None-Match", "X-File-Name", "Authorization", "X-Labeler-Token", "Content-Type",
    "Content-Length", "Accept", "Accept-Encoding", "Range", "Origin", "Sec-Fetch-Site", "Cookie",
    "X-Labeler-Client", "X-Cloud-Trace-Context", "traceparent", "X-Forwarded-Proto", "Host",
    "Prefer", "Expect", "X-Goog-IAP-JWT-Assertion",
)  # fmt: skip


class Caller:
    """Calls the API as a server does, in one event loop, without one."""

    def __init__(self, folder: Path) -> None:
        settings = load_settings({"LABELER_STORAGE": str(folder), "LABELER_LABELS": "object"})
        self.project = open_project(settings)
        self.project.add_image("a.png", png())
        access = load_access_policy(settings)
        self.api = application(self.project, access, 2**20, 0)
        visitors = Visitors(access, lambda _: {})
        self.app = Front(
            self._streamlit, self.api, visitors, SignInPage(SignInWays()),
            takes_files=False, policy="", hosts=HostNames(frozenset({"h"})),
        )  # fmt: skip
        self.loop = asyncio.Runner()

    async def _streamlit(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def call(
        self, method: str, path: bytes, query: bytes, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, bytes]:
        return self.loop.run(self.run(method, path, query, headers, body))

    async def run(
        self, method: str, path: bytes, query: bytes, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, bytes]:
        """The status and body of the answer."""
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "path": path.decode("utf-8", "replace"), "raw_path": path, "query_string": query,
            "root_path": "", "scheme": "http", "client": ("127.0.0.1", 1), "server": ("h", 80),
            "headers": [(k.lower().encode(), v.encode("latin-1", "replace")) for k, v in headers],
        }  # fmt: skip
        return await self._run(scope, body)

    async def _run(self, scope: dict[str, Any], body: bytes) -> tuple[int, bytes]:
        status, answer, left = 0, b"", [{"type": "http.request", "body": body}]

        async def receive() -> Any:
            if left:
                return left.pop()
            return await asyncio.Future()  # the caller waits for the answer

        async def send(message: Any) -> None:
            nonlocal status, answer
            status = message.get("status", status)
            answer += message.get("body", b"")

        await self.app(scope, receive, send)
        return status, answer


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    made = Caller(tmp_path_factory.mktemp("calls"))
    yield made
    made.loop.close()
    made.project.close()


texts = odd_texts | st.text(max_size=8) | st.sampled_from(
    (IMAGE, "1", "done", "coco", "*", '"1"', 'W/"1"', "bytes=0-1", "0", "99999999999", "label,day",
     "a.png", "caf%C3%A9.png", "%", "%ff", "Bearer x.y", "eyJhbGciOiJub25lIn0.e30.", "true",
     CHANGE_TYPE)
)  # fmt: skip
pairs = st.lists(st.tuples(st.sampled_from(PARAMETERS), texts), max_size=3)
heads = st.lists(st.tuples(st.sampled_from(HEADERS), texts), max_size=3)
bodies = st.sampled_from(BODIES).flatmap(changed_json) | changed((png(),)) | st.binary(max_size=9)


def paths(caller: Caller) -> list[tuple[str, str]]:
    """Each method with each path of the API, and of the pages."""
    found = []
    for route in caller.api.routes:
        methods = sorted(getattr(route, "methods", None) or ())
        found += [(method, str(getattr(route, "path", "/"))) for method in methods]
    return sorted({*found, ("GET", "/"), ("GET", "/sign-in"), ("PUT", "/_stcore/upload_file/a/b")})


def test_no_call_fails_by_itself(caller: Caller) -> None:
    known = caller.project.list_images()[0].image_id

    @fuzzed(400)
    @given(st.sampled_from(paths(caller)), texts | st.just(known), pairs, heads, bodies)
    def run(call: tuple[str, str], part: str, query: Any, headers: Any, body: bytes) -> None:
        method, path = call
        filled = quote(part, safe="/", errors="surrogatepass")
        path = re.sub(r"\{[^}]*\}", lambda _: filled, path)
        asked = "&".join(f"{k}={quote(v, errors='surrogatepass')}" for k, v in query)
        status, answer = caller.call(
            method, path.encode(), asked.encode(),
            [("Host", "h"), ("X-Labeler-Client", "fuzz"), ("If-Match", "*"), *headers], body,
        )  # fmt: skip
        assert 200 <= status < 500, (status, answer)
        if status >= 400 and method != "HEAD":
            assert json.loads(answer)["error"]["message"]

    run()


HANDSHAKE = (
    b"GET /_stcore/stream HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Protocol: streamlit\r\n\r\n"
)
FRAMES = (
    HANDSHAKE + b"\x82\x85\0\0\0\0hello",
    HANDSHAKE + b"\x02\x85\0\0\0\0hello\x80\x85\0\0\0\0hello",
    HANDSHAKE + b"\xc2\x87\0\0\0\0\xcaH\xcd\xc9\xc9\x07\x00",
    HANDSHAKE + b"\x89\x80\0\0\0\0\x88\x82\0\0\0\0\x03\xe8",
    HANDSHAKE + b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x",
)


class Wire(asyncio.Transport):
    """A connection without a network; what is written to it is thrown away."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.closed = False

    def write(self, data: Any) -> None:
        """Nobody reads it."""

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None:
        """Nothing more comes."""

    def resume_reading(self) -> None:
        """Nothing more comes."""


async def _first_messages(data: bytes, half: int | None = None) -> list[int]:
    """The sizes of the messages that the program gets from a stranger who sends these bytes."""
    sizes: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "streamlit"})
        while (message := await receive())["type"] == "websocket.receive":
            sizes.append(len(message.get("bytes") or message.get("text") or ""))

    config = uvicorn.Config(app, ws=BoundedWebSocket, log_config=None, lifespan="off")
    config.load()
    state = ServerState()
    protocol = BoundedWebSocket(config, state, {}, asyncio.get_running_loop())
    wire = Wire()
    protocol.connection_made(wire)
    half = len(data) // 2 if half is None else half
    for piece in (data[:half], data[half:]):
        if not wire.closed:
            protocol.data_received(piece)
        await asyncio.sleep(0)
    for _ in range(30):  # turns of the loop: the program answers, and reads what has come
        await asyncio.sleep(0)
    protocol.connection_lost(None)
    async with asyncio.timeout(10):
        await asyncio.gather(*state.tasks)
    return sizes


def test_first_messages_of_strangers_stay_within_their_limit(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert asyncio.run(_first_messages(FRAMES[0])) == [5]
    # A frame that is malformed, wherever the request before it is cut in two.
    malformed = HANDSHAKE + b"\xff" * 20
    for half in range(len(HANDSHAKE) - 5, len(HANDSHAKE) + 5):
        assert asyncio.run(_first_messages(malformed, half)) == []
    with asyncio.Runner() as loop:

        @fuzzed(200)
        @given(changed(FRAMES) | st.binary(max_size=60).map(HANDSHAKE.__add__))
        def run(data: bytes) -> None:
            assert all(size <= STRANGERS_BYTES for size in loop.run(_first_messages(data)))

        run()
    # uvicorn logs text that is none with its traceback, and ends the connection.
    faults = [record for record in caplog.records if record.exc_info]
    assert [record for record in faults if "Invalid UTF-8" not in record.getMessage()] == []
