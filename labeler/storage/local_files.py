"""The file system's part of the folder store: states, locks, temporary files, failures."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import os
import random
import secrets
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from labeler.errors import Unavailable
from labeler.storage.base import Version

NO_LINKS: Final = frozenset({errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK})
_NO_FOLDER_SYNC: Final = frozenset({errno.EBADF, errno.EINVAL, errno.ENOTSUP})

# File systems store times in steps of 1 ns, 100 ns, 10 ms (exFAT), 1 s (HFS+) or 2 s (FAT).
_TICKS_NS: Final = (1, 1_000, 10_000_000, 1_000_000_000, 2_000_000_000, 4_000_000_000)
STALE_S: Final = 3600
_CHUNK: Final = 1024 * 1024


def version_of(state: os.stat_result) -> Version:
    """The version of a file in this state; every edit or replacement gives another one."""
    return Version(f"{state.st_mtime_ns}-{state.st_size}-{state.st_ino}")


def version_time(version: Version) -> int:
    """The time of change in a version, in ns."""
    return int(version[: version.index("-", 1)])


def stamp(fd: int, above: int) -> os.stat_result:
    """Set the file's time of change to now, or above `above` (ns) if the clock lags; its new state.

    So a clock that stops or jumps back never gives two states one version.
    """
    for tick in _TICKS_NS:
        moment = max(time.time_ns(), above + tick)
        os.utime(fd, ns=(moment, moment))
        state = os.fstat(fd)
        if state.st_mtime_ns > above:
            return state
    raise Unavailable("The file system does not keep the time of a change: use another folder.")


@contextlib.contextmanager
def locked(path: Path, timeout_s: float) -> Iterator[None]:
    """Hold the lock file at `path` against all threads and processes; Unavailable after a time-out.

    The system frees the lock of a killed process. The file stays: if it were removed while somebody
    waits for it, two processes could hold the lock.
    """
    deadline = time.monotonic() + timeout_s
    pause = 0.0002
    while True:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            if _try_lock(fd):
                yield
                return
        finally:
            os.close(fd)
        if time.monotonic() > deadline:
            raise Unavailable(
                f"Another program has kept {path} locked for {timeout_s:g} seconds: look for a "
                "process of Labeler that hangs, end it, and save again."
            )
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads waiting threads
        pause = min(pause * 2, 0.02)


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def temporary(folder: Path) -> Iterator[tuple[int, Path]]:
    """A new file in `folder`, open for writing and locked; removed at the end unless moved."""
    path = folder / secrets.token_hex(8)
    # Other programs read these files, so the umask decides the permissions, as for any file.
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        _try_lock(fd)
        yield fd, path
    finally:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        os.close(fd)


def remove_stale(folder: Path) -> None:
    """Remove temporary files of killed writers: an hour old and locked by nobody."""
    for path in folder.iterdir():
        with contextlib.suppress(OSError):  # a failed clean-up must not keep anybody from saving
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            try:
                old = time.time() - os.fstat(fd).st_mtime > STALE_S
                if old and _try_lock(fd):
                    path.unlink()
            finally:
                os.close(fd)


def sync(fd: int) -> None:
    """Wait until the disk itself has the file's bytes and times."""
    if sys.platform == "darwin":
        with contextlib.suppress(OSError):  # network shares don't support it
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync alone only reaches the drive's cache
            return
    os.fsync(fd)


def sync_folder(path: Path) -> None:
    """Wait until the disk has the folder's entries, if the file system can do that.

    The folder may be gone, because a writer needed its name for an object. Then nothing is synced.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        os.fsync(fd)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(fd)


def make_folder(path: Path) -> None:
    """Create the folder and those above it, durably; it may exist already.

    Raises NotADirectoryError if something else has its name.
    """
    if path.is_dir():  # nearly always true
        return
    try:
        _make_one(path)
    except FileNotFoundError:
        make_folder(path.parent)
        _make_one(path)


def _make_one(path: Path) -> None:
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None
    else:
        sync_folder(path.parent)


def place_new(temp: Path, path: Path) -> None:
    """Give the file its name if that name is free; FileExistsError otherwise."""
    try:
        os.link(temp, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        # FAT and some network shares have no links. Our lock keeps every other Labeler away.
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from error
        temp.rename(path)


def remove_empty(folder: Path) -> bool:
    """Remove a folder that holds no file at any depth; returns whether it is gone."""
    try:
        for path in folder.iterdir():
            if path.is_symlink() or not path.is_dir() or not remove_empty(path):
                return False
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def is_file(state: os.stat_result) -> bool:
    """Whether this is an ordinary file: reading a pipe or a device could hang or never end."""
    return stat.S_ISREG(state.st_mode)


def is_folder(state: os.stat_result) -> bool:
    """Whether this is a folder."""
    return stat.S_ISDIR(state.st_mode)


def is_link(state: os.stat_result) -> bool:
    """Whether this is a symbolic link itself."""
    return stat.S_ISLNK(state.st_mode)


def write_all(fd: int, data: bytes) -> None:
    """Write all of the bytes at the file's position."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def chunks(fd: int, size: int) -> Iterator[bytes]:
    """The first `size` bytes, in chunks of at most 1 MiB; fewer if the file has shrunk."""
    at = 0
    while at < size:
        data = os.pread(fd, min(_CHUNK, size - at), at)
        if not data:
            return
        at += len(data)
        yield data


def whole(fd: int, size: int) -> bytes:
    """The first `size` bytes; fewer if the file has shrunk."""
    return os.pread(fd, size, 0) if size <= _CHUNK else b"".join(chunks(fd, size))


def md5_of(fd: int) -> str:
    """The hex MD5 of the whole file."""
    digest = hashlib.md5(usedforsecurity=False)
    for chunk in chunks(fd, os.fstat(fd).st_size):
        digest.update(chunk)
    return digest.hexdigest()


def copy(data: bytes | BinaryIO, fd: int) -> str:
    """Write all of `data` to the file; returns the hex MD5 of the written bytes."""
    digest = hashlib.md5(usedforsecurity=False)
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    source.seek(0)
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        write_all(fd, chunk)
        if len(chunk) == _CHUNK:
            _sync_part(fd)
    return digest.hexdigest()


def _sync_part(fd: int) -> None:
    """Wait until the disk has what was written so far of a large file.

    File systems sync in order: the next save of anybody would wait for all that is not synced.
    """
    if sys.platform != "darwin":
        os.fdatasync(fd)
