"""Retries: their total time, the delays between them, and the time-out of one attempt."""

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
    """All attempts of one call together take `total_s`, plus the transfer of the last answer."""

    total_s: float
    first_delay_s: float = FIRST_DELAY_S

    def start(self) -> Tries:
        """Start the clock of one call."""
        return Tries(self)


class Tries:
    """The attempts of one call; `count` is the number of failed ones."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.count = 0
        self._policy = policy
        self._end = time.monotonic() + policy.total_s

    @property
    def timeout(self) -> tuple[float, float]:
        """Seconds for connecting and for each wait of an attempt; at least two attempts fit."""
        left = max(self._end - time.monotonic(), LEAST_TRY_S)
        wait = min(left, self._policy.total_s / 2) / 2
        return min(wait, MAX_CONNECT_S), wait

    def next_delay(self) -> float | None:
        """Count a failed attempt; returns the seconds to wait before the next, or None to give up.

        The delay is random between nothing and a limit that doubles ("full jitter"): clients
        that were refused together do not come back together.
        """
        limit = min(MAX_DELAY_S, self._policy.first_delay_s * 2**self.count)
        delay = _random.uniform(0, limit)
        self.count += 1
        return delay if time.monotonic() + delay < self._end else None
