"""Messages for people about failures of the folder store."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Final

from labeler.errors import (
    InvalidRequest,
    NotAllowed,
    NotFound,
    StoreError,
    Unavailable,
    VersionConflict,
)
from labeler.storage.base import ABSENT, Replaces

MISSING: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.ENXIO}
)
"""The errors of the system if a file does not exist or can't exist."""

_BAD_NAME: Final = frozenset({errno.ENAMETOOLONG, errno.EILSEQ, errno.ENOTDIR, errno.EISDIR})
_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def missing(key: str, root: Path) -> NotFound:
    """The error for an object that does not exist."""
    return NotFound(f"There is no {key} in {root}.")


def conflict(key: str, named: Replaces, state: os.stat_result | None) -> VersionConflict:
    """The error for an object in `state` (None: absent) if the caller `named` another one."""
    if named is ABSENT:
        happened = "is there already"
    elif state is None:
        happened = "has been deleted since it was read"
    else:
        happened = "has been changed since it was read"
    return VersionConflict(f"{key} {happened}: nothing was changed. Read it again.")


def explain(error: OSError, doing: str, root: Path) -> StoreError | InvalidRequest:
    """The error for a person; `doing` begins its message: "annotations/x can't be saved"."""
    reason = error.strerror or str(error)
    if error.errno in _FULL:
        return Unavailable(
            f"{doing}: the disk of {root} is full ({reason}). What was there before is unchanged. "
            "Free some space, then save again."
        )
    if error.errno in _REFUSED:
        return NotAllowed(
            f"{doing}: {root} does not allow it ({reason}). Give the account that runs Labeler "
            "the right to read and write this folder, or choose another in LABELER_STORAGE."
        )
    if error.errno in _BAD_NAME:
        return InvalidRequest(
            f"{doing}: the file system of {root} can't hold a file of that name ({reason}). "
            "Choose another name."
        )
    if error.errno == errno.EXDEV:
        return NotAllowed(
            f"{doing}: its folder is on another disk than {root}, and a file can't be moved there "
            "whole. Mount the disk at the top, or name the mounted folder itself in "
            "LABELER_STORAGE or LABELER_UPLOADS."
        )
    return Unavailable(f"{doing}: {root} failed ({reason}). Check the disk, then try again.")
