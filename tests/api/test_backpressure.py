"""Images on their way to callers who take their time: a bound to their bytes, and to the time."""

from __future__ import annotations

import socket

import pytest

from labeler.api import backpressure
from tests.api.conftest import Open
from tests.api.support import Api, refused
from tests.pictures import png
from tests.waiting import settled

LARGE = 12 * 2**20
"""More than the machine itself holds of what nobody reads."""


def slow_reader(api: Api, image_id: str) -> socket.socket:
    """Somebody who asks for the image and takes nothing of it."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(30)
    reader.connect(("127.0.0.1", api.served.port))
    reader.sendall(f"GET /api/images/{image_id} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert reader.recv(12) == b"HTTP/1.1 200"
    return reader


def test_large_images_on_their_way_stay_within_a_number_of_bytes(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.images._SENT_BYTES", 20 * 2**20)
    api = open_api()
    data = png(640, 480) + bytes(LARGE)
    image_id = api.image("a.png", data)
    path = f"/api/images/{image_id}"
    with slow_reader(api, image_id):
        answer = api.client.get(path)
        refused(answer, 503, "busy", "large images")
        assert answer.headers["Retry-After"]
        assert api.client.get(f"{path}?width=100").status_code == 200
    assert settled(lambda: api.client.get(path).status_code == 200)
    assert api.client.get(path).content == data


def test_one_large_image_is_sent_whatever_its_size(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.images._SENT_BYTES", 100)
    api = open_api()
    data = png() + bytes(2 * backpressure.SMALL)
    path = f"/api/images/{api.image('a.png', data)}"
    assert api.client.get(path).content == data
    assert api.client.head(path).headers["Content-Length"] == str(len(data))
    assert api.client.get(path).content == data


def test_who_takes_too_long_is_disconnected(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.images._SENT_BYTES", 20 * 2**20)
    monkeypatch.setattr(backpressure, "GRACE_S", 0.2)
    monkeypatch.setattr(backpressure, "SLOWEST", 2**40)
    api = open_api()
    image_id = api.image("a.png", png() + bytes(LARGE))
    with slow_reader(api, image_id) as reader:
        assert settled(lambda: api.client.head(f"/api/images/{image_id}").status_code == 200)
        received = 0
        while part := reader.recv(2**20):
            received += len(part)
    assert received < LARGE
