"""The name of every object in the store, in one place.

    annotations/<image ID>.json     the document of one image
    uploads/<file name>             originals; the settings may name another location for them
    exports/dataset_<format>_<time>.<suffix>; formats are listed in datasets/formats/registry.py
    exports/<name>.sources.jsonl    the manifest of the export beside it
    exports/<name>.croissant.jsonld what the export beside it consists of, as Croissant has it
    parts/<run>/                    work that several machines share; deleted at its end
    labels.json                     the label set
    registry/images.json            the numbers of the images
    registry/images/<number>.json   the same from that number on, in a large project
    guide.md                        the labeling guide, its pictures in guide/
    claims/<image ID>.json          who has the image, and until when
    trash/<image ID>/               a deleted image: its originals and its document
    thumbnails/<image ID>/<width>   small copies of the image; they can be made again at any time
    history/<image ID>/             the document's earlier states; a bucket keeps versions instead

Times are in UTC, as YYYYMMDD_HHMMSS. `.labeler/` in a folder is the store's own (storage/base.py).
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from labeler.errors import NotFound

ANNOTATIONS: Final = "annotations/"
UPLOADS: Final = "uploads/"
EXPORTS: Final = "exports/"
PARTS: Final = "parts/"
REGISTRY: Final = "registry/"
CLAIMS: Final = "claims/"
HISTORY: Final = "history/"
TRASH: Final = "trash/"
THUMBNAILS: Final = "thumbnails/"
LABELS_KEY: Final = "labels.json"
GUIDE_KEY: Final = "guide.md"
GUIDE_PICTURES: Final = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
    "webp": "image/webp",
}  # fmt: skip
"""The media type of each kind of picture in guide/: those in which no script can be."""
REGISTRY_KEY: Final = f"{REGISTRY}images.json"
REGISTRY_SHARDS: Final = f"{REGISTRY}images/"
COCO_EXPORTS: Final = f"{EXPORTS}dataset_coco_"
"""The prefix of every COCO file under exports/."""

CROISSANT_SUFFIX: Final = ".croissant.jsonld"
"""Of descriptions of exports. No `*.json` finds them, by which COCO files are found."""
_MANIFEST: Final = ".sources.jsonl"
_GUIDE_PICTURE: Final = re.compile(
    r"(?![. ])[^/\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]{1,150}"
    r"\.([A-Za-z]{3,4})"
)
"""No name is obeyed instead of shown: without control characters and those that turn the text."""
_SHARD: Final = re.compile(rf"{REGISTRY_SHARDS}([0-9]{{10}})\.json")
_IMAGE_ID: Final = re.compile(r"[0-9a-z][0-9a-z_-]{0,127}")


def is_image_id(text: str) -> bool:
    """Whether `text` can be an image ID: lower-case letters, digits, `-` and `_`."""
    return _IMAGE_ID.fullmatch(text) is not None


def document_key(image_id: str) -> str:
    """The key of the image's document; NotFound for a text that can't be an image ID."""
    return f"{ANNOTATIONS}{_checked(image_id)}.json"


def claim_key(image_id: str) -> str:
    """The key of the claim on the image; NotFound for a text that can't be an image ID."""
    return f"{CLAIMS}{_checked(image_id)}.json"


def guide_picture_key(name: str) -> str:
    """The key of that picture of the guide; NotFound for a text that can't be a picture's name."""
    found = _GUIDE_PICTURE.fullmatch(name)
    if found is None or found[1].lower() not in GUIDE_PICTURES:
        raise NotFound(
            f"The guide has no picture {name!r}. Its pictures lie in guide/ and end with "
            f"{', '.join(GUIDE_PICTURES)}."
        )
    return f"guide/{name}"


def trash_prefix(image_id: str) -> str:
    """What the keys of a deleted image's objects begin with."""
    return f"{TRASH}{_checked(image_id)}/"


def thumbnail_prefix(image_id: str) -> str:
    """What the keys of an image's small copies begin with."""
    return f"{THUMBNAILS}{_checked(image_id)}/"


def thumbnail_key(image_id: str, width: int) -> str:
    """The key of the image's copy of that width in pixels."""
    return f"{thumbnail_prefix(image_id)}{width}"


def history_folder(image_id: str) -> str:
    """Where a folder keeps earlier states of the image's document."""
    return f"{HISTORY}{_checked(image_id)}"


def registry_shard_key(first: int) -> str:
    """The key of the image numbers from `first` on."""
    return REGISTRY_KEY if first == 1 else f"{REGISTRY_SHARDS}{first:010d}.json"


def first_number(key: str) -> int | None:
    """The first image number in the object of that key; None if it holds no image numbers."""
    if key == REGISTRY_KEY:
        return 1
    found = _SHARD.fullmatch(key)
    return int(found[1]) if found else None


def export_key(name: str, moment: datetime, ending: str) -> str:
    """The key of an export in the format of that name; `ending` is `.zip` or `_train.json`."""
    return f"{EXPORTS}dataset_{name}_{moment:%Y%m%d_%H%M%S}{ending}"


def manifest_key(export_key: str) -> str:
    """The key of an export's manifest."""
    return export_key.removesuffix(".json") + _MANIFEST


def croissant_name(file_name: str) -> str:
    """What the Croissant description beside a file is called; a key of an export gives its key."""
    return file_name[: file_name.rindex(".")] + CROISSANT_SUFFIX


def _checked(image_id: str) -> str:
    if not is_image_id(image_id):
        raise NotFound(f"There is no image {image_id!r}. Choose one from the list.")
    return image_id
