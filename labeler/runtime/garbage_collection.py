"""When Python searches for unused cycles of objects, which means a walk over all objects.

Python searches whenever the number of objects has grown by some amount. While a large listing grows
in memory, that takes a quarter of the time and finds nothing. Streamlit searches after each run of
a page, which takes four fifths of the run (.streamlit/config.toml turns that off).
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SEARCH_EVERY_S: Final = 30.0

_lock = threading.Lock()
_held: list[bool] = []
"""For each active block, whether the search was on when it began."""


@contextmanager
def paused_collection() -> Iterator[None]:
    """Stop the search in this process until the last such block ends, in any thread.

    Use it for seconds, not for minutes: unused cycles of other threads stay until then.
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


async def collect_regularly(every_s: float = SEARCH_EVERY_S) -> None:
    """Search every `every_s` seconds for the rest of the process's life.

    Python counts objects, not bytes. A few objects that hold the uploads of a closed page would
    stay for hours.
    """
    while True:
        await asyncio.sleep(every_s)
        if gc.isenabled():
            gc.collect()
