"""Calls to other servers against those that send without end, too much, or elsewhere."""

from __future__ import annotations

import threading
import urllib.error
from collections.abc import Iterator
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from labeler.runtime.http_fetch import fetch
from tests.endless import endless_server

ANSWER = b"HTTP/1.1 200 OK\r\n"


class Server:
    """Answers /large with 100 MB, /inward with a redirect to /, all else with `fine`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                self.send_response(302 if self.path == "/inward" else 200)
                if self.path == "/inward":
                    self.send_header("Location", "/")
                self.end_headers()
                try:
                    for _ in range(100 if self.path == "/large" else 0):
                        self.wfile.write(b"x" * 2**20)
                    self.wfile.write(b"fine")
                except OSError:
                    outer.asked.append("cut off")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    thread = threading.Thread(target=found.server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    found.server.shutdown()
    thread.join()
    found.server.server_close()


@pytest.mark.parametrize(
    ("beginning", "again"),
    [
        (b"", b"H"),
        (ANSWER, b"x"),
        (ANSWER + b"X: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (ANSWER + b"\r\n", b"x"),
        (ANSWER + b"Content-Length: 1000000\r\n\r\n", b"x"),
        (ANSWER + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ],
    ids=["status", "header", "value", "interim", "body", "length", "chunk"],
)
def test_an_answer_without_an_end_is_given_up(beginning: bytes, again: bytes) -> None:
    failures: list[Exception] = []

    def call() -> None:
        try:
            fetch(address, 0.5, 10_000_000)
        except (OSError, HTTPException) as error:
            failures.append(error)

    with endless_server(beginning, again) as address:
        caller = threading.Thread(target=call, daemon=True)
        caller.start()
        caller.join(60)
        assert not caller.is_alive()
    assert isinstance(failures[0], TimeoutError), failures


def test_no_more_is_read_than_is_wanted(server: Server) -> None:
    assert fetch(f"{server.address}/large", 60, 10) == b"x" * 10
    assert fetch(server.address, 60, 10) == b"fine"


def test_a_redirect_is_not_followed(server: Server) -> None:
    with pytest.raises(urllib.error.HTTPError, match="302"):
        fetch(f"{server.address}/inward", 60, 10)
    assert server.asked == ["/inward"]


def test_a_server_that_is_away_is_an_oserror(server: Server) -> None:
    with pytest.raises(OSError, match="refused"):
        fetch("http://127.0.0.1:1/", 60, 10)
