"""Counts of requests to the bucket by price class.

Class A (writes, pages of a listing) costs about ten times as much as class B (reads); deletes are
free. https://cloud.google.com/storage/pricing#operations-by-class
"""

from __future__ import annotations

import threading
import time
from enum import StrEnum
from typing import Final

from labeler.runtime.events import BucketOperations, log_event

REPORT_S: Final = 60.0


class Cost(StrEnum):
    """The class of an operation."""

    A = "class_a"
    B = "class_b"
    FREE = "free"


def cost_of(method: str, url: str) -> Cost | None:
    """The price class of a request of the JSON API; None for the later pieces of one upload."""
    path = url.partition("?")[0]
    if method == "GET":
        return Cost.A if path.endswith("/o") else Cost.B
    if method == "DELETE":
        return Cost.FREE
    return None if method == "PUT" and "/upload/" in path else Cost.A


class Operations:
    """Counts this process's requests and logs the counts at most once a minute.

    It has no thread: the first request after a minute writes the log line.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(Cost, 0)
        self._since = time.monotonic()

    def count(self, method: str, url: str) -> None:
        """Count one request that is being sent."""
        cost = cost_of(method, url)
        if cost is None:
            return
        with self._lock:
            self._counts[cost] += 1
            due = time.monotonic() - self._since >= REPORT_S
        if due:
            self.report()

    def report(self) -> None:
        """Log the counts since the last report, if there are any."""
        with self._lock:
            counts, self._counts = self._counts, dict.fromkeys(Cost, 0)
            now = time.monotonic()
            seconds, self._since = now - self._since, now
        if any(counts.values()):
            log_event(
                BucketOperations(
                    class_a=counts[Cost.A],
                    class_b=counts[Cost.B],
                    free=counts[Cost.FREE],
                    seconds=round(seconds, 1),
                )
            )


OPERATIONS: Final = Operations()
"""The counts of all stores of this process, which have one bill."""
