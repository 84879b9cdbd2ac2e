"""Output for people: results on stdout, messages and progress on stderr."""

from __future__ import annotations

import re
import sys
import time
from typing import Final

_REFRESH_S: Final = 0.1
_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Characters that control a terminal or end a line; removed from names and messages."""


def print_result(text: str) -> None:
    """Print a result on stdout."""
    progress("")
    print(text)


def print_message(line: str) -> None:
    """Print a message on stderr."""
    progress("")
    print(f"labeler: {plain(line)}", file=sys.stderr)


def plain(text: str) -> str:
    """The text on one line, without characters that control a terminal."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


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
