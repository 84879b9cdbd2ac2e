"""What a sync has to change, from rows and a listing. Pure: a shard can be compared anywhere.

A shard is a range of image IDs, or a range of keys under uploads/. Shards can be compared at the
same time, in any order, and again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from labeler.model.document import Status
from labeler.model.layout import ANNOTATIONS
from labeler.project.image_entry import ImageEntry, sealed_entry
from labeler.project.image_listing import image_of_document, is_own_place, original_name
from labeler.storage import ObjectInfo


class Shard(NamedTuple):
    """The image IDs from `start` on, below `end` (None: to the last)."""

    start: str
    end: str | None

    def holds(self, key: str) -> bool:
        """Whether the document's key is below the end."""
        return self.end is None or key < ANNOTATIONS + self.end


WHOLE: Final = (Shard("", None),)
_STARTS: Final = ("", *"123456789abcdef")
SIXTEEN: Final = tuple(
    Shard(start, end) for start, end in zip(_STARTS, (*_STARTS[1:], None), strict=True)
)
"""Together they hold every ID; most IDs are digests, and spread evenly."""


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row to write, or with no entry to delete, over the row that was `known` (None: none)."""

    image_id: str
    entry: ImageEntry | None
    known: ImageEntry | None


@dataclass(frozen=True, slots=True)
class OriginalRow:
    """An object under uploads/; `image_id` is empty if it is no image."""

    key: str
    version: str
    image_id: str
    added_at: float


class KnownRow(NamedTuple):
    """What a comparison needs of a row. `is_told`: labels and warnings need no document."""

    version: str
    has_document: bool
    is_told: bool


@dataclass(frozen=True, slots=True)
class DocumentChanges:
    """The documents that rows do not tell as they are: by metadata, or with `unread` by reading."""

    news: list[ImageEntry]
    unread: list[str]
    unchanged: int


def compare_documents(
    known: Mapping[str, KnownRow], listed: Iterable[ObjectInfo], *, trusts_rows: bool = True
) -> tuple[DocumentChanges, set[str]]:
    """The changes for listed documents, and the IDs of all that were listed.

    Unless it `trusts_rows`, every document is among the changes, because a row may tell anything.
    """
    news: list[ImageEntry] = []
    unread: list[str] = []
    seen: set[str] = set()
    unchanged = 0
    for info in listed:
        image_id = image_of_document(info.key)
        if image_id is None:
            continue
        seen.add(image_id)
        row = known.get(image_id)
        if trusts_rows and row is not None and row.version == info.version and row.is_told:
            unchanged += 1
            continue
        entry = sealed_entry(image_id, info)
        if entry is None or not is_told(entry):
            unread.append(info.key)
        else:
            news.append(entry)
    return DocumentChanges(news, unread, unchanged), seen


def is_told(entry: ImageEntry) -> bool:
    """Whether the entry has all that questions about boxes need."""
    return not entry.rects or (entry.labels is not None and entry.warnings is not None)


def without_document(known: Mapping[str, KnownRow], seen: set[str]) -> list[str]:
    """The images of a shard whose document is gone."""
    return [
        image_id for image_id, row in known.items() if row.has_document and image_id not in seen
    ]


@dataclass(frozen=True, slots=True)
class OriginalChanges:
    """The rows of originals to write and those to delete."""

    news: list[OriginalRow]
    gone: list[OriginalRow]


def compare_originals(
    known: Sequence[OriginalRow],
    listed: Iterable[ObjectInfo],
    image_of: Callable[[ObjectInfo], str | None],
    *,
    trusts_rows: bool = True,
) -> OriginalChanges:
    """The changes for a range of keys; `image_of` is asked about new objects alone.

    Unless it `trusts_rows`, it is asked about all of them.
    """
    rows = {row.key: row for row in known}
    news: list[OriginalRow] = []
    for info in listed:
        row = rows.pop(info.key, None)
        if trusts_rows and row is not None and row.version == info.version:
            continue
        found = OriginalRow(info.key, info.version, image_of(info) or "", info.updated_at)
        if found != row:
            news.append(found)
    return OriginalChanges(news, list(rows.values()))


def with_originals(
    image_id: str, entry: ImageEntry | None, originals: Sequence[OriginalRow], prefix: str
) -> ImageEntry | None:
    """The entry with the original that it shows; None where there is neither.

    `entry` is the document's, None without one; `originals` are in the order of their keys.
    """
    own = [one for one in originals if is_own_place(one.key, prefix, image_id)]
    shown = own[-1] if own else next(iter(originals), None)
    if shown is None:
        return replace(entry, original=None, added_at=0.0) if entry is not None else None
    if entry is None:
        name = original_name(shown.key, prefix, image_id)
        entry = ImageEntry(image_id, name, Status.UNLABELED, 0, "", "")
    return replace(entry, original=shown.key, added_at=shown.added_at)


def original_change(
    image_id: str, row: ImageEntry | None, originals: Sequence[OriginalRow], prefix: str
) -> RowChange | None:
    """The change of a row by its originals; None if it shows them already."""
    document = row if row is not None and (row.version or row.problem) else None
    entry = with_originals(image_id, document, originals, prefix)
    return None if is_same(entry, row) else RowChange(image_id, entry, row)


def is_same(one: ImageEntry | None, other: ImageEntry | None) -> bool:
    """Whether two entries are equal in every value, those that a list does not show too."""
    if one is None or other is None:
        return one is other
    return one == other and (one.version, one.added_at, one.labels, one.warnings) == (
        other.version,
        other.added_at,
        other.labels,
        other.warnings,
    )
