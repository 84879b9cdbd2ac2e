"""JavaScript modules that browsers import as they are, at addresses with a content hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

MEDIA_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_WORKBENCH: Final = Path(__file__).parents[1] / "ui" / "workbench"


@dataclass(frozen=True, slots=True)
class BrowserModules:
    """Files by their path below the folder; `version` changes when any of them changes."""

    version: str
    files: Mapping[str, bytes]


def read_modules(folder: Path) -> BrowserModules:
    """All scripts and style sheets below the folder."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix in MEDIA_TYPES
    }
    digest = hashlib.sha256()
    for name, data in files.items():
        digest.update(f"{name} {len(data)}\n".encode())
        digest.update(data)
    return BrowserModules(digest.hexdigest()[:16], files)


@cache
def workbench_modules() -> BrowserModules:
    """The modules of the workbench, read once per process."""
    return read_modules(_WORKBENCH)
