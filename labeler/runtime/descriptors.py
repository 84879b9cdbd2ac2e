"""File descriptors of this process, which files and connections use.

Their number is limited. When none is left, no file opens and no save succeeds.
"""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ENOUGH: Final = 65_536
"""The requested limit if there is no hard limit, as in a terminal on macOS."""
NEARLY: Final = 0.9
"""The fraction of the limit above which this instance reports that it is not ready."""


@dataclass(frozen=True, slots=True)
class Descriptors:
    """The number of open descriptors, and the limit."""

    open: int
    limit: int

    @property
    def nearly_used_up(self) -> bool:
        """Whether so few are left that the next callers may get none."""
        return self.open >= self.limit * NEARLY


def raise_limit() -> int:
    """Raise the soft limit to the hard one, as far as the system allows; returns the new limit.

    A higher soft limit stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _finite(soft)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):  # macOS allows less than it reports: keep the old limit
        return _finite(soft)
    return wanted


def count_descriptors() -> Descriptors:
    """The numbers for this process now, without the descriptor that counting itself opens."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return Descriptors(sum(1 for _ in Path("/dev/fd").iterdir()) - 1, _finite(soft))


def _finite(limit: int) -> int:
    return int(os.sysconf("SC_OPEN_MAX")) if limit == resource.RLIM_INFINITY else limit
