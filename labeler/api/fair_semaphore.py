"""A fair order for work of which only a limited amount runs at once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, ParamSpec, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from labeler.api.authentication import caller_of
from labeler.model.people import Person
from labeler.runtime.cancellation import Cancellation

T = TypeVar("T")
P = ParamSpec("P")

_OTHERS: Final = 1
"""Turns that one caller never gets, so that the next caller need not wait for one to end."""


class FairSemaphore:
    """A limited number of turns at once. The caller with the fewest is next, then the longest wait.

    Belongs to one event loop.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._most = max(1, at_once - _OTHERS)
        self._running = Counter[str]()
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []

    @asynccontextmanager
    async def turn(self, caller: str) -> AsyncIterator[None]:
        """Hold a turn while the block runs."""
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((caller, granted))
        self._grant()
        try:
            await granted
            yield
        finally:
            if granted.done() and not granted.cancelled():
                self._free += 1
                self._running[caller] -= 1
                self._running += Counter()  # without those who have none
            else:
                self._waiting.remove((caller, granted))
            self._grant()

    async def run(
        self, request: Request, person: Person, work: Callable[P, T], *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:  # fmt: skip
        """The result of `work` in a thread, at this caller's turn.

        Raises ClientDisconnect if the caller goes away; work that has not begun is left out then.
        """

        async def at_turn() -> T:
            async with self.turn(caller_of(request, person)):
                return await run_in_threadpool(work, *args, **kwargs)

        return await while_there(request, at_turn())

    def _grant(self) -> None:
        while self._free:
            able = [one for one in self._waiting if self._running[one[0]] < self._most]
            if not able:
                return
            chosen = min(able, key=lambda one: self._running[one[0]])
            self._waiting.remove(chosen)
            if not chosen[1].cancelled():
                self._free -= 1
                self._running[chosen[0]] += 1
                chosen[1].set_result(None)


async def _left(request: Request) -> None:
    """Returns when the caller of a request that has arrived goes away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`; if the caller goes away, cancels it and raises ClientDisconnect."""
    task, left = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        left.cancel()


async def run_while_there(
    request: Request, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """The result of `work` in a thread; tells its Cancellation if the caller goes away."""
    gone = Cancellation()
    with gone.set_current():
        task = asyncio.ensure_future(run_in_threadpool(work, *args, **kwargs))
    left = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((task, left), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            gone.cancel()
        return await task
    finally:
        left.cancel()
