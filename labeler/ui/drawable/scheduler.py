"""Calls that are due later, without a thread for each."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from itertools import count

Call = Callable[[], None]


class Scheduler:
    """Makes each call when its time has come, from one thread; the calls have to be short."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Call]] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def at(self, moment: float, call: Call) -> None:
        """Make the call at that time of the monotonic clock, or at once where it has passed."""
        with self._changed:
            heapq.heappush(self._due, (moment, next(self._numbers), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="turns", daemon=True)
                self._thread.start()
            self._changed.notify()

    def hurry(self) -> None:
        """Make every call now that waits now."""
        with self._changed:
            self._due = [(0.0, number, call) for _, number, call in self._due]
            heapq.heapify(self._due)
            self._changed.notify()

    def _run(self) -> None:
        while True:
            self._next()()

    def _next(self) -> Call:
        """The next call, when its time has come."""
        with self._changed:
            while not self._due or self._due[0][0] > time.monotonic():
                wait = self._due[0][0] - time.monotonic() if self._due else None
                self._changed.wait(wait)
            return heapq.heappop(self._due)[2]
