"""The modules that browsers import as they are, under an address that names their content."""

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
    """Files by their path below the folder; `version` is another one where any of them differs."""

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
    """Those of the workbench, as they are when a process first asks."""
    return read_modules(_WORKBENCH)
