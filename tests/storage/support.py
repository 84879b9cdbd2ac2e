"""What the tests of the stores share."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from labeler.errors import LabelerError, NotFound, VersionConflict
from labeler.storage import ABSENT, Replaces, Store, Version, list_all

MIB: Final = 1024 * 1024
NOBODYS: Final = Version("1")
"""A version that no object ever has."""


def create(store: Store, key: str, data: bytes = b"", **metadata: str) -> Version:
    return store.write(key, data, replaces=ABSENT, metadata=metadata)


def keys(store: Store, prefix: str = "") -> list[str]:
    return [info.key for info in list_all(store, prefix)]


def in_byte_order(names: Iterable[str]) -> list[str]:
    return sorted(names, key=str.encode)


def together(count: int, work: Callable[[int], object]) -> list[Any]:
    """What each of `count` threads, let go at once, returned, or the LabelerError it raised."""
    barrier = threading.Barrier(count)

    def run(index: int) -> object:
        barrier.wait()
        try:
            return work(index)
        except LabelerError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def add_entries(store: Store, key: str, who: str, count: int) -> None:
    """Add `who/0`, `who/1`, ... to the JSON list under `key`, each by a save of its own."""
    for number in range(count):
        while not _added(store, key, f"{who}/{number}"):
            time.sleep(random.uniform(0, 0.02))


def _added(store: Store, key: str, entry: str) -> bool:
    replaces: Replaces = ABSENT
    try:
        data, info = store.read(key)
        entries, replaces = json.loads(data), info.version
    except NotFound:
        entries = []
    try:
        store.write(key, json.dumps([*entries, entry]).encode(), replaces=replaces)
    except VersionConflict:
        return False
    return True
