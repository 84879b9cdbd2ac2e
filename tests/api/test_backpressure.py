"""Answers on their way to callers who take their time: a bound to their bytes, and to the time."""

from __future__ import annotations

import socket
import time

import pytest

from labeler.api import backpressure
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.pictures import png
from tests.waiting import settled

LARGE = 12 * 2**20
"""More than the machine itself holds of what nobody reads."""


def slow_reader(api: Api, path: str, person: str = "") -> socket.socket:
    """Somebody who asks for that and takes nothing of it."""
    more = f"\r\nAuthorization: Bearer {api.token(person, time.time())}" if person else ""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    reader.settimeout(30)
    reader.connect(("127.0.0.1", api.served.port))
    reader.sendall(f"GET {path} HTTP/1.1\r\nHost: x{more}\r\n\r\n".encode())
    assert reader.recv(12) == b"HTTP/1.1 200"
    return reader


def test_large_images_on_their_way_stay_within_a_number_of_bytes(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.routes._SENT_BYTES", 20 * 2**20)
    api = open_api()
    data = png(640, 480) + bytes(LARGE)
    image_id = api.image("a.png", data)
    path = f"/api/images/{image_id}"
    with slow_reader(api, path):
        answer = api.client.get(path)
        refused(answer, 503, "busy", "large answers")
        assert answer.headers["Retry-After"]
        assert api.client.get(f"{path}?width=100").status_code == 200
    assert settled(lambda: api.client.get(path).status_code == 200)
    assert api.client.get(path).content == data


def test_one_large_image_is_sent_whatever_its_size(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.routes._SENT_BYTES", 100)
    api = open_api()
    data = png() + bytes(2 * backpressure.SMALL)
    path = f"/api/images/{api.image('a.png', data)}"
    assert api.client.get(path).content == data
    assert api.client.head(path).headers["Content-Length"] == str(len(data))
    assert api.client.get(path).content == data


def test_who_takes_too_long_is_disconnected(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.routes._SENT_BYTES", 20 * 2**20)
    monkeypatch.setattr(backpressure, "GRACE_S", 0.2)
    monkeypatch.setattr(backpressure, "SLOWEST", 2**40)
    api = open_api()
    image_id = api.image("a.png", png() + bytes(LARGE))
    with slow_reader(api, f"/api/images/{image_id}") as reader:
        assert settled(lambda: api.client.head(f"/api/images/{image_id}").status_code == 200)
        received = 0
        while part := reader.recv(2**20):
            received += len(part)
    assert received < LARGE


def test_every_large_answer_is_counted(open_api: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those of images alone: what nobody reads would lie in memory for good."""
    monkeypatch.setattr("labeler.api.routes._SENT_BYTES", 2**20)
    api = open_api()
    image_id = api.image()
    document, tag = api.read(image_id)
    many = [rect(number % 30, id=f"b{number:06}") for number in range(9000)]
    saved = api.put(image_id, document | {"rects": many}, If_Match=tag)
    assert saved.status_code == 200
    picture = png(640, 480) + bytes(2**20)
    assert api.client.put("/api/guide/a.png", content=picture).status_code == 201
    large = api.image("b.png", png(640, 480) + bytes(LARGE))
    with slow_reader(api, f"/api/images/{large}"):
        plain = {"Accept-Encoding": "identity"}
        for path in (f"annotations/{image_id}", "guide/a.png"):
            answer = api.client.get(f"/api/{path}", headers=plain)
            refused(answer, 503, "busy")
        # What has changed something is answered all the same.
        again = api.put(image_id, saved.json() | {"rects": many[:8000]}, If_Match="*")
        assert len(again.json()["rects"]) == 8000
        assert api.client.get("/api/labels").status_code == 200


def test_no_caller_keeps_the_large_answers_from_others(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.routes._SENT_BYTES", 60 * 2**20)
    api = open_api(LABELER_AUTH="oidc")
    ana, bob, eve = (f"{name}@example.com" for name in ("ana", "bob", "eve"))
    api.client.headers["Authorization"] = f"Bearer {api.token(ana, time.time())}"
    path = f"/api/images/{api.image('a.png', png(640, 480) + bytes(LARGE))}"

    def get(person: str) -> int:
        signed = {"Authorization": f"Bearer {api.token(person, time.time())}"}
        return api.client.get(path, headers=signed).status_code

    with slow_reader(api, path, eve), slow_reader(api, path, eve):
        assert get(eve) == 503  # who holds half of the room gets no more
        assert get(ana) == 200
        with slow_reader(api, path, bob), slow_reader(api, path, bob):
            assert get(ana) == 503
            monkeypatch.setattr(backpressure, "HURRY_S", 0)
            assert get(ana) == 200  # those who read nothing have made room
