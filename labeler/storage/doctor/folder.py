"""Examine a folder as the location of a store."""

from __future__ import annotations

import fcntl
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from labeler.storage.base import RESERVED
from labeler.storage.doctor.findings import (
    PROBE,
    ExaminedPlace,
    Finding,
    fault,
    ok,
    probe_key,
    try_out,
    warning,
)
from labeler.storage.local import LocalStore

_MIB: Final = 2**20
_LITTLE_MIB: Final = 1024
_TOO_LITTLE_MIB: Final = 100
_MOUNTS: Final = Path("/proc/self/mountinfo")
_SHARED: Final = frozenset({"nfs", "nfs4", "cifs", "smb3", "9p", "virtiofs", "ceph", "glusterfs"})
_PASSING: Final = frozenset({"tmpfs", "ramfs", "overlay"})

_TRY_LOCK: Final = """
import fcntl, sys
with open(sys.argv[1], "rb+") as file:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(3)
"""
"""What another process does; it ends with 3 where the lock keeps it out."""
_KEPT_OUT: Final = 3

_USE_ANOTHER: Final = "export LABELER_STORAGE=/ANOTHER/FOLDER  # or gs://BUCKET"
_USE_A_BUCKET: Final = "export LABELER_STORAGE=gs://BUCKET"


def examine_folder(
    place: ExaminedPlace, *, timeout_s: int, on_cloud_run: bool
) -> Iterator[Finding]:
    """Findings about the folder; a folder that does not exist yet is not created."""
    root = Path(place.location.path)
    there = _nearest(root)
    if not there.is_dir():
        yield fault(f"{there} is not a folder", "Nothing can be kept in it.", _USE_ANOTHER)
        return
    if there == root:
        yield ok(f"The folder {root} is there")
    else:
        yield ok(f"There is no folder {root} yet: the first start makes it in {there}")
    try:
        yield from _file_system(there, on_cloud_run)
        yield _space(there)
        refused = list(_refused(root, place.kept)) if there == root else []
        yield from refused or _tried(there, timeout_s)
    except OSError as error:
        yield fault(f"{there} fails: {error.strerror}", "Nothing can be saved.", _USE_ANOTHER)


def _nearest(root: Path) -> Path:
    """The folder itself or, if it does not exist yet, the nearest existing folder above it."""
    return next(path for path in (root, *root.parents) if os.path.lexists(path))


# --- the file system ----------------------------------------------------------------------


def _file_system(path: Path, on_cloud_run: bool) -> Iterator[Finding]:
    kind, mount = file_system_of(path, _MOUNTS)
    shared = kind in _SHARED or kind.startswith("fuse")
    if "gcsfuse" in kind:
        yield fault(
            f"The folder is a bucket that GCS FUSE mounts at {mount}",
            "It has no locks, and the last write wins: people overwrite each other's boxes.",
            _USE_A_BUCKET,
        )
    elif shared:
        yield warning(
            f"The folder is on another machine or a foreign file system ({kind} at {mount})",
            "Several machines may use it only if it keeps locks between them; otherwise people "
            "overwrite each other's boxes.",
            _USE_A_BUCKET,
        )
    elif on_cloud_run:
        yield fault(
            "On Cloud Run a folder is in the memory of one instance",
            "All boxes and images are lost when the instance ends.",
            _USE_A_BUCKET,
        )
    elif kind in _PASSING:
        yield warning(
            f"The folder is in memory, or part of a container ({kind} at {mount})",
            "All boxes and images are lost with the container or the machine.",
            _USE_ANOTHER,
        )
    elif kind:
        yield ok(f"The file system is {kind}, mounted at {mount}")


def file_system_of(path: Path, mounts: Path) -> tuple[str, str]:
    """Type and mount point of the file system that holds `path`, from Linux's table of mounts.

    Both are empty if there is no such table.
    """
    try:
        table = mounts.read_text(errors="surrogateescape")
    except OSError:
        return "", ""
    found = ("", "")
    real = path.resolve()
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        mount = re.sub(r"\\(\d{3})", lambda match: chr(int(match[1], 8)), before.split(" ")[4])
        # Of two mounts at one point, the later hides the earlier.
        if real.is_relative_to(mount) and len(mount) >= len(found[1]):
            found = (after.split(" ")[0], mount)
    return found


def _space(path: Path) -> Finding:
    state = os.statvfs(path)
    free = state.f_bavail * state.f_frsize // _MIB
    what = f"{free:,} MiB are free"
    why = "On a full disk nothing can be saved; labelers keep their work only in open pages."
    look = f"df -h {shlex.quote(str(path))}"
    if state.f_files and not state.f_favail:
        return fault(f"The disk can't take another file, though {what}", why, f"{look} -i")
    if free < _TOO_LITTLE_MIB:
        return fault(f"Only {what}", why, look)
    if free < _LITTLE_MIB:
        return warning(f"Only {what}", why, look)
    return ok(what)


# --- permissions --------------------------------------------------------------------------


def _refused(root: Path, kept: tuple[str, ...]) -> Iterator[Finding]:
    """A fault for the first of our files that this account may not read or change."""
    for path, needed in _ours(root, kept):
        # Temporary files may disappear at any moment.
        if not os.access(path, needed, effective_ids=True) and path.exists():
            quoted = shlex.quote(str(root))
            yield fault(
                f"This account may not read and change {path}",
                "Documents can't be opened, or not be saved.",
                f'sudo chown -R "$(id -u):$(id -g)" {quoted} && chmod -R u+rwX {quoted}',
            )
            return


def _ours(root: Path, kept: tuple[str, ...]) -> Iterator[tuple[Path, int]]:
    """The folder, its objects and the store's own files, each with the permissions it needs.

    A save replaces the file of an object, so the file need not be writable, but its folder must be.
    """
    own = root / RESERVED
    for path in (root, *(root / key for key in kept), own, *sorted(own.glob("*/"))):
        yield path, os.R_OK | os.W_OK | os.X_OK if path.is_dir() else os.R_OK
    for path in sorted([*own.glob("locks/*"), *own.glob("journal.sqlite*")]):
        yield path, os.R_OK | os.W_OK


# --- the trial ----------------------------------------------------------------------------


def _tried(there: Path, timeout_s: int) -> Iterator[Finding]:
    """Findings about a separate store in `there`, under a name that no listing shows."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"{RESERVED}-{PROBE}", dir=there))
    except OSError as error:
        why = "Nothing can be added or saved."
        yield fault(f"Nothing can be made in {there}: {error.strerror}", why, _USE_ANOTHER)
        return
    try:
        findings = [_locks(folder), *_links(folder)]
        store = LocalStore(folder, timeout_s=timeout_s)
        findings += try_out(store, probe_key(), repair=_USE_ANOTHER)
        store.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield from findings
    if folder.exists():
        why = "It is not seen by Labeler, but takes space."
        yield warning(f"{folder} was left behind", why, f"rm -r {shlex.quote(str(folder))}")


def _locks(folder: Path) -> Finding:
    path = folder / "lock"
    path.touch()
    try:
        with path.open("rb+") as mine, path.open("rb+") as other:
            fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
            kept_out = _keeps_out(other)
            child = subprocess.run([sys.executable, "-I", "-c", _TRY_LOCK, path], check=False)  # noqa: S603
    except OSError as error:
        reason = str(error.strerror)
    else:
        if kept_out and child.returncode == _KEPT_OUT:
            return ok("Locks keep out other threads and processes")
        reason = "two got the same lock at once"
    return fault(
        f"The file system keeps no locks: {reason}",
        "Of two people who save at once, one would wipe out the boxes of the other.",
        _USE_ANOTHER,
    )


def _keeps_out(file: BinaryIO) -> bool:
    """Whether the lock on this file keeps out a second lock of the same process."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def _links(folder: Path) -> Iterator[Finding]:
    source = folder / "linked"
    source.touch()
    try:
        os.link(source, folder / "link")
    except OSError as error:
        yield warning(
            f"The file system has no hard links ({error.strerror})",
            "A file that another program puts there at the very moment when Labeler makes one of "
            "that name is replaced.",
            _USE_ANOTHER,
        )
