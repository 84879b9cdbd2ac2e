"""A rate for each caller: whatever one program sends, the calls of others have their time."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Final

from labeler.errors import TooManyCalls
from labeler.model.limits import BURST_S, LONGEST_WAIT_S

_FEW: Final = 1024
"""Callers that are kept in mind before those are looked for who have been quiet."""


class CallRate:
    """Lets each caller make `per_s` calls per second; 0 is without a limit.

    Who has been quiet may make the calls of BURST_S seconds at once. Each further call waits until
    its time comes, and is refused if that is more than LONGEST_WAIT_S away. So a program that sends
    one call after the other becomes slower and is never refused. Belongs to one event loop.
    """

    def __init__(
        self,
        per_s: int,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._per_s = per_s
        self._clock = clock
        self._sleep = sleep
        self._quiet_at: dict[str, float] = {}
        """By caller: when what they have called is as if it had not been."""
        self._sweep_at = _FEW

    async def turn(self, caller: str | None) -> None:
        """Return when this call may begin; at once for None. Raises TooManyCalls."""
        if caller is None or not self._per_s:
            return
        wait = self._wait(caller)
        if wait > 0:
            await self._sleep(wait)

    def _wait(self, caller: str) -> float:
        now = self._clock()
        quiet_at = max(self._quiet_at.get(caller, now), now) + 1 / self._per_s
        wait = quiet_at - now - BURST_S
        if wait > LONGEST_WAIT_S:
            raise TooManyCalls(
                f"You call more than {self._per_s} times per second. Call again in a moment.",
                math.ceil(wait - LONGEST_WAIT_S),
            )
        self._quiet_at[caller] = quiet_at
        if len(self._quiet_at) > self._sweep_at:
            self._quiet_at = {who: at for who, at in self._quiet_at.items() if at > now}
            self._sweep_at = max(_FEW, 2 * len(self._quiet_at))
        return wait
