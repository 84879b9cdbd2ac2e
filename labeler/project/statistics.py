"""Counts of images and boxes by label, person, day and status, from the listing's metadata."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Final

from labeler.model.document import Status
from labeler.model.labels import LabelSet
from labeler.project.image_index import ImageEntry
from labeler.project.originals import MAX_REMEMBERED
from labeler.project.project import Project
from labeler.runtime.bounded_cache import BoundedCache

MAX_DOCUMENTS: Final = 5_000
"""How many documents one call reads, of those whose metadata does not tell their labels."""
_UTC: Final = "+00:00"


class Dimension(StrEnum):
    """What is told apart. The person and the day are those of the last save, in UTC.

    Both are empty for an image that nobody has worked on. A review changes neither.
    """

    LABEL = "label"
    PERSON = "person"
    DAY = "day"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Count:
    """How many images and boxes have these values, one for each dimension."""

    values: tuple[str, ...]
    images: int
    rects: int


@dataclass(frozen=True, slots=True)
class Counts:
    """The counts in the order of their values, and those of the whole project.

    `uncounted` images have labels that were not looked at yet: the next call goes on with them.
    """

    images: int
    rects: int
    rows: tuple[Count, ...]
    uncounted: int


class Statistics:
    """The statistics of one project. What had to be read is remembered by version."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._read = BoundedCache[str, tuple[str, Mapping[str, int]]](max_items=MAX_REMEMBERED)

    def count(self, by: Sequence[Dimension]) -> Counts:
        """The counts by these dimensions together.

        By label, an image counts once for each of its labels, and not at all without boxes.
        """
        entries = self._project.list_without_waiting()
        labeled = Dimension.LABEL in by
        uncounted = self._read_labels(entries) if labeled else 0
        names = _Names(self._project.labels.looked_up()[0]) if labeled else None
        images: Counter[tuple[str, ...]] = Counter()
        rects: Counter[tuple[str, ...]] = Counter()
        for entry in entries:
            values = {
                Dimension.STATUS: entry.status.value,
                Dimension.PERSON: entry.saved_by if entry.status is not Status.UNLABELED else "",
                Dimension.DAY: _day(entry) if Dimension.DAY in by else "",
            }
            for label, boxes in names.of(self._labels(entry)) if names else (("", entry.rects),):
                key = tuple(label if one is Dimension.LABEL else values[one] for one in by)
                images[key] += 1
                rects[key] += boxes
        rows = tuple(Count(key, images[key], rects[key]) for key in sorted(images))
        return Counts(len(entries), sum(entry.rects for entry in entries), rows, uncounted)

    def _labels(self, entry: ImageEntry) -> Mapping[str, int]:
        counts = entry.label_counts
        return (self._read.get(entry.image_id) or ("", {}))[1] if counts is None else counts

    def _read_labels(self, entries: Sequence[ImageEntry]) -> int:
        """Read documents whose metadata lacks their labels; how many are left."""
        unread = [
            entry
            for entry in entries
            if entry.rects
            and entry.labels is None
            and (self._read.get(entry.image_id) or ("",))[0] != entry.version
        ]
        by_id = {entry.image_id: entry for entry in islice(unread, MAX_DOCUMENTS)}
        self._read.make_room(2 * len(entries))
        for image_id, opened in self._project.documents_of(by_id):
            counts = Counter(rect.label for rect in opened.document.rects)
            self._read.put(image_id, (by_id[image_id].version, counts))
        return len(unread) - len(by_id)


class _Names:
    """The names under which labels are counted today."""

    def __init__(self, labels: LabelSet) -> None:
        self._labels = labels
        self._known: dict[str, str] = {}

    def of(self, counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """Each label of an image with its boxes; former names and merged labels are joined."""
        found: Counter[str] = Counter()
        for text, boxes in counts.items():
            if text not in self._known:
                label = self._labels.find(text)
                self._known[text] = label.name if label else text
            found[self._known[text]] += boxes
        yield from found.items()


def _day(entry: ImageEntry) -> str:
    """The day of the last save in UTC, as YYYY-MM-DD; empty where there is none."""
    text = entry.saved_at
    if entry.status is Status.UNLABELED or not text:
        return ""
    if text.endswith(_UTC):
        return text[:10]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%Y-%m-%d}"
