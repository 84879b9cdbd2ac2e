"""Counts of all images that are kept up to date by the changes of single images.

Counting 100,000 images takes seconds, and every save changes one of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, NamedTuple, Protocol

from labeler.project.image_entry import ImageEntry

MOST_CHANGES: Final = 5_000
"""After more changes all images are counted anew."""
MOST_KEPT: Final = 16
"""The pages ask for seven counts; programs may ask for others."""


class Change(NamedTuple):
    """An image's entry before and after; None where there was or is none."""

    before: ImageEntry | None
    after: ImageEntry | None


class RunningCount(Protocol):
    """A count to which entries are added, and from which they are taken away again."""

    def is_sure_of(self, entry: ImageEntry) -> bool:
        """Whether the entry counts the same whenever it is added or taken away."""
        ...

    def add(self, entry: ImageEntry, times: int = 1) -> None:
        """Count the entry; with -1, no longer."""
        ...


class KeptCounts:
    """The counts of one index's images, and what has changed since each was made.

    Threads share it. Whoever finds, uses and keeps a count holds the lock of its kind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counting: dict[type, threading.Lock] = {}
        self._changes: deque[Change] = deque(maxlen=MOST_CHANGES)
        self._number = 0
        self._kept: dict[object, tuple[int, RunningCount]] = {}

    def counting(self, kind: type) -> threading.Lock:
        """The lock of counts of that kind: one that takes long holds up no other."""
        with self._lock:
            return self._counting.setdefault(kind, threading.Lock())

    @property
    def number(self) -> int:
        """How many changes have been noted."""
        return self._number

    def note(self, changes: Iterable[Change]) -> bool:
        """Note changes of the list; returns whether there are any."""
        some = list(islice(changes, MOST_CHANGES + 1))
        with self._lock:
            self._changes += some
            self._number += len(some)
        return bool(some)

    def find(self, key: object) -> RunningCount | None:
        """The count of that key as of now; None if it has to be made."""
        number, count = self._kept.get(key, (0, None))
        if count is None:
            return None
        with self._lock:
            missing = self._number - number
            since = list(islice(reversed(self._changes), missing))
            self._kept[key] = self._number, count
        told = (entry for change in since for entry in change if entry is not None)
        if len(since) < missing or not all(map(count.is_sure_of, told)):
            self._kept.pop(key, None)
            return None
        for before, after in since:
            if before is not None:
                count.add(before, -1)
            if after is not None:
                count.add(after)
        return count

    def keep(self, key: object, number: int, count: RunningCount) -> None:
        """Keep a count of the list as it was after so many changes."""
        self._kept.pop(key, None)
        self._kept[key] = number, count
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(iter(self._kept))]


def changes_between(
    before: Mapping[str, ImageEntry], after: Mapping[str, ImageEntry]
) -> Iterator[Change]:
    """What a listing has changed: it keeps every entry that still holds."""
    for image_id, entry in after.items():
        known = before.get(image_id)
        if known is not entry:
            yield Change(known, entry)
    for image_id, gone in before.items():
        if image_id not in after:
            yield Change(gone, None)
