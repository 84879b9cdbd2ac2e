"""Work done once for all who ask, and bytes kept within bounds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from labeler.api.shared_calls import SharedCalls
from labeler.runtime.cancellation import Cancellation, current_cancellation
from tests.loops import run_alone


def test_those_who_ask_at_once_wait_for_one_piece_of_work() -> None:
    async def main() -> None:
        flights = SharedCalls[int]()
        started = 0
        go_on = asyncio.Event()

        async def work() -> int:
            nonlocal started
            started += 1
            mine = started
            await go_on.wait()
            return mine

        asking = [asyncio.create_task(flights.run("a", work)) for _ in range(5)]
        other = asyncio.create_task(flights.run("b", work))
        await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(*asking) == [1] * 5
        assert await other == 2
        assert await flights.run("a", work) == 3

    run_alone(main())


def test_a_failure_is_told_to_all_and_is_no_result_for_the_next() -> None:
    async def main() -> None:
        flights = SharedCalls[int]()

        async def fail() -> int:
            raise KeyError("a")

        async def work() -> int:
            return 1

        results: list[Any] = await asyncio.gather(
            *(flights.run("a", fail) for _ in range(3)), return_exceptions=True
        )
        assert [type(result) for result in results] == [KeyError] * 3
        assert await flights.run("a", work) == 1

    run_alone(main())


def test_one_who_goes_away_takes_nothing_from_the_others() -> None:
    async def main() -> None:
        flights = SharedCalls[int]()
        go_on = asyncio.Event()

        async def work() -> int:
            await go_on.wait()
            return 1

        first = asyncio.create_task(flights.run("a", work))
        second = asyncio.create_task(flights.run("a", work))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go_on.set()
        assert await second == 1

    run_alone(main())


def test_work_hears_when_the_last_who_waits_goes_away_and_is_begun_anew_for_the_next() -> None:
    async def main() -> None:
        flights = SharedCalls[int]()
        begun: list[Cancellation] = []
        go_on = asyncio.Event()

        async def work() -> int:
            begun.append(current_cancellation())
            await go_on.wait()
            return len(begun)

        first, second = (asyncio.create_task(flights.run("a", work)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        assert not begun[0].is_cancelled
        second.cancel()
        await asyncio.sleep(0)
        assert begun[0].is_cancelled
        third = asyncio.create_task(flights.run("a", work))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(begun) == 2
        go_on.set()
        assert await third == 2
        assert not begun[1].is_cancelled

    run_alone(main())


def test_a_failure_that_nobody_waits_for_is_no_fault() -> None:
    faults: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
        flights = SharedCalls[int]()
        go_on = asyncio.Event()

        async def fail() -> int:
            await go_on.wait()
            raise KeyError("a")

        asking = asyncio.create_task(flights.run("a", fail))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.sleep(0)
        go_on.set()
        for _ in range(3):
            await asyncio.sleep(0)

    run_alone(main())
    assert faults == []
