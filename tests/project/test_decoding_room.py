"""Room is given in the order of asking, and never more than there is."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from labeler.errors import Busy
from labeler.project.decoding_room import SMALL_SHARE, PixelRoom, Room
from labeler.runtime.cancellation import Cancellation
from labeler.runtime.jobs import Cancelled


def test_no_more_is_used_than_there_is() -> None:
    room = Room(10)
    lock = threading.Lock()
    used: list[int] = []
    most = 0

    def use(amount: int) -> None:
        nonlocal most
        with room.taken(amount, 60):
            with lock:
                used.append(amount)
                most = max(most, sum(used))
            with lock:
                used.remove(amount)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, [1, 9, 3, 7, 10, 2, 5, 4] * 50))
    assert 0 < most <= 10


def test_who_asks_for_more_than_all_gets_all() -> None:
    room = Room(10)
    with room.taken(99, 0), pytest.raises(Busy), room.taken(1, 0):
        pass
    with room.taken(10, 0):
        pass


def test_a_small_one_does_not_pass_a_large_one_that_waits() -> None:
    room = Room(10)
    served: list[int] = []

    def use(amount: int) -> None:
        with room.taken(amount, 60):
            served.append(amount)

    with ThreadPoolExecutor(2) as threads:
        with room.taken(8, 0):
            large = threads.submit(use, 10)
            while not room._queue:
                pass
            with pytest.raises(Busy), room.taken(1, 0):
                pass
            small = threads.submit(use, 1)
            assert served == []
        large.result(60)
        small.result(60)
    assert served[0] == 10


def test_who_goes_away_waits_no_more_and_keeps_nobody() -> None:
    room = Room(1)
    gone = Cancellation()

    def wait() -> None:
        with gone.set_current(), room.taken(1, 60):
            raise AssertionError("there is no room")

    with ThreadPoolExecutor(1) as threads:
        with room.taken(1, 0):
            waiting = threads.submit(wait)
            while not room._queue:
                pass
            gone.cancel()
            assert isinstance(waiting.exception(60), Cancelled)
        with room.taken(1, 0):
            pass


def test_small_images_have_room_beside_the_largest() -> None:
    room = PixelRoom(1600)
    small = 1600 // SMALL_SHARE
    with room.taken(1600, 0), room.taken(small, 0):
        for pixels in (1, small + 1):
            with pytest.raises(Busy), room.taken(pixels, 0):
                pass
    with room.taken(800, 0), room.taken(700, 0):
        with room.taken(small // 2, 0), room.taken(small // 2, 0):
            pass
        with pytest.raises(Busy), room.taken(small + 1, 0):  # a third large one, though it fits
            pass
