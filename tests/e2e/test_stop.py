"""The program ends when it is told to, whatever its callers do."""

from __future__ import annotations

import json
import socket
import urllib.request
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.conftest import Serve, Server
from tests.pictures import encoded, png
from tests.waiting import settled

pytestmark = pytest.mark.e2e


def upload(server: Server, data: bytes) -> str:
    request = urllib.request.Request(
        f"{server.url}/api/images",
        data=data,
        headers={"X-File-Name": "big.png", "X-Labeler-Client": "test"},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(json.load(answer)["image_id"])


def connected(server: Server, request: str, status: int) -> socket.socket:
    """A caller who has asked that, and takes the first bytes of the answer only."""
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.connect(("127.0.0.1", server.port))
    lines = [request, f"Host: 127.0.0.1:{server.port}"]
    caller.sendall("\r\n".join([*lines, "", ""]).encode())
    assert caller.recv(12) == f"HTTP/1.1 {status}".encode()
    return caller


def test_callers_who_do_not_read_keep_no_server_from_ending(serve: Serve) -> None:
    server = serve()
    image_id = upload(server, encoded(Image.effect_noise((4000, 3000), 100)))
    key = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"
    websocket = f"{key}\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    with (
        connected(server, f"GET /api/images/{image_id} HTTP/1.1", 200),
        connected(server, f"GET /_stcore/stream HTTP/1.1\r\n{websocket}", 101),
    ):
        assert server.stop() == 0


def decoders_of(process_id: int) -> list[int]:
    """The processes that the server has started and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            command = path.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if state != "Z" and int(parent) == process_id and b"decoder_worker" in command:
            found.append(int(path.parent.name))
    return found


@pytest.mark.parametrize("kill", [False, True])
def test_no_decoder_is_left_of_a_server_that_has_ended(serve: Serve, kill: bool) -> None:
    server = serve()
    upload(server, png())
    assert server.process
    (decoder,) = decoders_of(server.process.pid)
    server.stop(kill=kill)
    assert settled(lambda: not Path(f"/proc/{decoder}").exists())
