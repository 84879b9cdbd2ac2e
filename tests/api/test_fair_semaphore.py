"""FairSemaphore go round among callers, and work ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from labeler.api.fair_semaphore import FairSemaphore
from labeler.project.decoding import DirectDecoder
from labeler.runtime.cancellation import current_cancellation
from tests.api.support import Api
from tests.api.test_request_bodies import Upload
from tests.loops import run_alone
from tests.pictures import png
from tests.waiting import settled


async def rest() -> None:
    """Let everybody else come as far as they can."""
    for _ in range(10):
        await asyncio.sleep(0)


class Crowd:
    """Callers who have a turn each until they are told to end."""

    def __init__(self, at_once: int) -> None:
        self.turns = FairSemaphore(at_once)
        self.having: list[str] = []
        self._ends: list[tuple[str, asyncio.Event]] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, caller: str) -> asyncio.Task[None]:
        async def work() -> None:
            async with self.turns.turn(caller):
                end = asyncio.Event()
                self.having.append(caller)
                self._ends.append((caller, end))
                await end.wait()

        self.tasks.append(asyncio.ensure_future(work()))
        return self.tasks[-1]

    async def end(self, caller: str) -> None:
        found = next(one for one in self._ends if one[0] == caller)
        self._ends.remove(found)
        found[1].set()
        await rest()


def test_nobody_has_all_turns_and_the_next_caller_need_not_wait() -> None:
    async def main() -> None:
        crowd = Crowd(4)
        for _ in range(50):
            crowd.ask("hostile")
        await rest()
        assert crowd.having == ["hostile"] * 3
        crowd.ask("ana")
        await rest()
        assert crowd.having[3:] == ["ana"]
        crowd.ask("ben")
        await rest()
        await crowd.end("hostile")
        assert crowd.having[4:] == ["ben"]
        crowd.ask("ana")
        await crowd.end("ben")
        assert crowd.having[5:] == ["ana"], "two of hostile's are there still"
        await crowd.end("ana")
        assert crowd.having[6:] == ["hostile"]
        for task in crowd.tasks:
            task.cancel()
        await asyncio.gather(*crowd.tasks, return_exceptions=True)

    run_alone(main())


def test_who_goes_away_gives_the_turn_back_whenever_it_is() -> None:
    async def main() -> None:
        crowd = Crowd(1)
        first, waiting = crowd.ask("a"), crowd.ask("b")
        await rest()
        waiting.cancel()
        granted = crowd.ask("c")
        await rest()
        first.cancel()
        await asyncio.sleep(0)
        granted.cancel()
        await rest()
        crowd.ask("d")
        await rest()
        assert crowd.having[-1] == "d"
        await crowd.end("d")

    run_alone(main())


class SlowDecoder:
    """Decodes for a minute, unless nobody waits for it any more."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = 0

    def __call__(self, *_: Any, **__: Any) -> Any:
        gone = current_cancellation()
        over = threading.Event()
        self.begun += 1
        with gone.calling(over.set):
            over.wait(60)
        self.ended += 1
        gone.check()
        raise AssertionError("nobody went away")


@pytest.fixture
def slow() -> SlowDecoder:
    return SlowDecoder()


def test_an_upload_whose_sender_goes_away_is_decoded_no_more(
    api: Api, slow: SlowDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DirectDecoder, "inspect", slow)
    data = png()
    upload = Upload(api, f"Content-Length: {len(data)}")
    upload.send(data)
    assert settled(lambda: slow.begun == 1)
    time.sleep(0.05)
    assert slow.ended == 0
    upload.cut()
    assert settled(lambda: slow.ended == 1)
    assert not Path(api.folder / "uploads").exists()


def test_a_copy_is_made_as_long_as_somebody_waits_for_it(
    api: Api, slow: SlowDecoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"/api/images/{api.image()}?width=20"
    monkeypatch.setattr(DirectDecoder, "display", slow)
    patient = Upload(api, path=address, method="GET")
    assert settled(lambda: slow.begun == 1)
    other = Upload(api, path=address, method="GET")
    time.sleep(0.1)
    other.cut()
    time.sleep(0.1)
    assert (slow.begun, slow.ended) == (1, 0)
    patient.cut()
    assert settled(lambda: slow.ended == 1)
    assert slow.begun == 1


def test_a_copy_that_was_given_up_is_made_anew_for_the_next(api: Api) -> None:
    image_id = api.image("a.png", png(3000, 2000))
    for _ in range(5):
        with pytest.raises(httpx.TimeoutException):
            api.client.get(f"/api/images/{image_id}?width=2000", timeout=0.001)
    assert api.client.get(f"/api/images/{image_id}?width=2000").status_code == 200
