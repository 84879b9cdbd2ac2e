"""Room that work waits for: so much at once, in the order of asking."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from labeler.errors import Busy
from labeler.runtime.cancellation import current_cancellation

SMALL_SHARE: Final = 16
"""An image is small if it holds this part of LABELER_MAX_PIXELS in memory, or less: a photo of a
phone, which is decoded to a smaller copy."""
LARGE_AT_ONCE: Final = 2


class Room:
    """So much of something. Nobody who asks later is served sooner. Safe to share by threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._queue: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def taken(self, amount: int, wait_s: float) -> Iterator[None]:
        """Have so much of it while the block runs; more than all of it counts as all of it.

        Raises Busy where it takes longer, and Cancelled where nobody wants it any more.
        """
        amount = min(amount, self._size)
        gone = current_cancellation()
        turn = object()
        with gone.calling(self._wake), self._changed:
            self._queue.append(turn)
            try:
                served = self._changed.wait_for(
                    lambda: gone.is_cancelled or self._serves(turn, amount), wait_s
                )
                gone.check()
                if not served:
                    raise Busy("Too many images are being decoded. Send this one again.")
                self._used += amount
            finally:
                self._queue.remove(turn)
                self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._used -= amount
                self._changed.notify_all()

    def _serves(self, turn: object, amount: int) -> bool:
        return self._queue[0] is turn and self._used + amount <= self._size

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()


class PixelRoom:
    """Room for the pixels of images. Large images wait for large ones, small ones for small ones.

    All large ones together have at most `pixels`, so that the largest is decoded alone; all small
    ones together have a sixteenth of it in addition.
    """

    def __init__(self, pixels: int) -> None:
        self._small = max(1, pixels // SMALL_SHARE)
        self._for_small = Room(self._small)
        self._for_large = Room(pixels)
        self._large_at_once = Room(LARGE_AT_ONCE)

    @contextmanager
    def taken(self, pixels: int, wait_s: float) -> Iterator[None]:
        """Hold room for so many pixels while the block runs; Busy, Cancelled."""
        with ExitStack() as stack:
            if pixels <= self._small:
                stack.enter_context(self._for_small.taken(pixels, wait_s))
            else:
                stack.enter_context(self._large_at_once.taken(1, wait_s))
                stack.enter_context(self._for_large.taken(pixels, wait_s))
            yield
