"""Work that makes many objects at once, without a look at each of them again and again.

The search for cycles of unused objects begins each time that there are so many more objects: while
a large listing grows in memory, that takes a quarter of the time and finds nothing.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_held: list[bool] = []
"""An element for each piece of work that goes on: whether the search was on when it began."""


@contextmanager
def unsearched() -> Iterator[None]:
    """No search in this process until the end of the last such piece of work, in any thread.

    For seconds, not for minutes: cycles that other threads leave meanwhile stay until then.
    """
    with _lock:
        _held.append(gc.isenabled() or any(_held))
        gc.disable()
    try:
        yield
    finally:
        with _lock:
            if _held.pop() and not _held:
                gc.enable()
