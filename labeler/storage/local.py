"""The folder store: objects are ordinary files below one folder, for many processes at once.

Beyond the contract (base.py), for people and programs that work on the folder directly:

* `root/<key>` is the object. A file that another program puts there is an object, and an edit by
  another program is a new version. Such a program should write the file elsewhere and rename it.
  Labeler's own files are in `root/.labeler/`, which may be removed while nothing runs; only
  metadata is lost.
* A hidden file or folder (`.DS_Store`, `.git`) is listed only if Labeler wrote it. Decomposed
  (NFD) names, as Macs write them, have their NFC keys. Other names that are not keys (not UTF-8,
  control characters) are not listed.
* A link to a file can be read and is listed; writing or deleting through it raises NotAllowed.
  Links to folders are not followed; `root` itself may be one.
* A file can't be where a folder is, so `a` and `a/b` exclude each other (InvalidRequest). A name
  that the file system can't hold raises InvalidRequest too. If the file system ignores case, all
  spellings are one object.
* Open one folder as one root: locks and metadata belong to the root.
"""

from __future__ import annotations

import contextlib
import io
import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from labeler.errors import DamagedObject, InvalidRequest, NotAllowed, NotFound, Unavailable
from labeler.runtime.spools import JoinedFile
from labeler.storage import local_files as files
from labeler.storage.base import (
    ABSENT,
    NONE_KNOWN,
    RESERVED,
    ObjectInfo,
    Page,
    Replaces,
    Scanned,
    Version,
    check_key,
    check_metadata,
    check_parts,
    gone,
)
from labeler.storage.local_errors import MISSING, conflict, explain, missing
from labeler.storage.local_journal import Journal
from labeler.storage.local_tree import Tree

_LOCKS: Final = 64
_TRIES: Final = 5
_PLACINGS: Final = 20
_CLEANING_S: Final = 3600
_BATCH: Final = 1000
_JOINED_BYTES: Final = 2**18


class LocalStore:
    """A Store in the folder `root`, which the first write creates; many processes may share it.

    `timeout_s` limits the wait for a lock.
    """

    def __init__(self, root: Path, *, timeout_s: float = 20) -> None:
        self._root = root
        self._own = root / RESERVED
        self._temp = self._own / "tmp"
        self._locks = self._own / "locks"
        self._timeout_s = timeout_s
        self._journal = Journal(self._own, timeout_s)
        self._tree = Tree(root, self._journal.wrote_hidden)
        self._clean_at = 0.0

    def read(self, key: str) -> tuple[bytes, ObjectInfo]:
        with self._reading(key):
            for _ in range(_TRIES):
                data, state = self._read(key)
                [info] = self._journal.infos([(key, state)])
                if self._is_whole(info):
                    break
            return data, info

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes, Version]]:
        own_folders: set[str] = set()
        for key in keys:
            try:
                folder = key.rpartition("/")[0]
                with self._reading(key):
                    if folder not in own_folders and self._tree.linked_folder(key) is None:
                        own_folders.add(folder)
                    data, state = self._read(key, folder in own_folders)
            except NotFound:
                continue
            yield key, data, files.version_of(state)

    def info(self, key: str) -> ObjectInfo:
        with self._reading(key):
            for _ in range(_TRIES):
                [info] = self._journal.infos([(key, self._state(key))])
                if self._is_whole(info):
                    break
            return info

    @contextlib.contextmanager
    def open(self, key: str) -> Iterator[Iterator[bytes]]:
        with self._reading(key):
            fd = self._open(key)
        try:
            yield self._chunks(key, fd)
        finally:
            os.close(fd)

    def write(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        replaces: Replaces,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
    ) -> Version:
        checked = check_metadata(metadata)
        with self._changing(key, f"{key} can't be saved"):
            self._check_state(key, replaces)  # before a large upload is copied in vain
            with files.temporary(self._temp) as (fd, temp):
                md5 = files.copy(data, fd)
                with files.locked(self._lock(key), self._timeout_s):
                    current = self._check_state(key, replaces)
                    version = self._journal.enter(fd, key, current, checked, md5)
                    files.sync(fd)
                    self._place(key, temp, replaces)
            return version

    def set_metadata(self, key: str, metadata: Mapping[str, str], *, version: Version) -> None:
        checked = check_metadata(metadata)
        with (
            self._changing(key, f"The metadata of {key} can't be saved"),
            files.locked(self._lock(key), self._timeout_s),
        ):
            self._check_version(key, version)
            md5 = self._md5(key, version)
            self._journal.note(key, version, checked, md5)

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        if not 1 <= limit <= 1000:
            raise InvalidRequest(f"A page can have 1 to 1000 objects, not {limit}.")
        with self._explained(f"{self._root / prefix} can't be listed"):
            self._tree.check_root()
            few = limit + 1 if limit < _BATCH else 0  # whole pages are asked for to list all
            found = list(islice(self._found(prefix, after, few), limit + 1))
            infos = []
            for info in self._journal.infos(found[:limit]):
                if self._is_whole(info):
                    infos.append(info)
                else:
                    with contextlib.suppress(NotFound):
                        infos.append(self.info(info.key))
        return Page(tuple(infos), found[limit - 1][0] if len(found) > limit else None)

    def scan(
        self,
        prefix: str,
        *,
        note: str = "",
        splits: Sequence[str] = (),
        known: Mapping[str, Version] = NONE_KNOWN,
    ) -> Iterator[Scanned]:
        left = set(known)
        with self._explained(f"{self._root / prefix} can't be listed"):
            self._tree.check_root()
            found = self._changed(prefix, known, left)
            if not note:
                for key, state in found:
                    yield Scanned(key, files.version_of(state), 0, "", "")
            while note and (batch := list(islice(found, _BATCH))):
                for key, version, size, _, metadata, md5 in self._journal.infos(batch):
                    yield Scanned(key, version, size, md5 or "", metadata.get(note, ""))
        yield from gone(left)

    def compose(
        self,
        key: str,
        parts: Sequence[str],
        *,
        replaces: Replaces,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
    ) -> Version:
        with contextlib.ExitStack() as opened:
            sources = []
            for part in check_parts(parts):
                with self._reading(part):
                    sources.append(opened.enter_context(open(self._open(part), "rb")))
            joined = io.BufferedReader(JoinedFile(sources), _JOINED_BYTES)
            return self.write(
                key, joined, replaces=replaces, metadata=metadata, content_type=content_type
            )

    def delete(self, key: str, *, version: Version) -> None:
        with (
            self._changing(key, f"{key} can't be deleted"),
            files.locked(self._lock(key), self._timeout_s),
        ):
            self._check_version(key, version)
            self._journal.enter_delete(key, version)
            path = self._tree.path(key)
            path.unlink()
            files.sync_folder(path.parent)

    def close(self) -> None:
        self._journal.close()

    # --- reading ---------------------------------------------------------------------------

    def _read(self, key: str, in_own_folder: bool = False) -> tuple[bytes, os.stat_result]:
        """The bytes and their state, even if somebody edits the file in place.

        `in_own_folder` says that no link leads to the key, so that many reads need not check it.
        """
        fd = self._open(key, in_own_folder)
        try:
            state = os.fstat(fd)
            for _ in range(_TRIES):
                data = files.whole(fd, state.st_size)
                before, state = state, os.fstat(fd)
                steady = files.version_of(before) == files.version_of(state)
                if steady and len(data) == state.st_size:
                    return data, state
        finally:
            os.close(fd)
        raise Unavailable(
            f"{key} changes while it is read: another program keeps writing it. Try again later."
        )

    def _chunks(self, key: str, fd: int) -> Iterator[bytes]:
        state = os.fstat(fd)
        with self._reading(key):
            yield from files.chunks(fd, state.st_size)
            if files.version_of(os.fstat(fd)) != files.version_of(state):
                raise DamagedObject(
                    f"{key} was changed in place by another program while it was read. Try again."
                )

    def _open(self, key: str, in_own_folder: bool = False) -> int:
        if not in_own_folder and self._tree.linked_folder(key) is not None:
            raise missing(key, self._root)
        # Without O_NONBLOCK, opening somebody's pipe would wait for its writer forever.
        fd = os.open(self._tree.place(key), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not files.is_file(os.fstat(fd)):
            os.close(fd)
            raise missing(key, self._root)
        return fd

    def _state(self, key: str) -> os.stat_result:
        state = None if self._tree.linked_folder(key) else self._tree.path(key).stat()
        if state is None or not files.is_file(state):
            raise missing(key, self._root)
        return state

    def _is_whole(self, info: ObjectInfo) -> bool:
        """Whether the info has a note, or the journal really has none of this state.

        Otherwise the object was replaced so often since that the journal has dropped the state.
        """
        if info.md5 is not None:
            return True
        try:
            return files.version_of(self._tree.path(info.key).stat()) == info.version
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _found(self, prefix: str, after: str, few: int = 0) -> Iterator[tuple[str, os.stat_result]]:
        place, is_file = self._tree.place, files.is_file
        for key in self._tree.keys(prefix, after, few):
            try:
                state = os.stat(place(key))  # noqa: PTH116 - a Path each takes longer
            except OSError as error:
                if error.errno not in MISSING:
                    raise
            else:
                if is_file(state):
                    yield key, state

    def _changed(
        self, prefix: str, known: Mapping[str, Version], left: set[str]
    ) -> Iterator[tuple[str, os.stat_result]]:
        """The objects that are not in the version known; takes those that exist out of `left`."""
        for key, state in self._found(prefix, ""):
            left.discard(key)
            if not known or known.get(key) != files.version_of(state):
                yield key, state

    # --- changing --------------------------------------------------------------------------

    def _check_state(self, key: str, replaces: Replaces) -> Version | None:
        """Check that the object has the named state; returns its version, None if it is absent."""
        state = self._state_itself(key)
        if state is not None and not files.is_file(state):
            path = self._tree.path(key)
            if not files.remove_empty(path):
                raise InvalidRequest(
                    f"{key} can't be saved: {path} is a folder, or something else that is not a "
                    "file. Choose another name."
                )
            state = None
        current = None if state is None else files.version_of(state)
        if current != (None if replaces is ABSENT else replaces):
            raise conflict(key, replaces, state)
        return current

    def _check_version(self, key: str, version: Version) -> None:
        """Check that the object is there in that version."""
        try:
            state = self._state_itself(key)
        except OSError as error:
            if error.errno not in MISSING:
                raise
            state = None
        if state is None or not files.is_file(state):
            raise missing(key, self._root)
        if files.version_of(state) != version:
            raise conflict(key, version, state)

    def _md5(self, key: str, version: Version) -> str:
        """The MD5 of the bytes in that version, which another program may have written."""
        with self._reading(key):
            fd = self._open(key)
        try:
            digest = files.md5_of(fd)
            state = os.fstat(fd)
        finally:
            os.close(fd)
        if files.version_of(state) != version:
            raise conflict(key, version, state)
        return digest

    def _state_itself(self, key: str) -> os.stat_result | None:
        """The state of the object, None if it is absent; NotAllowed if a link is in the way."""
        linked = self._tree.linked_folder(key)
        try:
            state = self._tree.path(key).lstat()
        except FileNotFoundError:
            state = None
        if linked is None and state is not None and files.is_link(state):
            linked = self._tree.path(key)
        if linked is not None:
            raise NotAllowed(
                f"{key} can't be changed: {linked} is a link, and Labeler writes nothing through "
                "links. Name the folder itself in LABELER_STORAGE or LABELER_UPLOADS."
            )
        return state

    def _place(self, key: str, temp: Path, replaces: Replaces) -> None:
        path = self._tree.path(key)
        for left in reversed(range(_PLACINGS)):
            try:
                files.make_folder(path.parent)
                if replaces is ABSENT:
                    files.place_new(temp, path)
                else:
                    temp.replace(path)
            except (FileExistsError, FileNotFoundError):
                # Another program made this file. Or an object above or below this name, which has
                # another lock, was created or deleted, and the folder with it.
                self._check_state(key, replaces)
                if not left:
                    raise
            else:
                files.sync_folder(path.parent)
                return

    @contextlib.contextmanager
    def _changing(self, key: str, failure: str) -> Iterator[None]:
        """Create our own folders first; messages of failures begin with `failure`."""
        check_key(key)
        with self._explained(failure):
            self._tree.check_root()
            for folder in (self._temp, self._locks):
                files.make_folder(folder)
            if time.monotonic() >= self._clean_at:
                self._clean_at = time.monotonic() + _CLEANING_S
                files.remove_stale(self._temp)
            yield

    def _lock(self, key: str) -> Path:
        # All spellings that a file system may treat as one name share a lock.
        number = zlib.crc32(key.casefold().encode()) % _LOCKS
        return self._locks / f"{number:02d}"

    # --- both ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        check_key(key)
        try:
            yield
        except OSError as error:
            if error.errno not in MISSING:
                raise explain(error, f"{key} can't be read", self._root) from error
            self._tree.check_root()
            raise missing(key, self._root) from error

    @contextlib.contextmanager
    def _explained(self, doing: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise explain(error, doing, self._root) from error
