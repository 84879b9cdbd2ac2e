"""Bodies over a real connection: too large, too slow, cut off, too many at once."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request

from labeler.api import request_bodies
from labeler.api.request_bodies import BodyReader
from labeler.errors import Busy
from labeler.model.people import Person
from tests.api.conftest import Open
from tests.api.support import Api, refused
from tests.loops import run_alone
from tests.pictures import jpeg, png
from tests.waiting import settled

LIMIT = 2**20
MB = b"\xff" * LIMIT


@pytest.fixture
def small(open_api: Open) -> Api:
    """The API that takes files of at most 1 MB."""
    return open_api(LABELER_MAX_UPLOAD_MB="1")


class Bodies(list[Any]):
    """Those that the server has begun to read, in their order."""

    def arrived(self, *sizes: int) -> bool:
        """Wait until so much of each has been read."""
        return settled(lambda: [body.size for body in self] == list(sizes))


@pytest.fixture
def bodies(monkeypatch: pytest.MonkeyPatch) -> Bodies:
    begun = Bodies()

    class Noted(request_bodies._Body):
        def __init__(self, caller: str) -> None:
            super().__init__(caller)
            begun.append(self)

    monkeypatch.setattr(request_bodies, "_Body", Noted)
    return begun


class Upload:
    """A call by hand."""

    def __init__(
        self, api: Api, *more: str, path: str = "/api/images", method: str = "POST"
    ) -> None:
        self.socket = api.served.connect()
        self.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Labeler-Client: x\r\n".encode())
        self.send("\r\n".join(["X-File-Name: a.png", *more, "\r\n"]).encode())

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def chunk(self, data: bytes) -> None:
        self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def answer(self) -> tuple[int, str, dict[str, str]]:
        """Status, code of the error, headers, while the body is still on its way; the end."""
        with self.socket, self.socket.makefile("rb") as file:
            status = int(file.readline().split()[1])
            headers = {}
            while line := file.readline().strip().decode():
                name, _, value = line.partition(": ")
                headers[name] = value
            body = json.loads(file.read(int(headers["content-length"])))
            return status, body.get("error", {}).get("code", ""), headers

    def cut(self) -> None:
        """Go away without a word, as a browser does whose machine went to sleep."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()


def nothing_there(api: Api) -> bool:
    folder = api.folder / "uploads"
    return not folder.exists() or not list(folder.iterdir())


# --- too large ----------------------------------------------------------------------------


def test_a_body_up_to_the_limit_is_accepted(small: Api) -> None:
    data = jpeg(640, 480)
    data += b"\0" * (LIMIT - len(data))
    assert small.add("a.jpg", data).status_code == 201
    refused(small.add("b.jpg", data + b"\0"), 413, "too_large", "b.jpg", "1 MB")


def test_one_that_says_it_is_too_large_is_not_read(small: Api) -> None:
    upload = Upload(small, f"Content-Length: {LIMIT + 1}")
    status, code, headers = upload.answer()
    assert (status, code) == (413, "too_large")
    assert headers["cache-control"] == "no-store"
    assert nothing_there(small)


def test_one_that_does_not_say_is_refused_as_soon_as_it_passes_the_limit(small: Api) -> None:
    upload = Upload(small, "Transfer-Encoding: chunked")
    upload.chunk(MB)
    upload.chunk(b"\xff")
    assert upload.answer()[:2] == (413, "too_large")
    assert nothing_there(small)


def test_who_goes_on_sending_gets_the_answer_all_the_same(small: Api) -> None:
    """A browser sends all of the body before it looks: the connection must not be reset."""
    for name, data in (("said", MB * 20), ("unsaid", iter([MB] * 20))):
        answer = small.client.post("/api/images", content=data, headers={"X-File-Name": name})
        refused(answer, 413, "too_large", name)
    assert small.add("a.png").status_code == 201


def test_who_asks_before_sending_is_spared_it(small: Api) -> None:
    upload = Upload(small, f"Content-Length: {LIMIT + 1}", "Expect: 100-continue")
    assert upload.answer()[:2] == (413, "too_large")


def test_a_call_that_is_refused_anyway_is_refused_before_its_body(small: Api) -> None:
    upload = Upload(small, "Sec-Fetch-Site: cross-site", f"Content-Length: {LIMIT}")
    assert upload.answer()[:2] == (403, "forbidden")


def test_a_document_without_a_size_is_refused_as_soon_as_it_passes_the_limit(api: Api) -> None:
    image_id = api.image()
    before = api.stored(image_id)

    def endless() -> Iterator[bytes]:
        for _ in range(20):
            yield MB

    answer = api.client.put(
        f"/api/annotations/{image_id}", content=endless(), headers={"If-Match": "*"}
    )
    refused(answer, 413, "too_large")
    assert api.stored(image_id) == before


# --- too slow, cut off --------------------------------------------------------------------


def test_a_slow_upload_holds_nobody_up(api: Api) -> None:
    data = png()
    slow = [Upload(api, f"Content-Length: {len(data)}") for _ in range(40)]
    for upload in slow:
        upload.send(data[:10])
    assert api.image("other.png")
    for upload in slow:
        upload.send(data[10:])
    assert {upload.answer()[0] for upload in slow} == {200, 201}


def test_one_that_stops_arriving_is_given_up(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "PAUSE_S", 0.3)
    api = open_api()
    upload = Upload(api, "Content-Length: 1000")
    upload.send(b"\xff" * 10)
    assert upload.answer()[:2] == (408, "timeout")
    assert nothing_there(api)


@pytest.mark.parametrize("how", ["Content-Length: 1000000", "Transfer-Encoding: chunked"])
def test_a_cut_upload_leaves_nothing(api: Api, how: str, caplog: pytest.LogCaptureFixture) -> None:
    data = png()
    upload = Upload(api, how)
    if "chunked" in how:
        upload.chunk(data)  # all of the image, but nobody said that it was all
    else:
        upload.send(data)
    api.image("other.png")
    upload.cut()
    assert api.image("another.png")
    assert sorted(path.name for path in (api.folder / "uploads").iterdir()) == [
        "another.png", "other.png",
    ]  # fmt: skip
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_cut_save_changes_nothing(api: Api) -> None:
    image_id = api.image()
    document, tag = api.read(image_id)
    body = json.dumps({**document, "rects": []}).encode()
    with api.served.connect() as connection:
        head = (
            f"PUT /api/annotations/{image_id} HTTP/1.1\r\nHost: x\r\nX-Labeler-Client: x\r\n"
            f"If-Match: {tag}\r\nContent-Length: {len(body) + 1}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
    assert api.image("other.png")
    assert api.read(image_id) == (document, tag)


# --- too many at once ---------------------------------------------------------------------


def test_what_is_held_at_once_is_bounded(
    open_api: Open, monkeypatch: pytest.MonkeyPatch, bodies: Bodies
) -> None:
    monkeypatch.setattr("labeler.api.routes._HELD_BYTES", 3 * LIMIT)
    api = open_api()
    slow = [Upload(api, f"Content-Length: {2 * LIMIT}") for _ in range(2)]
    slow[0].send(MB)
    slow[1].send(MB)
    assert bodies.arrived(LIMIT, LIMIT)
    one_more = Upload(api, f"Content-Length: {4 * LIMIT}")
    one_more.send(MB * 2)
    status, code, headers = one_more.answer()
    assert (status, code, headers["retry-after"]) == (503, "busy", "2")
    for upload in slow:
        upload.cut()

    def takes_it() -> bool:
        return api.add("big.png", png() + MB * 2).status_code != 503

    assert settled(takes_it)


def test_one_alone_may_be_larger_than_what_is_held_at_once(
    open_api: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.routes._HELD_BYTES", LIMIT)
    assert open_api().add("a.png", png() + MB * 2).status_code == 201


def test_a_body_that_drips_is_given_up(open_api: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then is not enough."""
    monkeypatch.setattr(request_bodies, "PAUSE_S", 0.5)
    upload = Upload(open_api(), "Content-Length: 1000")
    began = time.monotonic()
    with upload.socket, upload.socket.makefile("rb") as file:
        upload.socket.settimeout(0.1)
        answer = None
        while not answer and time.monotonic() < began + 60:
            upload.send(b"\xff")
            try:
                answer = file.read(12)
            except TimeoutError:
                file = upload.socket.makefile("rb")
    assert answer == b"HTTP/1.1 408"


def test_bodies_that_stall_make_room_for_others(
    open_api: Open, monkeypatch: pytest.MonkeyPatch, bodies: Bodies
) -> None:
    monkeypatch.setattr("labeler.api.routes._HELD_BYTES", 3 * LIMIT)
    api = open_api()
    slow = [Upload(api, f"Content-Length: {2 * LIMIT}") for _ in range(3)]
    for upload in slow:
        upload.send(MB[:-1])
    assert bodies.arrived(*[len(MB) - 1] * 3)
    for body in bodies:
        body._began -= 600  # they have stood still for so long
    assert api.add("big.png", png() + MB * 2).status_code == 201
    assert [upload.answer()[:2] for upload in slow] == [(503, "busy")] * 3


def test_saves_do_not_wait_behind_uploads(open_api: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labeler.api.routes._HELD_BYTES", LIMIT)
    api = open_api()
    image_id = api.image()
    document, tag = api.read(image_id)
    upload = Upload(api, f"Content-Length: {2 * LIMIT}")
    upload.send(MB)
    answer = api.client.put(
        f"/api/annotations/{image_id}", json=document, headers={"If-Match": tag}
    )
    assert answer.status_code == 200
    upload.cut()


def test_one_caller_does_not_take_the_room_of_others() -> None:
    """Who holds more than half of it gives way to others, and is refused more."""

    async def scenario() -> list[str]:
        room = BodyReader(100)
        results: list[str] = []
        arrived = asyncio.Event()

        async def send(caller: str, sizes: list[int], rest: asyncio.Event) -> None:
            chunks = [{"type": "http.request", "body": bytes(n), "more_body": True} for n in sizes]
            end = {"type": "http.request", "body": b"", "more_body": False}

            async def receive() -> dict[str, Any]:
                if chunks:
                    return chunks.pop(0)
                arrived.set()
                await rest.wait()
                return end

            scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
            try:
                async with room.body(Request(scope, receive), 1000, "x", Person(caller)) as data:
                    results.append(f"{caller} {len(data)}")
            except Busy:
                results.append(f"{caller} busy")

        never, now = asyncio.Event(), asyncio.Event()
        now.set()
        async with asyncio.TaskGroup() as group:
            first = [group.create_task(send("greedy", [30], never)) for _ in range(3)]
            await arrived.wait()
            await asyncio.sleep(0)
            await send("greedy", [30], now)
            await send("other", [40], now)
            await send("other", [10], now)
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            for task in first:
                task.cancel()
        return results

    assert sorted(run_alone(scenario())) == ["greedy busy", "greedy busy", "other 10", "other 40"]
