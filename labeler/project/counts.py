"""Counts of images and boxes by label, person, day, status and warning. They come from entries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from labeler.model.document import Status
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


def count_entries(
    entries: Sequence[ImageEntry], by: Sequence[Dimension], names: LabelNames, facts: BoxFacts
) -> Counts:
    """The counts of these images; see `Statistics.count`."""
    needs_facts = Dimension.LABEL in by or Dimension.WARNING in by
    uncounted = facts.read(entries) if needs_facts else 0
    images: Counter[tuple[str, ...]] = Counter()
    rects: Counter[tuple[str, ...]] = Counter()
    for entry in entries:
        values = {
            Dimension.STATUS: entry.status.value,
            Dimension.ASSIGNED: entry.assigned_to,
            Dimension.PERSON: person_of(entry),
            Dimension.DAY: day_of(entry) if Dimension.DAY in by else "",
        }
        told = _told(entry, by, names, facts) if needs_facts else (("", entry.rects),)
        for one_told, boxes in told:
            key = tuple(values.get(one, one_told) for one in by)
            images[key] += 1
            rects[key] += boxes
    rows = tuple(Count(key, images[key], rects[key]) for key in sorted(images))
    return Counts(len(entries), sum(entry.rects for entry in entries), rows, uncounted)


def _told(
    entry: ImageEntry, by: Sequence[Dimension], names: LabelNames, facts: BoxFacts
) -> Iterator[tuple[str, int]]:
    if Dimension.LABEL in by:
        yield from names.joined(facts.labels(entry))
    else:
        yield from facts.warnings(entry, names).items()


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
