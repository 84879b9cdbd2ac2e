"""Work that nobody waits for any more ends before it is done.

Who starts the work sets a Cancellation for it; who does the work asks for the current one. It goes
along into threads that are started with a copy of the context, as Starlette's are.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar

from labeler.runtime.context_values import in_block
from labeler.runtime.jobs import Cancelled


class Cancellation:
    """Whether a piece of work is still wanted. Safe to share by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[], None]] = []
        self.is_cancelled = False

    def cancel(self) -> None:
        """Have the work end: each callback is called once, from this thread."""
        with self._lock:
            self.is_cancelled = True
            callbacks, self._callbacks = self._callbacks, []
            for callback in callbacks:
                callback()

    def check(self) -> None:
        """Raises Cancelled where the work is not wanted any more."""
        if self.is_cancelled:
            raise Cancelled

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """While the block runs, `cancel` calls `callback`; not any more once it has ended.

        It is called at once where the work was cancelled before.
        """
        with self._lock:
            if not self.is_cancelled:
                self._callbacks.append(callback)
            else:
                callback()
        try:
            yield
        finally:
            with self._lock:
                if callback in self._callbacks:
                    self._callbacks.remove(callback)

    def set_current(self) -> AbstractContextManager[None]:
        """Have the work that is begun inside the block find it."""
        return in_block(_current, self)


_current: ContextVar[Cancellation | None] = ContextVar("cancellation", default=None)


def current_cancellation() -> Cancellation:
    """That of the work which is being done; one that nobody cancels where there is none."""
    return _current.get() or Cancellation()
