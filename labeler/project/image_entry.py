"""One image as a listing shows it, and the metadata of its document that a listing reads.

Metadata carries a seal over the document's MD5. Metadata without a valid seal is ignored.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from labeler.errors import DamagedDocument
from labeler.model.assignments import assigned_to, assigned_when
from labeler.model.box_warnings import count_warnings
from labeler.model.document import AnnotationDocument, Status, parse_document
from labeler.model.layout import document_key
from labeler.storage import ObjectInfo

_STATUSES: Final = {status.value: status for status in Status}
_NAMES: Final = frozenset({
    "image_path", "status", "rects", "saved_at", "saved_by", "labels", "warnings", "labeled_by",
    "labeled_at", "assigned_to", "assigned_at", "assigned_by", "reviewed_at", "reviewed_by", "seal",
})  # fmt: skip
"""All that a document's metadata can have."""
_MOST_NAME: Final = 300
_MOST_TIME: Final = 64
_MOST_PERSON: Final = 200
"""Characters of these texts, of which a document of another program may have any number."""
_MOST_LABELS: Final = 600
"""Bytes: the counts of more labels than fit stand in the document alone."""


@dataclass(slots=True)
class ImageEntry:
    """An image of the project; nobody changes an entry, which threads share.

    `saved_at` is the document's text, `original` its original's key.
    `problem` says why the document can't be opened; the entry is listed in any case. `version` is
    the document's, empty if none is stored. Entries that show the same are equal. `added_at` is
    when the original was added, in seconds since 1970, or 0 if that is unknown. `labels` and
    `warnings` are what `label_counts` and `warning_counts` read. `assigned_to` is in whose queue
    the image is, or empty.
    """

    image_id: Final[str]
    image_path: Final[str]
    status: Final[Status]
    rects: Final[int]
    saved_at: Final[str]
    saved_by: Final[str]
    original: Final[str | None] = None
    problem: Final[str] = ""
    version: Final[str] = field(default="", compare=False)
    added_at: Final[float] = field(default=0.0, compare=False)
    labeled_by: Final[str] = ""
    labels: Final[str | None] = field(default=None, compare=False)
    warnings: Final[str | None] = field(default=None, compare=False)
    labeled_at: Final[str] = ""
    assigned_to: Final[str] = ""

    @property
    def labeler(self) -> str:
        """Whose work it is: who saved it last, or had finished it before others changed it."""
        return self.labeled_by or self.saved_by

    @property
    def worked_at(self) -> str:
        """When the labeler saved it, as the document has it."""
        return self.labeled_at or self.saved_at

    @property
    def label_counts(self) -> Mapping[str, int] | None:
        """How many rects have which label; None if only the document tells it."""
        return _parsed(self.labels) if self.labels is not None else None

    @property
    def warning_counts(self) -> Mapping[str, int] | None:
        """How many rects have which warning; None if only the document tells it."""
        return _parsed(self.warnings) if self.warnings is not None else None


def document_metadata(document: AnnotationDocument, data: bytes) -> dict[str, str]:
    """The custom metadata for the object with `document`, whose bytes are `data`."""
    return metadata_for(document, hashlib.md5(data).hexdigest())


def metadata_for(document: AnnotationDocument, md5: str) -> dict[str, str]:
    """The custom metadata for the object with `document`, whose bytes have that MD5 (hex)."""
    metadata = {
        "image_path": document.image_path[:_MOST_NAME],
        "status": document.status.value,
        "rects": str(len(document.rects)),
        "saved_at": (document.metadata.saved_at or "")[:_MOST_TIME],
        "saved_by": (document.metadata.saved_by or "")[:_MOST_PERSON],
    }
    labels = _dumped(Counter(rect.label for rect in document.rects))
    if len(labels.encode()) <= _MOST_LABELS:
        metadata["labels"] = labels
    metadata["warnings"] = _dumped(count_warnings(document))
    more = {**_labeled(document), "assigned_to": assigned_to(document)}
    more["assigned_at"], more["assigned_by"] = assigned_when(document)
    metadata |= {name: value[:_MOST_PERSON] for name, value in more.items() if value}
    review = (document.metadata.model_extra or {}).get("review")
    if isinstance(review, dict):
        metadata["reviewed_at"] = str(review.get("at", ""))[:_MOST_TIME]
        metadata["reviewed_by"] = str(review.get("by", ""))[:_MOST_PERSON]
    metadata["seal"] = _seal(metadata, md5)
    return metadata


def _labeled(document: AnnotationDocument) -> dict[str, str]:
    """Who had finished the image before others changed it, and when; empty if they have not."""
    extra = document.metadata.model_extra or {}
    found = {name: extra.get(name) for name in ("labeled_by", "labeled_at")}
    return {name: v[:_MOST_PERSON] if isinstance(v, str) else "" for name, v in found.items()}


def _seal(metadata: Mapping[str, str], md5: str) -> str:
    lines = [f"{name}={metadata[name]}" for name in _sealed_names(tuple(metadata))]
    text = "\n".join([md5, *lines])
    return hashlib.md5(text.encode("utf-8", "replace")).hexdigest()[:16]


@lru_cache(maxsize=256)
def _sealed_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those that the seal covers, in its order; few documents differ in the names they have."""
    return tuple(sorted(name for name in names if name != "seal"))


def sealed_entry(
    image_id: str, info: ObjectInfo, placed: ImageEntry | None = None
) -> ImageEntry | None:
    """The entry in the object's metadata; None if it is missing or its seal does not match.

    It shows the original of `placed`, which is the image without its document.
    """
    metadata, md5 = info.metadata, info.md5
    if not md5 or metadata.get("seal") != _seal(metadata, md5):
        return None
    status = _STATUSES.get(metadata["status"])
    if status is None:
        return None  # a newer Labeler's; the document is read as it can be
    value = metadata.get
    return ImageEntry(
        placed.image_id if placed else image_id,
        metadata["image_path"],
        status,
        int(metadata["rects"]),
        metadata["saved_at"],
        sys.intern(metadata["saved_by"]),
        placed.original if placed else None,
        "",
        info.version,
        placed.added_at if placed else 0.0,
        sys.intern(value("labeled_by", "")),
        _shared(value("labels")),
        sys.intern(metadata["warnings"]) if "warnings" in metadata else None,
        value("labeled_at", ""),
        sys.intern(value("assigned_to", "")),
    )


def lacks_seal(info: ObjectInfo) -> bool:
    """Whether the metadata is to be written anew: it is missing, out of date, or tells less.

    Metadata of another program, and of a newer Labeler, stays as it is.
    """
    metadata, md5 = info.metadata, info.md5
    if not metadata.keys() <= _NAMES:
        return False
    if md5 and metadata.get("seal") == _seal(metadata, md5):
        return "warnings" not in metadata
    return md5 is not None or "seal" not in metadata


def entry_of(
    image_id: str, document: AnnotationDocument, version: str, original: str | None
) -> ImageEntry:
    """The entry of an image with that document, in that version.

    It tells as much of long texts as metadata does: only the document has them whole.
    """
    labeled = _labeled(document)
    return ImageEntry(
        image_id,
        document.image_path[:_MOST_NAME],
        document.status,
        len(document.rects),
        (document.metadata.saved_at or "")[:_MOST_TIME],
        (document.metadata.saved_by or "")[:_MOST_PERSON],
        original,
        version=version,
        labeled_by=labeled["labeled_by"],
        labeled_at=labeled["labeled_at"],
        assigned_to=assigned_to(document)[:_MOST_PERSON],
        labels=_dumped(Counter(rect.label for rect in document.rects)),
        warnings=_dumped(count_warnings(document)),
    )


def document_entry(image_id: str, data: bytes, version: str) -> ImageEntry:
    """The entry that the document itself tells; its `problem` where it can't be opened."""
    try:
        return entry_of(image_id, parse_document(data, document_key(image_id)), version, None)
    except DamagedDocument as error:
        return ImageEntry(image_id, image_id, Status.UNLABELED, 0, "", "", problem=error.message)


def _dumped(counts: Mapping[str, int]) -> str:
    return json.dumps(counts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@lru_cache(maxsize=4096)
def _shared(labels: str | None) -> str | None:
    """The one text for equal ones of late: many images have equal counts, or none has the same."""
    return labels


@lru_cache(maxsize=4096)
def _parsed(labels: str) -> Mapping[str, int]:
    """The counts; many images have equal ones."""
    found: dict[str, int] = json.loads(labels)
    return found


def place_of(entry: ImageEntry) -> tuple[str, str]:
    """The entry's position in the list, which stays valid when other entries come and go."""
    return entry.image_path, entry.image_id


def with_original(entry: ImageEntry, placed: ImageEntry | None) -> ImageEntry:
    """The entry with the original of `placed`; the same entry where nothing changes."""
    original, added_at = (placed.original, placed.added_at) if placed else (None, 0.0)
    if entry.original == original and entry.added_at == added_at:
        return entry
    return replace(entry, original=original, added_at=added_at)
