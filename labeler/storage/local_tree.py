"""The folder store's files: from key to file, and the walk in key order."""

from __future__ import annotations

import os
import time
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from heapq import nsmallest
from itertools import islice, takewhile
from operator import eq
from pathlib import Path
from typing import Final, NamedTuple

from labeler.errors import InvalidRequest, NotAllowed
from labeler.runtime.bounded_cache import BoundedCache
from labeler.storage.base import RESERVED, check_key
from labeler.storage.local_errors import MISSING
from labeler.storage.local_files import is_folder

_BIG_FOLDER: Final = 1000
_CACHED_FOLDERS: Final = 4
_COARSE_NS: Final = 10_000_000  # FAT and HFS+ store whole seconds, all others finer steps than this
_MAX_SCANS: Final = 3
_SHORT: Final = 192
"""A plain name in a folder with fewer letters makes a key that is not too long."""


class _Names(NamedTuple):
    stamp: tuple[int, ...]
    names: list[str]


class Tree:
    """The files below `root`.

    `shows_hidden` says whether a hidden file or folder (its path from the root) is listed.
    """

    def __init__(self, root: Path, shows_hidden: Callable[[str], bool]) -> None:
        self._root = root
        self._before = f"{root}/"
        self._shows_hidden = shows_hidden
        self._cache = BoundedCache[str, _Names](max_items=_CACHED_FOLDERS)

    def path(self, key: str) -> Path:
        """The file of the object, which need not exist.

        Macs write names decomposed (NFD), but keys are NFC. A part that exists only decomposed is
        used in that form.
        """
        path = self._root / key
        if key.isascii() or os.path.lexists(path):
            return path
        path = self._root
        for part in key.split("/"):
            decomposed = unicodedata.normalize("NFD", part)
            only = decomposed != part and not os.path.lexists(path / part)
            path /= decomposed if only and os.path.lexists(path / decomposed) else part
        return path

    def place(self, key: str) -> str:
        """The same as text; for many files this is faster than a Path each."""
        return self._before + key if key.isascii() else str(self.path(key))

    def linked_folder(self, key: str) -> Path | None:
        """The first folder on the key's path that is a link."""
        at = key.find("/")
        while at > 0:
            path = self.path(key[:at])
            if path.is_symlink():
                return path
            at = key.find("/", at + 1)
        return None

    def check_root(self) -> None:
        """Raise NotAllowed if something else than a folder is where the root should be."""
        try:
            state = self._root.stat()
        except OSError:
            return  # missing; or the next call reports what is wrong
        if not is_folder(state):
            raise NotAllowed(
                f"{self._root} is a file, but Labeler needs a folder there: name another one in "
                "LABELER_STORAGE or LABELER_UPLOADS."
            )

    def keys(self, prefix: str, after: str, few: int = 0) -> Iterator[str]:
        """Keys that begin with `prefix` and are above `after`, ascending.

        A key may belong to a file or a link, or its file may be gone by now. Folders that lie
        wholly outside are not entered, and links to folders never are. Strings sort like their
        UTF-8 bytes. Who names how few keys are wanted gets the first ones of a large folder before
        all its names are sorted.
        """
        base = prefix[: prefix.rfind("/") + 1]
        if base and not self._is_folder(base):
            return

        def between(folder: str, leaf: str) -> Iterator[str]:
            if few and not after:
                return self._from_start(folder, leaf, few)
            return self._between(folder, leaf, after)

        stack = [(base, between(base, prefix[len(base) :]))]
        while stack:
            folder, names = stack[-1]
            for name in names:
                if name[-1] == "/":
                    below = folder + name
                    stack.append((below, between(below, "")))
                    break
                yield folder + name
            else:
                stack.pop()
                self._cache.drop(folder)  # no page of this walk comes after this one

    def _is_folder(self, base: str) -> bool:
        """Whether `base` (ending in `/`) is a folder that a walk from the root would enter."""
        folder = ""
        for part in base[:-1].split("/"):
            if not self._is_listed(folder, part):
                return False
            folder += part
            try:
                if not is_folder(self.path(folder).lstat()):
                    return False
            except OSError as error:
                if error.errno not in MISSING:
                    raise
                return False
            folder += "/"
        return True

    def _between(self, folder: str, leaf: str, after: str) -> Iterator[str]:
        """The names in `folder` that begin with `leaf` and may lead to keys above `after`.

        They come one by one: a page takes a thousand of a million.
        """
        if after > folder and not after.startswith(folder):
            return iter(())
        names = self._names(folder)
        start = bisect_left(names, leaf)
        if after.startswith(folder):
            rest = after[len(folder) :]
            first, slash, _ = rest.partition("/")
            past = bisect_left(names, first + slash) if slash else bisect_right(names, rest)
            start = max(start, past)
        return _from(names, start, leaf)

    def _from_start(self, folder: str, leaf: str, few: int) -> Iterator[str]:
        """The names in `folder` that begin with `leaf`, the first `few` before all are sorted."""
        if self._cached(folder) is not None:
            yield from self._between(folder, leaf, "")
            return
        first, last = self._first_names(folder, leaf, few)
        yield from first
        if last:
            names = self._names(folder)
            yield from _from(names, bisect_right(names, last), leaf)

    def _first_names(self, folder: str, leaf: str, few: int) -> tuple[list[str], str]:
        """The first names that begin with `leaf`, and the one up to which they are all there are.

        That one is empty if there are no others.
        """
        found, _ = self._read(self.path(folder), os.listdir)
        names = iter(found) if all(map(str.isascii, found)) else map(_composed, found)
        first = nsmallest(few, (name for name in names if name.startswith(leaf)) if leaf else names)
        last = first[-1] if len(first) == few else ""
        listed = [name for name in first if self._is_listed(folder, name)]
        shown = [f"{one}/" if self._is_folder(f"{folder}{one}/") else one for one in listed]
        # The / of a folder may put it behind a name that is not among these.
        return _sorted_once([name for name in shown if not last or name <= last]), last

    def _names(self, folder: str) -> list[str]:
        """The sorted names in the folder (none if it is gone); names of folders end in `/`.

        The `/` puts `a.json` and `a-b` before the content of `a/`, in the order of their keys. The
        names of a large folder are cached until its time of change moves or a walk is at its end,
        because many pages would scan it again. They are not cached if the folder has just changed:
        it may change again within one step of its clock.
        """
        cached = self._cached(folder)
        if cached is not None:
            return cached
        names, state = self._read(self.path(folder), partial(self._scan, folder))
        names = _sorted_once(names)
        if state and len(names) > _BIG_FOLDER and _is_past(state.st_mtime_ns):
            self._cache.put(folder, _Names(_stamp(state), names))
        return names

    def _cached(self, folder: str) -> list[str] | None:
        """The names of the folder, if they are known and it has not changed."""
        cached = self._cache.get(folder)
        if cached is not None:
            with suppress(FileNotFoundError, NotADirectoryError):
                if cached.stamp == _stamp(self.path(folder).stat()):
                    return cached.names
        return None

    def _read(
        self, path: Path, scan: Callable[[Path], list[str]]
    ) -> tuple[list[str], os.stat_result | None]:
        """What `scan` finds in the folder, some of it twice, and its state if it did not change."""
        names: list[str] = []
        for _ in range(_MAX_SCANS):
            try:
                state = path.stat()
                names += scan(path)
                # A scan may miss a name that is being replaced: scan again and join both results.
                if path.stat().st_mtime_ns == state.st_mtime_ns:
                    return names, state
            except (FileNotFoundError, NotADirectoryError):
                break
        return names, None

    def _scan(self, folder: str, path: Path) -> list[str]:
        """The names in the folder, some of them twice; names of folders end in `/`."""
        names: list[str] = []
        is_short = len(folder) < _SHORT
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                # Most names are plain, and need no call for each.
                is_plain = is_short and name.isascii() and name.isprintable() and len(name) <= 255
                if not is_plain or name[0] == ".":
                    name = _composed(name)
                    if not self._is_listed(folder, name):
                        continue
                names.append(name + "/" if entry.is_dir(follow_symlinks=False) else name)
        return names

    def _is_listed(self, folder: str, name: str) -> bool:
        """Whether a name can be a part of a key and is not hidden."""
        if name.startswith("."):
            if name.casefold().startswith(RESERVED):
                return False
            if not self._shows_hidden(folder + name):
                return False
        if name.isascii() and name.isprintable() and 0 < len(name) <= 255 and len(folder) < _SHORT:
            return True
        try:
            check_key(folder + name)
        except InvalidRequest:
            return False
        return True


def _composed(name: str) -> str:
    """The NFC form of a name that is in NFD form, as Macs write them; others as they are."""
    composed = unicodedata.normalize("NFC", name)
    return composed if unicodedata.normalize("NFD", composed) == name else name


def _from(names: list[str], start: int, leaf: str) -> Iterator[str]:
    """The names from there on that begin with `leaf`, without a copy of the list."""
    found = map(names.__getitem__, range(start, len(names)))
    return takewhile(lambda name: name.startswith(leaf), found) if leaf else found


def _stamp(state: os.stat_result) -> tuple[int, ...]:
    """What is another one after a change of the folder, unless its clock has not moved."""
    return state.st_mtime_ns, state.st_ctime_ns, state.st_ino, state.st_dev


def _sorted_once(names: list[str]) -> list[str]:
    """The names in order, each once; sorts the list itself."""
    names.sort()
    if any(map(eq, names, islice(names, 1, None))):
        return list(dict.fromkeys(names))
    return names


def _is_past(moment: int) -> bool:
    """Whether the clock of the file system has certainly moved on since that time (ns)."""
    tick = 4_000_000_000 if moment % _COARSE_NS == 0 else 10 * _COARSE_NS
    return time.time_ns() - moment > tick
