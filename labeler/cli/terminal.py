"""Output for people: results on stdout, messages and progress on stderr."""

from __future__ import annotations

import sys
import time
from typing import Final

from labeler.runtime.visible_text import visible, visible_lines

_REFRESH_S: Final = 0.1


def print_result(text: str) -> None:
    """Print a result on stdout."""
    progress("")
    print(visible_lines(text))


def print_message(line: str) -> None:
    """Print a message on stderr."""
    progress("")
    print(f"labeler: {visible(line)}", file=sys.stderr)


class _Progress:
    """A changing line on stderr, if stderr is a terminal; an empty text removes the line."""

    def __init__(self) -> None:
        self._shown = ""
        self._next = 0.0

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if not (self._shown if not line else sys.stderr.isatty() and now >= self._next):
            return
        self._shown, self._next = line, now + _REFRESH_S
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


progress = _Progress()
