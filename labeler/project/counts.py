"""Counts of images and boxes by label, person, day, status and warning. They come from entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from labeler.model.document import Status
from labeler.model.labels import LabelSet
from labeler.project.box_facts import BoxFacts, LabelNames
from labeler.project.image_entry import ImageEntry

_UTC: Final = "+00:00"


class Dimension(StrEnum):
    """What is told apart: the person who labeled an image, and the day in UTC when they saved it.

    Both are empty for an image that nobody has worked on. What others change in a finished image,
    such as a reviewer, changes neither. `assigned` is the person in whose queue the image is.
    """

    LABEL = "label"
    PERSON = "person"
    DAY = "day"
    STATUS = "status"
    WARNING = "warning"
    ASSIGNED = "assigned"


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


class EntryCount:
    """The counts of images by some dimensions together; see `Statistics.count`.

    `facts` have read what the metadata of the entries lacks.
    """

    def __init__(self, by: Sequence[Dimension], names: LabelNames, facts: BoxFacts) -> None:
        self._by = tuple(by)
        self._names = names
        self._facts = facts
        self._needs_facts = needs_facts(by)
        self._images: Counter[tuple[str, ...]] = Counter()
        self._rects: Counter[tuple[str, ...]] = Counter()
        self._total = self._boxes = 0

    def is_of(self, labels: LabelSet) -> bool:
        """Whether labels were counted under their names in this label set."""
        return self._names.labels == labels

    def is_sure_of(self, entry: ImageEntry) -> bool:
        """Whether the entry itself tells what is counted."""
        is_told = not entry.rects or (entry.labels is not None and entry.warnings is not None)
        return is_told or not self._needs_facts

    def add(self, entry: ImageEntry, times: int = 1) -> None:
        """Count the entry; with -1, no longer."""
        self._total += times
        self._boxes += times * entry.rects
        values = {
            Dimension.STATUS: entry.status.value,
            Dimension.ASSIGNED: entry.assigned_to,
            Dimension.PERSON: person_of(entry),
            Dimension.DAY: day_of(entry) if Dimension.DAY in self._by else "",
        }
        for one_told, boxes in self._told(entry) if self._needs_facts else (("", entry.rects),):
            key = tuple(values.get(one, one_told) for one in self._by)
            self._images[key] += times
            self._rects[key] += times * boxes

    def _told(self, entry: ImageEntry) -> Iterator[tuple[str, int]]:
        if Dimension.LABEL in self._by:
            yield from self._names.joined(self._facts.labels(entry))
        else:
            yield from self._facts.warnings(entry, self._names).items()

    def counts(self, uncounted: int = 0) -> Counts:
        """The counts of what was added."""
        keys = sorted(key for key, images in self._images.items() if images)
        rows = tuple(Count(key, self._images[key], self._rects[key]) for key in keys)
        return Counts(self._total, self._boxes, rows, uncounted)


def needs_facts(by: Sequence[Dimension]) -> bool:
    """Whether what is told apart are facts about boxes."""
    return Dimension.LABEL in by or Dimension.WARNING in by


def person_of(entry: ImageEntry) -> str:
    """Whose work the image is; empty if nobody has worked on it."""
    return entry.labeler if entry.status is not Status.UNLABELED else ""


def day_of(entry: ImageEntry) -> str:
    """The day in UTC when the labeler saved it, as YYYY-MM-DD; empty where there is none."""
    text = entry.worked_at
    if entry.status is Status.UNLABELED or not text:
        return ""
    if text.endswith(_UTC):
        return text[:10]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%Y-%m-%d}"
