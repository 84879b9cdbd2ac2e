"""Work that simultaneous callers of one event loop share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

from labeler.runtime.cancellation import Cancellation

T = TypeVar("T")


class _SharedCall(Generic[T]):
    """One piece of work, and the number of callers that wait for it."""

    def __init__(self, work: Callable[[], Awaitable[T]]) -> None:
        self.waiting = 0
        self.cancellation = Cancellation()
        with self.cancellation.set_current():
            self.task = asyncio.ensure_future(work())
        self.task.add_done_callback(_take_failure)


def _take_failure(done: asyncio.Future[Any]) -> None:
    if not done.cancelled():
        done.exception()  # the callers may all be gone, so nobody else retrieves it


class SharedCalls(Generic[T]):
    """Lets simultaneous callers with the same key wait for one piece of work.

    If all callers go away, the Cancellation of the work is told. With `outlives_callers` it is not:
    the work continues, and the next caller waits for it too.
    """

    def __init__(self, *, outlives_callers: bool = False) -> None:
        self._outlives_callers = outlives_callers
        self._under_way: dict[Hashable, _SharedCall[T]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """The result or error of `work`, which continues even if its first caller goes away."""
        call = self._under_way.get(key)
        if call is None or call.task.done():
            call = self._under_way[key] = _SharedCall(work)
        call.waiting += 1
        try:
            return await asyncio.shield(call.task)
        finally:
            call.waiting -= 1
            is_done = call.task.done()
            if not call.waiting and (is_done or not self._outlives_callers):
                if not is_done:
                    call.cancellation.cancel()
                if self._under_way.get(key) is call:
                    del self._under_way[key]
