"""The search for cycles is off while many objects are made, on again after, and comes regularly."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pytest

from labeler.runtime.garbage_collection import collect_regularly, paused_collection
from tests.loops import run_alone


def test_it_is_off_until_the_last_one_ends() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def other() -> None:
        with paused_collection():
            begun.set()
            may_end.wait()

    thread = threading.Thread(target=other)
    with paused_collection():
        assert not gc.isenabled()
        thread.start()
        begun.wait()
    assert not gc.isenabled()
    may_end.set()
    thread.join()
    assert gc.isenabled()


def test_it_is_on_again_after_a_failure() -> None:
    with pytest.raises(ValueError, match="no"), paused_collection():
        raise ValueError("no")
    assert gc.isenabled()


def test_what_was_off_stays_off() -> None:
    gc.disable()
    try:
        with paused_collection(), paused_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


class Cycle:
    """Two names for one object, one of them its own: only a search frees it."""

    def __init__(self) -> None:
        self.itself = self


def test_it_finds_what_python_would_keep_for_long() -> None:
    async def freed() -> bool:
        gc.disable()  # no search of Python's own may come first
        kept = weakref.ref(Cycle())
        assert kept() is not None
        gc.enable()
        searching = asyncio.create_task(collect_regularly(0.01))
        while kept() is not None:
            await asyncio.sleep(0.01)
        searching.cancel()
        return True

    assert run_alone(asyncio.wait_for(freed(), 60))


def test_it_waits_while_the_search_is_off() -> None:
    async def waited() -> bool:
        kept = weakref.ref(Cycle())
        searching = asyncio.create_task(collect_regularly(0.0))
        for _ in range(50):
            await asyncio.sleep(0.0)
        searching.cancel()
        return kept() is not None

    with paused_collection():
        assert run_alone(waited())
