"""What the files of a zip of ours are called in the project: `labeler.json` beside them.

A zip has to name files as readers expect: below `images/train/`, without another folder of that
name, with an extension that they know, no two alike. By this list the project's own names come back
when the zip is imported.
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
"""The description that lies beside it, see croissant.py."""
MAX_BYTES: Final = 2**28


def dump_manifest(names: Mapping[str, str]) -> bytes:
    """The project's path of each image, by its path in the zip; sorted."""
    content = {"version": "1.0", "images": dict(sorted(names.items()))}
    return json.dumps(content, indent=0, ensure_ascii=False).encode("utf-8", "surrogatepass")


def own_files(source: DatasetFiles) -> frozenset[str]:
    """What an export of ours holds about itself; nothing in a dataset of others."""
    if MANIFEST not in source.files() or len(source.files()) == 1:
        return frozenset()
    return frozenset({MANIFEST, CROISSANT})


def load_manifest(source: DatasetFiles) -> Mapping[str, str]:
    """The project's paths by those in the source; empty where it is not an export of ours.

    Raises InvalidImport where the list is there and can't be read.
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
