"""The one cache of the program: the most recently used values, within a number and a size.

Written here and not taken from cachetools, which has the number and the size in two classes, no
lock, and refuses a value that is larger than the cache: an original that alone fills the cache
must still be shown. That is all of these 60 lines, without a further dependency to keep patched.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """The most recently used values by key: at most `max_items`, together at most `max_size`.

    The newest value stays, however large it is. `size_of` measures a value; without it, only the
    number counts. Any number of threads may use it.
    """

    def __init__(
        self,
        *,
        max_items: int | None = None,
        max_size: int | None = None,
        size_of: Callable[[V], int] = lambda _: 0,
    ) -> None:
        self._fewest = self._max_items = max_items
        self._max_size = max_size
        self._size_of = size_of
        self._size = 0
        self._items: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """The value under the key, which counts as used; None if there is none."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key]

    def put(self, key: K, value: V) -> None:
        """Keep the value under the key, and drop the least recently used ones."""
        with self._lock:
            self._drop(key)
            self._items[key] = value
            self._size += self._size_of(value)
            self._shrink()

    def drop(self, key: K) -> None:
        """Keep nothing under the key."""
        with self._lock:
            self._drop(key)

    def make_room(self, items: int) -> None:
        """Let it hold that many values until the next call, and never fewer than `max_items`.

        A list that is read from its beginning to its end needs room for all of it: with one less,
        each value is dropped just before it is asked for again.
        """
        with self._lock:
            if self._fewest is not None:
                self._max_items = max(self._fewest, items)
            self._shrink()

    def __len__(self) -> int:
        return len(self._items)

    def _shrink(self) -> None:
        while len(self._items) > 1 and self._is_over():
            self._drop(next(iter(self._items)))

    def _is_over(self) -> bool:
        too_many = self._max_items is not None and len(self._items) > self._max_items
        return too_many or (self._max_size is not None and self._size > self._max_size)

    def _drop(self, key: K) -> None:
        if key in self._items:
            self._size -= self._size_of(self._items.pop(key))
