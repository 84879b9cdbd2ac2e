"""The turns of threads at the interpreter, which runs one thread at a time."""

from __future__ import annotations

import sys
from typing import Final

TURN_S: Final = 0.0005
"""Python's own value is ten times as long. A save needs some thirty turns, and waits for a turn of
each thread that is computing: with four of those, 60 ms instead of 600."""


def take_short_turns() -> None:
    """Make threads of this process that compute give way to the others after a short turn."""
    sys.setswitchinterval(TURN_S)
