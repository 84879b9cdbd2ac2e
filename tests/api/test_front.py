"""The API before Streamlit, in the whole program: `python app.py` in a process of its own."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock
from urllib.parse import quote

import httpx
import pytest
from starlette.applications import Starlette
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime import Runtime
from streamlit.web.server.starlette.starlette_websocket import create_websocket_routes

from labeler.access.hosts import HostNames
from labeler.api import Front
from labeler.api.security_headers import content_security_policy
from labeler.runtime.sockets import send_at_once
from labeler.ui.first_page import first_page
from tests.api.support import WRITING, refused
from tests.loops import run_alone
from tests.pictures import png

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def internet() -> Iterator[str]:
    """A proxy to the internet that the program never asks for anything."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        yield f"http://127.0.0.1:{proxy.getsockname()[1]}"
        proxy.setblocking(False)
        with pytest.raises(BlockingIOError):
            proxy.accept()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, internet: str) -> Iterator[httpx.Client]:
    """A client of the program, which is well."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = tmp_path_factory.mktemp("program")
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "app.py"], cwd=ROOT, stdout=output, stderr=output,
            env={**os.environ, "PORT": str(port), "LABELER_STORAGE": str(folder / "data"),
                 "HTTP_PROXY": internet, "HTTPS_PROXY": internet, "NO_PROXY": ""},
        )  # fmt: skip
    with httpx.Client(
        base_url=f"http://127.0.0.1:{port}", headers=WRITING, timeout=120, trust_env=False
    ) as client:
        try:
            end = time.monotonic() + 60
            while True:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                try:
                    client.get("/api/health")
                    break
                except httpx.TransportError:
                    time.sleep(0.05)
            # It would say so where the address and the limits come after it has read its own.
            assert "config option" not in log.read_text()
            # Streamlit would say where it is, for which it asks a server on the internet.
            assert "view your Streamlit app" not in log.read_text()
            assert f"http://127.0.0.1:{port}\n" in log.read_text()
            yield client
        finally:
            process.terminate()
            process.wait(120)


def raw(client: httpx.Client, path: str, method: str = "GET") -> httpx.Response:
    """The path as it is written, which httpx would tidy up."""
    return client.request(method, client.base_url.copy_with(raw_path=path.encode()))


@pytest.mark.parametrize("path", ["/", "/_stcore/health", "/apiary", "/?image=api"])
def test_streamlit_answers_what_is_its_own(program: httpx.Client, path: str) -> None:
    answer = program.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/")


def test_no_other_site_hears_an_address(program: httpx.Client) -> None:
    """It may name an image, or hold a token."""
    for path, policy in (
        ("/?image=abc", "same-origin"),
        ("/_stcore/health", "same-origin"),
        ("/api/images/abc?token=x", "no-referrer"),
        ("/api/nothing", "no-referrer"),
    ):
        assert program.get(path).headers.get_list("Referrer-Policy") == [policy]


def test_a_page_says_what_it_may_run_and_that_nobody_may_frame_it(program: httpx.Client) -> None:
    headers = program.get("/", headers={"X-Forwarded-Proto": "https"}).headers
    assert headers["Content-Security-Policy"] == content_security_policy(first_page())
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" not in program.get("/").headers


@pytest.mark.parametrize("path", ["/", "/api/images", "/api/openapi.json", "/_stcore/host-config"])
def test_a_name_that_leads_here_is_not_ours(program: httpx.Client, path: str) -> None:
    """DNS rebinding: to the browser, the page of such a name is of the same origin."""
    foreign = {"Host": "evil.example:8501", "Origin": "http://evil.example:8501"}
    refused(program.get(path, headers=foreign), 421, "wrong_host", "LABELER_HOSTS")
    upload = program.post("/api/images", content=png(), headers={**foreign, "X-File-Name": "a.png"})
    refused(upload, 421, "wrong_host")
    assert program.get("/api/images").json()["images"] == []
    for probe in ("/api/health", "/api/ready", "/_stcore/health"):
        assert program.get(probe, headers={"Host": "10.1.2.3:8501"}).status_code == 200
    assert program.get("/", headers={"Host": "localhost"}).status_code == 200


def handshake(client: httpx.Client, *headers: str) -> int:
    """The status of the answer to a page that opens its websocket with these headers."""
    host, port = client.base_url.host, client.base_url.port or 80
    lines = [
        "GET /_stcore/stream HTTP/1.1", "Connection: Upgrade",
        "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: streamlit",
        *(header.format(here=f"{host}:{port}", port=port) for header in headers), "", "",
    ]  # fmt: skip
    with socket.create_connection((host, port), timeout=120) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.recv(200)
    return int(answer.split()[1])


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://{here}", 101),
        ("http://evil.example", 403),
        ("null", 403),
        ("http://{here}.evil.example", 403),
        ("http://localhost:1", 403),
        ("http://127.0.0.1:1", 403),
    ],
)
def test_no_page_of_another_site_opens_a_session(
    program: httpx.Client, origin: str, status: int
) -> None:
    assert handshake(program, "Host: {here}", f"Origin: {origin}") == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Host: evil.example:{port}", "Origin: http://evil.example:{port}"], 403),
        (["Host: evil.example", "Origin: http://evil.example"], 403),
        (["Host: evil.example"], 403),
        (["Host: {here}.evil.example", "Origin: http://{here}.evil.example"], 403),
        (["Host: 127.0.0.1.evil.example", "Origin: http://127.0.0.1.evil.example"], 403),
        (["Host: 10.0.0.7:{port}", "Origin: http://10.0.0.7:{port}"], 403),
        (["Host: {here}", "X-Forwarded-Host: evil.example", "Origin: http://evil.example"], 403),
        (["Host: {here}"], 101),
        (["Host: localhost:{port}", "Origin: http://localhost:{port}"], 101),
        (["Host: [::1]:{port}", "Origin: http://[::1]:{port}"], 101),
        # Streamlit's own comparison is stricter, and asks on the internet where they differ.
        (["Host: 127.1.2.3:80", "Origin: http://127.1.2.3"], 101),
        (["Host: 127.1.2.3", "Origin: https://127.1.2.3:443"], 101),
    ],
)
def test_no_name_that_leads_here_opens_a_session(
    program: httpx.Client, headers: list[str], status: int
) -> None:
    """DNS rebinding: to the browser, such a page and its websocket are of the same origin."""
    assert handshake(program, *headers) == status


def test_a_session_that_names_two_hosts_is_refused(program: httpx.Client) -> None:
    assert handshake(program, "Host: {here}", "Host: evil.example") in (400, 403)


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/nothing", "/api/images/%2e%2e/%2e%2e", "/api/%2e%2e%2f", "/api/a%00b",
     "/api/C:%5cWindows", "/api/%5c%5cserver"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_api_answers_what_streamlit_would_answer_otherwise(
    program: httpx.Client, path: str, method: str
) -> None:
    refused(raw(program, path, method), 404, "not_found")


@pytest.mark.parametrize(
    "path", ["/_stcore/metrics", "/_stcore/metrics/", "/x/_stcore/metrics", "/_stcore%2fmetrics"]
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_metrics_are_nobody_s_business(program: httpx.Client, path: str, method: str) -> None:
    answer = raw(program, path, method)
    assert answer.status_code == 404
    assert b"session" not in answer.content


def test_the_page_is_steered_by_itself_only(program: httpx.Client) -> None:
    answer = program.get("/_stcore/host-config")
    assert answer.headers["Content-Type"] == "application/json"
    host = f"127.0.0.1:{program.base_url.port}"
    assert answer.json()["allowedOrigins"] == [f"https://{host}", f"http://{host}"]
    assert answer.json()["useExternalAuthToken"] is False


def test_a_box_travels_through_the_whole_program(program: httpx.Client) -> None:
    name = {"X-File-Name": quote("café.png")}
    image_id = program.post("/api/images", content=png(), headers=name).json()["image_id"]
    path = f"/api/annotations/{image_id}"
    answer = program.get(path)
    document = answer.json()
    document["rects"] = [{"left": 1, "top": 2, "width": 3, "height": 4, "label": "object"}]
    saved = program.put(path, json=document, headers={"If-Match": answer.headers["ETag"]})
    assert saved.status_code == 200
    assert "Content-Encoding" not in program.get(path).headers
    assert program.get(f"/api/images/{image_id}").content == png()
    (box,) = program.get("/api/export/coco").json()["annotations"]
    assert box["bbox"] == [1, 2, 3, 4]


def test_an_answer_is_sent_at_once_on_sockets_that_others_made() -> None:
    """As Streamlit makes them; asyncio leaves such a socket's connections alone."""
    with socket.socket(socket.AF_INET) as listener, socket.socket(socket.AF_INET) as closed:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        closed.bind(("127.0.0.1", 0))
        send_at_once()
        with socket.create_connection(listener.getsockname()) as client:
            connection, _ = listener.accept()
            with connection:
                assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            assert not client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not closed.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_browser_that_is_gone_when_it_is_sent_something_leaves_no_traceback() -> None:
    """Streamlit takes that for a message of text, and closes a connection that is closed."""
    runtime, sessions = Mock(spec=Runtime), []

    def connect(client: Any, **_: Any) -> str:
        sessions.append(client)
        return "session"

    runtime.connect_session.side_effect = connect
    streamlit = Starlette(routes=create_websocket_routes(runtime, None))
    everybody = Mock(require_labeler=_allowed)
    front = Front(
        streamlit, Mock(), everybody, Mock(), takes_files=False, policy="", hosts=HostNames()
    )

    async def visit() -> None:
        refused = asyncio.Event()
        come = [{"type": "websocket.connect"}]

        async def receive() -> Any:
            if come:
                return come.pop()
            sessions[0].write_forward_msg(ForwardMsg())
            await refused.wait()
            return {
                "type": "websocket.receive",
                "bytes": BackMsg(rerun_script=ClientState()).SerializeToString(),
            }

        async def send(message: Any) -> None:
            if message["type"] == "websocket.send":
                refused.set()
                raise ConnectionResetError

        await front(
            {"type": "websocket", "path": "/_stcore/stream", "headers": [(b"host", b"here")],
             "query_string": b"", "subprotocols": []},
            receive, send,
        )  # fmt: skip

    run_alone(visit())
    runtime.disconnect_session.assert_called_once()


async def _allowed(_: Any) -> None:
    return None
