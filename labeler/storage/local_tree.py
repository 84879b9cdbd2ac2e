"""Walking the folder store's tree lazily, in the order of the keys."""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from labeler.errors import InvalidRequest
from labeler.storage.base import MAX_KEY_BYTES, RESERVED, check_key

_BIG_FOLDER: Final = 1000
_CACHED_FOLDERS: Final = 4
_QUIET_NS: Final = 4_000_000_000
_MAX_SCANS: Final = 3


class _Names(NamedTuple):
    stamp: tuple[int, int, int]
    names: list[str]


class Tree:
    """The names below `root`.

    `shows_hidden` says whether a hidden file or folder (its path from the root) is listed.
    Code points sort as their UTF-8 bytes do, so plain strings are compared here. A folder's name
    is kept with its `/`: `a.json` and `a-b` then stand before what is in `a/`, as in a bucket.
    """

    def __init__(self, root: Path, shows_hidden: Callable[[str], bool]) -> None:
        self._root = root
        self._shows_hidden = shows_hidden
        self._cache: dict[str, _Names] = {}
        self._mutex = threading.Lock()

    def paths(self, prefix: str, after: str) -> Iterator[str]:
        """Paths from the root, ascending, that begin with `prefix` and are above `after`.

        They are files, links to anything, or gone by now. Folders that lie wholly outside are
        not entered; links to folders never are.
        """
        base = prefix[: prefix.rfind("/") + 1]
        if base and not self._is_folder(base):
            return
        stack = [(base, iter(self._between(base, prefix[len(base) :], after)))]
        while stack:
            folder, names = stack[-1]
            name = next(names, None)
            if name is None:
                stack.pop()
            elif name.endswith("/"):
                below = folder + name
                stack.append((below, iter(self._between(below, "", after))))
            else:
                yield folder + name

    def _is_folder(self, base: str) -> bool:
        """Whether `base` (ending in `/`) is a folder that a walk from the root would enter."""
        folder = ""
        for part in base[:-1].split("/"):
            if not self._listed(folder, part):
                return False
            folder += part
            if (self._root / folder).is_symlink():
                return False
            folder += "/"
        return True

    def _between(self, folder: str, leaf: str, after: str) -> list[str]:
        """The names in `folder` that begin with `leaf` and may lead to keys above `after`."""
        if after > folder and not after.startswith(folder):
            return []
        names = self._names(folder)
        start = bisect_left(names, leaf)
        if after.startswith(folder):
            rest = after[len(folder) :]
            first, slash, _ = rest.partition("/")
            start = max(
                start, bisect_left(names, first + slash) if slash else bisect_right(names, rest)
            )
        end = start
        while end < len(names) and names[end].startswith(leaf):
            end += 1
        return names[start:end]

    def _names(self, folder: str) -> list[str]:
        """The sorted names in the folder; a folder's ends in `/`. Empty where it is gone.

        A big folder is kept until its time of change moves, so that many pages don't scan it
        again and again. What changed just now may change again within one tick of the clock.
        """
        path = self._root / folder
        found: set[str] = set()
        for _ in range(_MAX_SCANS):
            try:
                state = path.stat()
                stamp = (state.st_mtime_ns, state.st_ino, state.st_dev)
                cached = self._cache.get(folder)
                if cached is not None and cached.stamp == stamp:
                    return cached.names
                found |= self._scan(folder)
                # A scan may miss a name that is replaced meanwhile: look again, keep both.
                steady = path.stat().st_mtime_ns == stamp[0]
            except (FileNotFoundError, NotADirectoryError):
                return sorted(found)
            if steady:
                names = sorted(found)
                if len(names) > _BIG_FOLDER and time.time_ns() - stamp[0] > _QUIET_NS:
                    self._keep(folder, _Names(stamp, names))
                return names
        return sorted(found)

    def _keep(self, folder: str, names: _Names) -> None:
        with self._mutex:
            self._cache.pop(folder, None)
            self._cache[folder] = names
            while len(self._cache) > _CACHED_FOLDERS:
                del self._cache[next(iter(self._cache))]

    def _scan(self, folder: str) -> set[str]:
        with os.scandir(self._root / folder) as entries:
            return {
                entry.name + "/" if entry.is_dir(follow_symlinks=False) else entry.name
                for entry in entries
                if self._listed(folder, entry.name)
            }

    def _listed(self, folder: str, name: str) -> bool:
        """Whether a name can be a part of a key and is not hidden."""
        if name.startswith("."):
            if name in (".", "..") or name.casefold().startswith(RESERVED):
                return False
            if not self._shows_hidden(folder + name):
                return False
        if name.isascii() and name.isprintable() and len(folder) + len(name) <= MAX_KEY_BYTES // 4:
            return bool(name)
        try:
            check_key(folder + name)
        except InvalidRequest:
            return False
        return True
