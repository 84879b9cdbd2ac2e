"""What a folder keeps of the past: the states of an object that were replaced, as files.

A state is kept by a second name for the same file, so keeping costs no copy and no wait for the
disk. A power cut just after a save may lose the kept name, never the object.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import time
from pathlib import Path
from typing import Final

from labeler.errors import NotFound
from labeler.storage.base import Version, check_key
from labeler.storage.local_files import NO_LINKS, make_folder, version_of, version_time

logger = logging.getLogger(__name__)

MOST_STATES: Final = 50
MOST_AGE_S: Final = 90 * 86_400
"""States that were replaced longer ago are removed, and all but the newest fifty."""
_VERSION: Final = re.compile(r"[0-9]{1,20}-[0-9]{1,20}-[0-9]{1,20}")


class KeptStates:
    """The kept states of objects in the folder `root`; each object has a folder of its own."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def keep(self, key: str, version: Version, folder: str) -> None:
        """Keep that state of the object, which is about to be replaced, below `folder`.

        Keeps nothing if the object is in another state by now. A failure is logged and stops
        nobody from saving.
        """
        source, kept = self._root / key, self._root / folder
        target = kept / f"{version}.json"
        try:
            try:
                _link(source, target)
            except FileNotFoundError:
                if not source.exists():
                    return
                make_folder(kept)
                _link(source, target)
            self._prune(kept)
        except OSError as error:
            logger.warning("%s can't be kept before it is replaced: %s", key, error.strerror)

    def versions(self, folder: str) -> list[Version]:
        """The states that are kept below `folder`, the newest first."""
        try:
            names = os.listdir(self._root / check_key(folder))  # noqa: PTH208 - names alone
        except (FileNotFoundError, NotADirectoryError):
            return []
        found = (Version(name.removesuffix(".json")) for name in names if name.endswith(".json"))
        return sorted(filter(_VERSION.fullmatch, found), key=version_time, reverse=True)

    def read(self, folder: str, version: str) -> bytes:
        """The bytes of one state; NotFound if it is not kept."""
        if _VERSION.fullmatch(version):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                return (self._root / check_key(folder) / f"{version}.json").read_bytes()
        raise NotFound(f"The version {version!r} is not kept.")

    def _prune(self, kept: Path) -> None:
        versions = self.versions(str(kept.relative_to(self._root)))
        oldest = time.time_ns() - MOST_AGE_S * 10**9
        for number, version in enumerate(versions[1:], 1):
            # A state ends when the next one begins.
            if number >= MOST_STATES or version_time(versions[number - 1]) < oldest:
                (kept / f"{version}.json").unlink(missing_ok=True)


def _link(source: Path, target: Path) -> None:
    """Give the file its second name, or copy it where the file system has no such names."""
    try:
        os.link(source, target, follow_symlinks=False)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        shutil.copyfile(source, target)
        return
    if version_of(target.stat()) != Version(target.stem):
        target.unlink()
