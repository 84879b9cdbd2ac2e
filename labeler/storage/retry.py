"""Retries: how long to go on, how far apart, and how long one try may take."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Final

FIRST_DELAY_S: Final = 0.25
MAX_DELAY_S: Final = 4.0
MAX_CONNECT_S: Final = 5.0
LEAST_TRY_S: Final = 0.05

_random: Final = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """All tries of one call together take `total_s`, give or take the last answer's transfer."""

    total_s: float
    first_delay_s: float = FIRST_DELAY_S

    def start(self) -> Tries:
        """The clock of one call starts now."""
        return Tries(self)


class Tries:
    """The tries of one call; `count` is how many have failed so far."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.count = 0
        self._policy = policy
        self._end = time.monotonic() + policy.total_s

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds for connecting and for each wait of a try, so that two tries fit at least."""
        left = max(self._end - time.monotonic(), LEAST_TRY_S)
        wait = min(left, self._policy.total_s / 2) / 2
        return min(wait, MAX_CONNECT_S), wait

    def next_delay(self) -> float | None:
        """Counts a failed try: how many seconds to wait before the next, None to give up.

        The delay is random between nothing and a limit that doubles ("full jitter"): clients
        that were refused together do not come back together.
        """
        limit = min(MAX_DELAY_S, self._policy.first_delay_s * 2**self.count)
        delay = _random.uniform(0, limit)
        self.count += 1
        return delay if time.monotonic() + delay < self._end else None
