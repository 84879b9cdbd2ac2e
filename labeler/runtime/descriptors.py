"""File descriptors of this process: files, connections, everything that the system hands out.

A process may have so many open at once; beyond, no file opens and no save succeeds.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENOUGH: Final = 65_536
"""What is asked for where the hard limit is none, as in a terminal on macOS."""
NEARLY: Final = 0.9
"""The share of the limit from which on this instance is not ready for more."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """How many are open, and how many may be."""

    open: int
    limit: int

    @property
    def nearly_used_up(self) -> bool:
        """Whether the next callers may find none left."""
        return self.open >= self.limit * NEARLY


def raise_limit() -> int:
    """Raise the soft limit to the hard one, as far as the system lets us; the limit from now on.

    A limit that is already higher stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _finite(soft)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS allows less than it says: what there was has to do
        return _finite(soft)
    return wanted


def count_descriptors() -> Descriptors:
    """The state of this process now. Counting opens one descriptor, which does not count."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Descriptors(sum(1 for _ in Path("/dev/fd").iterdir()) - 1, _finite(soft))


def _finite(limit: int) -> int:
    return int(os.sysconf("SC_OPEN_MAX")) if limit == resource.RLIM_INFINITY else limit
