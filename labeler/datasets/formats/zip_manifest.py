"""Maps the files of a Labeler zip to the project's names: `labeler.json` beside them.

A zip has to name files as readers expect: below `images/train/`, without another folder of that
name, with a known extension, and no two alike. This list restores the project's own names when the
zip is imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from labeler.datasets.formats.dataset_files import DatasetFiles, read_whole
from labeler.datasets.formats.safe_json import load_json
from labeler.errors import InvalidImport

MANIFEST: Final = "labeler.json"
CROISSANT: Final = "croissant.json"
"""The description beside it, see croissant.py."""
MAX_BYTES: Final = 2**28


def dump_manifest(names: Mapping[str, str]) -> bytes:
    """Return JSON with the project's path of each image, by its path in the zip, sorted."""
    content = {"version": "1.0", "images": dict(sorted(names.items()))}
    return json.dumps(content, indent=0, ensure_ascii=False).encode("utf-8", "surrogatepass")


def own_files(source: DatasetFiles) -> frozenset[str]:
    """Return the files in which a Labeler export describes itself; none for other datasets."""
    if MANIFEST not in source.files() or len(source.files()) == 1:
        return frozenset()
    return frozenset({MANIFEST, CROISSANT})


def load_manifest(source: DatasetFiles) -> Mapping[str, str]:
    """Return the project's paths by the paths in the source; empty for other datasets.

    Raises InvalidImport if the list exists and is unreadable.
    """
    if MANIFEST not in source.files() or len(source.files()) == 1:
        return {}
    content = load_json(read_whole(source, MANIFEST, MAX_BYTES), MANIFEST)
    images = content.get("images") if isinstance(content, dict) else None
    if not isinstance(images, dict) or not all(isinstance(name, str) for name in images.values()):
        raise InvalidImport(
            f"{MANIFEST} in {source.name} is not the list of names that an export writes. Take it "
            "out, and images are found by the names that they have there."
        )
    return images
