"""Which images match filters, and in which order, from the index: no document is read for it.

Only the labels and warnings in documents of an older Labeler have to be read, once each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

from labeler.errors import InvalidRequest
from labeler.image_names import name_filter
from labeler.model.assignments import ANYBODY, NOBODY
from labeler.model.box_warnings import BoxWarning
from labeler.model.document import Status
from labeler.model.labels import label_key
from labeler.model.review_sample import WHOLE, in_sample
from labeler.project.box_facts import LabelNames
from labeler.project.image_index import ImageEntry
from labeler.project.project import Project

MAX_READ: Final = 2000
"""How many documents one call reads in search of a label or a warning."""


class Sort(StrEnum):
    """The order of a list: by name, by the last save, by boxes, by when the image came."""

    NAME = "name"
    NAME_DOWN = "-name"
    SAVED = "saved"
    SAVED_DOWN = "-saved"
    BOXES = "boxes"
    BOXES_DOWN = "-boxes"
    ADDED = "added"
    ADDED_DOWN = "-added"


@dataclass(frozen=True, slots=True)
class ImageFilters:
    """What images have to match; None and "" match all.

    `boxes` are the smallest and the largest number of boxes. `since` and `until` are the days in
    UTC, both included, of the last save. `assigned` is a person in whose queue the image is,
    ANYBODY or NOBODY. `sample` is how many percent of the images to take.
    """

    status: Status | None = None
    find: str = ""
    label: str | None = None
    person: str = ""
    assigned: str = ""
    boxes: tuple[int, int | None] | None = None
    since: datetime | None = None
    until: datetime | None = None
    warning: BoxWarning | None = None
    sample: int = WHOLE

    @property
    def needs_facts(self) -> bool:
        """Whether a filter asks about the boxes themselves."""
        return self.label is not None or self.warning is not None


def parse_day(name: str, text: str, *, is_end: bool = False) -> datetime:
    """The begin of that day in UTC, or with `is_end` of the next; InvalidRequest."""
    try:
        day = date.fromisoformat(text)
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return begin + timedelta(days=1) if is_end else begin
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{name}={text!r} must be a day, such as 2026-05-31.") from error


class ImageSearch:
    """What matches the filters, with as little looked at as that takes."""

    def __init__(self, project: Project, filters: ImageFilters) -> None:
        self.filters = filters
        self._facts = project.box_facts
        self._named = name_filter(filters.find)
        self._person = filters.person.casefold()
        self._assigned = filters.assigned.casefold()
        self._is_plain = filters == ImageFilters()
        if filters.needs_facts:
            labels = project.labels.read()
            self._names = LabelNames(labels)
            self._label = label_key(labels.shown(filters.label)) if filters.label else None

    def count(self, entries: list[ImageEntry], start: int, end: int) -> int:
        """How many of these match; filters about boxes are left aside."""
        if self._is_plain:
            return end - start
        return sum(self._matches_entry(entries[place]) for place in range(start, end))

    def take(
        self, entries: Iterable[ImageEntry], limit: int
    ) -> tuple[list[ImageEntry], ImageEntry | None]:
        """The first that match, and after which entry to go on; None where there is no more."""
        some: Iterator[ImageEntry] = filter(self._matches_entry, entries)
        if not self.filters.needs_facts:
            found = list(islice(some, limit + 1))
            return found[:limit], found[limit - 1] if len(found) > limit else None
        if self.filters.label is not None:
            some = (entry for entry in some if entry.rects)
        matching: list[ImageEntry] = []
        left, last = MAX_READ, None
        while batch := list(islice(some, max(1, left))):
            left -= sum(not self._facts.knows(entry) for entry in batch)
            self._facts.read(batch, MAX_READ)
            for entry in batch:
                if len(matching) == limit:
                    return matching, last
                last = entry
                if self._matches_boxes(entry):
                    matching.append(entry)
            if left <= 0:
                more = next(some, None)
                return matching, last if more is not None else None
        return matching, None

    def all_sorted(self, entries: list[ImageEntry], sort: Sort) -> tuple[list[ImageEntry], int]:
        """All that match, in that order, and how many could not be looked at yet.

        `entries` are in the order of names. Equal ones are in that order too.
        """
        found = entries if self._is_plain else list(filter(self._matches_entry, entries))
        left = 0
        if self.filters.needs_facts:
            left = self._facts.read(found, MAX_READ)
            found = list(filter(self._matches_boxes, found))
        return _sorted(found, sort), left

    def _matches_entry(self, entry: ImageEntry) -> bool:
        """Whether it matches as far as its entry tells."""
        wanted = self.filters
        if wanted.status is not None and entry.status is not wanted.status:
            return False
        if wanted.boxes is not None:
            least, most = wanted.boxes
            if entry.rects < least or (most is not None and entry.rects > most):
                return False
        if (self._person or wanted.since or wanted.until) and not self._was_saved_so(entry):
            return False
        if self._assigned and not self._is_assigned(entry.assigned_to.casefold()):
            return False
        if wanted.sample < WHOLE and not in_sample(entry.image_id, wanted.sample):
            return False
        return self._named(entry.image_path)

    def _is_assigned(self, to: str) -> bool:
        if self._assigned in (ANYBODY, NOBODY):
            return bool(to) == (self._assigned == ANYBODY)
        return to == self._assigned

    def _was_saved_so(self, entry: ImageEntry) -> bool:
        """Whether it is that person's work, and was saved last at that time."""
        wanted = self.filters
        if entry.status is Status.UNLABELED:
            return False
        if self._person and entry.labeler.casefold() != self._person:
            return False
        if wanted.since is None and wanted.until is None:
            return True
        moment = moment_of(entry.saved_at)
        if moment is None:
            return False
        return (wanted.since is None or moment >= wanted.since) and (
            wanted.until is None or moment < wanted.until
        )

    def _matches_boxes(self, entry: ImageEntry) -> bool:
        wanted = self.filters
        warning = wanted.warning
        if warning is not None and warning not in self._facts.warnings(entry, self._names):
            return False
        if wanted.label is None:
            return True
        texts = self._facts.labels(entry) if not entry.problem else ()
        return any(label_key(self._names.name(text)) == self._label for text in texts)


def moment_of(saved_at: str) -> datetime | None:
    """The time of a save in UTC; no offset counts as UTC, an invalid time as none."""
    try:
        moment = datetime.fromisoformat(saved_at)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _sorted(entries: list[ImageEntry], sort: Sort) -> list[ImageEntry]:
    is_down = sort.startswith("-")
    match sort.removeprefix("-"):
        case "name":
            return entries[::-1] if is_down else entries
        case "boxes":
            return sorted(entries, key=lambda entry: entry.rects, reverse=is_down)
        case "added":
            return sorted(entries, key=lambda entry: entry.added_at, reverse=is_down)
        case _:
            return sorted(entries, key=lambda entry: entry.saved_at, reverse=is_down)


def matching_counts(
    project: Project, entries: Iterable[ImageEntry], label: str
) -> Iterator[tuple[ImageEntry, int]]:
    """The images that have boxes of the label, with how many; by the index alone."""
    labels = project.labels.read()
    names, wanted = LabelNames(labels), label_key(labels.shown(label))
    for entry in entries:
        if entry.rects and not entry.problem:
            counts = project.box_facts.labels(entry).items()
            boxes = sum(n for text, n in counts if label_key(names.name(text)) == wanted)
            if boxes:
                yield entry, boxes
