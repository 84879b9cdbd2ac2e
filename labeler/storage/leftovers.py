"""Temporary files that killed writers have left in a folder. A bucket has none."""

from __future__ import annotations

import time
from pathlib import Path

from labeler.settings import Location, StoreKind
from labeler.storage.base import RESERVED
from labeler.storage.local_files import STALE_S, remove_stale


def leftovers(location: Location) -> list[Path]:
    """Temporary files that are older than any write can take."""
    if location.kind is not StoreKind.FOLDER:
        return []
    folder = _folder(location)
    oldest = time.time() - STALE_S
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.stat().st_mtime < oldest)


def remove_leftovers(location: Location) -> None:
    """Remove these files, except those that a process still writes."""
    if leftovers(location):
        remove_stale(_folder(location))


def _folder(location: Location) -> Path:
    return Path(location.path) / RESERVED / "tmp"
