"""Work that is done once for all who ask for it at the same time, and results kept for a while.

Both belong to one event loop.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class SharedCalls(Generic[T]):
    """Lets those who want the same thing at once wait for one and the same piece of work."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, asyncio.Future[T]] = {}

    async def run(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """What `work` gives or raises; it goes on where the one who asked first goes away."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.ensure_future(work())
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    def _landed(self, key: Hashable, done: asyncio.Future[Any]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # those who asked may all be gone: nobody else takes it


class BytesCache:
    """Bytes by key with a word about them, those asked for last, within a number of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._items: OrderedDict[Hashable, tuple[bytes, str]] = OrderedDict()

    def get(self, key: Hashable) -> tuple[bytes, str] | None:
        """What was put there, where it is still kept."""
        item = self._items.get(key)
        if item is not None:
            self._items.move_to_end(key)
        return item

    def put(self, key: Hashable, data: bytes, word: str) -> None:
        """Keep `data`, and let go of what was asked for longest ago."""
        old = self._items.pop(key, None)
        self._bytes += len(data) - (len(old[0]) if old else 0)
        self._items[key] = data, word
        while self._bytes > self._max_bytes:
            _, (gone, _) = self._items.popitem(last=False)
            self._bytes -= len(gone)
