"""The webhook against a receiver that is away, refuses, or redirects."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from labeler.runtime import webhook as module
from labeler.runtime.webhook import Webhook
from tests.endless import endless_server
from tests.waiting import settled

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SECRET = b"the instances' secret"
QUICK = (0.01,) * 3


class Receiver:
    """Answers with these statuses in turn, then with 204."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.calls: list[tuple[str, bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls.append((self.headers["X-Labeler-Signature"], body))
                status = outer.statuses.pop(0) if outer.statuses else 204
                self.send_response(status)
                if status == 307:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def events(self) -> list[str]:
        return [json.loads(body)["event"] for _, body in self.calls]

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def hook(address: str, waits: tuple[float, ...] = QUICK) -> Webhook:
    return Webhook(address, SECRET, lambda: NOW, waits)


def test_a_call_is_signed_and_tried_until_it_is_taken(receiver: Receiver) -> None:
    receiver.statuses = [503, 429]
    one = hook(receiver.address)
    one.tell("done", image_id="a", by="ana@example.com")
    one.tell("approved", image_id="a")
    assert settled(lambda: receiver.events() == ["done", "done", "done", "approved"])
    one.close()
    header, body = receiver.calls[0]
    assert [call == receiver.calls[0] for call in receiver.calls] == [True, True, True, False]
    told = json.loads(body)
    assert (told["image_id"], told["by"]) == ("a", "ana@example.com")
    assert told["at"] == NOW.isoformat()
    # As docs/webhook.md has it.
    key = hmac.new(SECRET, b"labeler webhook", hashlib.sha256).hexdigest().encode()
    time, signed = (part.partition("=")[2] for part in header.split(","))
    assert int(time) == NOW.timestamp()
    assert signed == hmac.new(key, f"{time}.".encode() + body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(("status", "reason"), [(400, "400"), (307, "307"), (410, "410")])
def test_a_receiver_that_refuses_is_not_asked_again(
    receiver: Receiver, status: int, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [status]
    one = hook(receiver.address)
    one.tell("done", image_id="a")
    one.tell("done", image_id="b")
    assert settled(lambda: len(receiver.calls) == 2)
    one.close()
    assert f"(done) failed after 1 tries: it answered {reason}" in caplog.text


def test_a_call_is_given_up_in_the_end_and_the_next_one_is_made(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.statuses = [500] * 4
    one = hook(receiver.address)
    one.tell("done", image_id="a")
    one.tell("export", object="x")
    assert settled(lambda: receiver.events() == ["done"] * 4 + ["export"])
    one.close()
    assert "failed after 4 tries: it answered 500" in caplog.text


def test_a_receiver_that_never_ends_its_answer_does_not_stop_the_next_call(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.3)
    monkeypatch.setattr(module, "LOGGED_EVERY", timedelta(0))
    with endless_server(b"HTTP/1.1 200 OK\r\nX: ", b"x") as address:
        one = hook(address, ())
        one.tell("done", image_id="a")
        one.tell("approved", image_id="a")
        assert settled(lambda: "(approved) failed after 1 tries" in caplog.text)
        one.close()
    assert "(done) failed after 1 tries: it can't be reached" in caplog.text


def test_nothing_waits_for_a_receiver_that_is_away(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MOST_WAITING", 2)
    receiver.statuses = [503] * 100
    one = hook(receiver.address, (3600.0,))
    for number in range(10):
        one.tell("done", image_id=str(number))
    assert "too many calls wait already" in caplog.text
    assert settled(lambda: len(receiver.calls) == 1)
    # Closing ends the wait for the next try at once.
    one.close()
    one.close()
    one.tell("done", image_id="late")


def test_a_receiver_that_is_away_gets_one_line_a_minute_in_the_log(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    now = [NOW]
    one = Webhook(receiver.address, SECRET, lambda: now[0], QUICK)

    def lose(calls: int) -> None:
        before = len(receiver.calls)
        for _ in range(calls):
            one.tell("done", image_id="a")
        one.tell("approved", image_id="b")
        assert settled(lambda: receiver.events()[before + calls :] == ["approved"])

    def lines() -> list[str]:
        return [text.rpartition(": ")[2] for text in caplog.messages if "webhook" in text]

    receiver.statuses = [410] * 3
    lose(3)
    assert lines() == ["1"]
    now[0] += timedelta(minutes=1)
    receiver.statuses = [410]
    lose(1)
    assert lines() == ["1", "3"]
    receiver.statuses = [410] * 2
    lose(2)
    one.close()
    assert lines() == ["1", "3", "2"]


def test_without_an_address_nothing_is_told() -> None:
    before = set(threading.enumerate())
    one = hook("")
    one.tell("done", image_id="a")
    one.close()
    assert not [one for one in set(threading.enumerate()) - before if one.name == "webhook"]
