"""Who does the work learns that nobody waits for it, wherever it is done."""

from __future__ import annotations

import threading

import pytest
from starlette.concurrency import run_in_threadpool

from labeler.runtime.cancellation import Cancellation, current_cancellation
from labeler.runtime.jobs import Cancelled
from tests.loops import run_alone


def test_each_callback_is_called_once_and_none_after_its_block() -> None:
    gone = Cancellation()
    called: list[str] = []
    with gone.calling(lambda: called.append("over")):
        pass
    with gone.calling(lambda: called.append("now")):
        gone.check()
        gone.cancel()
        gone.cancel()
        with pytest.raises(Cancelled):
            gone.check()
    assert called == ["now"]
    with gone.calling(lambda: called.append("late")):
        assert called == ["now", "late"]


def test_it_goes_along_into_threads_and_nowhere_else() -> None:
    async def main() -> None:
        gone = Cancellation()
        with gone.set_current():
            assert await run_in_threadpool(current_cancellation) is gone
        assert current_cancellation() is not gone

    run_alone(main())
    assert not current_cancellation().is_cancelled


def test_a_cancellation_from_another_thread_is_seen() -> None:
    gone = Cancellation()
    seen = threading.Event()
    with gone.calling(seen.set):
        other = threading.Thread(target=gone.cancel)
        other.start()
        other.join()
        assert seen.is_set()
