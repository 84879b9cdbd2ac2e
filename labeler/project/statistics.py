"""Counts of images and boxes by label, person, day, status and warning.

They come from the listing's metadata.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from labeler.errors import InvalidRequest
from labeler.model.document import Status
from labeler.project.box_facts import LabelNames
from labeler.project.image_index import ImageEntry
from labeler.project.project import Project

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


class Statistics:
    """The statistics of one project."""

    def __init__(self, project: Project) -> None:
        self._project = project

    def count(self, by: Sequence[Dimension]) -> Counts:
        """The counts by these dimensions together.

        By label, an image counts once for each of its labels, and not at all without boxes. By
        warning, it counts once for each of its warnings, with the boxes that have it.
        """
        if Dimension.LABEL in by and Dimension.WARNING in by:
            raise InvalidRequest("Boxes can be counted by label or by warning, not by both.")
        entries = self._project.list_without_waiting()
        needs_facts = Dimension.LABEL in by or Dimension.WARNING in by
        uncounted = self._project.box_facts.read(entries) if needs_facts else 0
        names = LabelNames(self._project.labels.looked_up()[0]) if needs_facts else None
        images: Counter[tuple[str, ...]] = Counter()
        rects: Counter[tuple[str, ...]] = Counter()
        for entry in entries:
            values = {
                Dimension.STATUS: entry.status.value,
                Dimension.ASSIGNED: entry.assigned_to,
                Dimension.PERSON: entry.labeler if entry.status is not Status.UNLABELED else "",
                Dimension.DAY: day_of(entry) if Dimension.DAY in by else "",
            }
            for told, boxes in self._told(entry, by, names) if names else (("", entry.rects),):
                key = tuple(values.get(one, told) for one in by)
                images[key] += 1
                rects[key] += boxes
        rows = tuple(Count(key, images[key], rects[key]) for key in sorted(images))
        return Counts(len(entries), sum(entry.rects for entry in entries), rows, uncounted)

    def _told(
        self, entry: ImageEntry, by: Sequence[Dimension], names: LabelNames
    ) -> Iterator[tuple[str, int]]:
        facts = self._project.box_facts
        if Dimension.LABEL in by:
            yield from names.joined(facts.labels(entry))
        else:
            yield from facts.warnings(entry, names).items()


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
