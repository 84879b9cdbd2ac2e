"""Answers about the images of a listing that is in memory."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from heapq import nlargest
from itertools import chain, islice
from typing import Final, TypeVar

from labeler.image_names import name_filter
from labeler.model.assignments import ANYBODY, NOBODY
from labeler.model.document import Status
from labeler.model.labels import label_key
from labeler.model.review_sample import WHOLE, in_sample
from labeler.project.box_facts import BoxFacts, LabelNames
from labeler.project.counts import Counts, Dimension, EntryCount, needs_facts
from labeler.project.image_entry import ImageEntry, place_of
from labeler.project.image_search import ImageFilters, Sort, came_at, moment_of
from labeler.project.image_view import Place, SortedPage, Taken, Turn
from labeler.project.kept_counts import KeptCounts
from labeler.project.progress import Progress, ProgressCount, Tally, TallyCount
from labeler.project.queue_entries import QueueEntries

MAX_READ: Final = 2000
"""How many documents one call reads in search of a label or a warning."""
_MOST_COUNTED: Final = 5000
"""The same where all boxes of a label are wanted."""
_SORTED_AT_ONCE: Final = 64
"""Mostly the newest image is taken, so that no more is sorted at first."""
Kept = TypeVar("Kept", ProgressCount, TallyCount, QueueEntries)


class ListedView:
    """A listing; `entries` are in the order of names, and nobody changes them.

    Threads share it. What it counts it keeps in `kept`, of which it is the state that there is now.
    `find` gives the entry of an image ID without a look at all.
    """

    def __init__(
        self,
        entries: list[ImageEntry],
        facts: BoxFacts,
        kept: KeptCounts | None = None,
        find: Callable[[str], ImageEntry | None] | None = None,
    ) -> None:
        self.entries = entries
        self._find = find or {entry.image_id: entry for entry in entries}.get
        self._facts = facts
        self._kept = kept or KeptCounts()
        self._number = self._kept.number

    def search(self, filters: ImageFilters, names: LabelNames | None) -> ListedImages:
        return ListedImages(self.entries, filters, self._facts, names)

    def tally(self, person: str) -> Tally:
        with self._kept.counting(TallyCount):
            return self._kept_count(TallyCount).tally(person)

    def progress(self, today: date) -> Progress:
        with self._kept.counting(ProgressCount):
            return self._kept_count(ProgressCount).progress(today)

    def count(self, by: Sequence[Dimension], names: LabelNames) -> Counts:
        with self._kept.counting(EntryCount):
            count = self._kept.find(tuple(by))
            if isinstance(count, EntryCount) and count.is_of(names.labels):
                return count.counts()
            uncounted = self._facts.read(self.entries) if needs_facts(by) else 0
            count = EntryCount(by, names, self._facts)
            for entry in self.entries:
                count.add(entry)
            if not uncounted:
                self._kept.keep(tuple(by), self._number, count)
            return count.counts(uncounted)

    def boxes_of(self, label: str, names: LabelNames) -> tuple[list[tuple[str, int]], int]:
        left = self._facts.read(self.entries, _MOST_COUNTED)
        wanted = label_key(names.name(label))
        found = []
        for entry in self.entries:
            if entry.rects and not entry.problem:
                counts = self._facts.labels(entry).items()
                boxes = sum(n for text, n in counts if label_key(names.name(text)) == wanted)
                if boxes:
                    found.append((entry.image_id, boxes))
        return found, left

    def in_turn(
        self,
        turn: Turn,
        statuses: AbstractSet[Status],
        after: str = "",
        assigned_to: str | None = None,
        labeler: str | None = None,
    ) -> Iterator[ImageEntry]:
        wanted = tuple(statuses)  # in a set, each look would call Enum's slow hash

        def is_wanted(entry: ImageEntry) -> bool:
            return (
                entry.status in wanted
                and assigned_to in (None, entry.assigned_to)
                and labeler in (None, entry.labeler)
            )

        entries = self._among(wanted, assigned_to)
        if turn is Turn.RANDOM:
            yield from _shuffled(list(filter(is_wanted, entries)))
            return
        last = self._find(after)
        if turn is Turn.NEWEST:
            yield from _newest(list(filter(is_wanted, entries)), last)
            return
        at = bisect_right(entries, place_of(last), key=place_of) if last else 0
        around = chain(range(at, len(entries)), range(at))
        yield from filter(is_wanted, (entries[place] for place in around))

    def _among(self, statuses: Sequence[Status], assigned_to: str | None) -> list[ImageEntry]:
        """Images in the order of names, all among them that have the status and are assigned so."""
        if tuple(statuses) != (Status.RETURNED,) and not assigned_to:
            return self.entries if statuses else []
        with self._kept.counting(QueueEntries):
            queue = self._kept_count(QueueEntries)
            found = queue.assigned.get(assigned_to, {}) if assigned_to else queue.returned
            some = list(found.values())
        return sorted(some, key=place_of)

    def _kept_count(self, kind: type[Kept]) -> Kept:
        """The count of that kind as of now; the caller holds its lock."""
        count = self._kept.find(kind)
        if not isinstance(count, kind):
            count = kind()
            for entry in self.entries:
                count.add(entry)
            self._kept.keep(kind, self._number, count)
        return count


def _shuffled(entries: list[ImageEntry]) -> Iterator[ImageEntry]:
    """All entries in a random order; uses the list up."""
    while entries:
        place = random.randrange(len(entries))  # noqa: S311 - not for secrets
        entries[place], entries[-1] = entries[-1], entries[place]
        yield entries.pop()


def _newest(entries: list[ImageEntry], last: ImageEntry | None) -> Iterator[ImageEntry]:
    """All entries, the newest first, beginning behind `last`."""
    older = [entry for entry in entries if last is None or newness(entry) < newness(last)]
    yield from nlargest(_SORTED_AT_ONCE, older, newness)
    if len(older) > _SORTED_AT_ONCE:
        yield from sorted(older, key=newness, reverse=True)[_SORTED_AT_ONCE:]
    if last is not None:
        newer = (entry for entry in entries if newness(entry) >= newness(last))
        yield from sorted(newer, key=newness, reverse=True)


def newness(entry: ImageEntry) -> tuple[float, str]:
    """What orders images by when they came: the time of the original, else of the last save."""
    return came_at(entry), entry.image_id


class ListedImages:
    """What matches the filters, with as little looked at as that takes."""

    def __init__(
        self,
        entries: list[ImageEntry],
        filters: ImageFilters,
        facts: BoxFacts,
        names: LabelNames | None,
    ) -> None:
        self._entries = entries
        self._filters = filters
        self._facts = facts
        self._named = name_filter(filters.find)
        self._person = filters.person.casefold()
        self._assigned = filters.assigned.casefold()
        self._is_plain = filters == ImageFilters()
        if names is not None:
            self._names = names
            self._label = label_key(names.name(filters.label)) if filters.label else None

    def __iter__(self) -> Iterator[ImageEntry]:
        return filter(self.has, iter(self._entries))

    def has(self, entry: ImageEntry) -> bool:
        if not self._matches_entry(entry):
            return False
        return not self._filters.needs_facts or self._matches_boxes(entry)

    def count(self, end: Place | None = None) -> int:
        last = bisect_left(self._entries, end, key=place_of) if end else len(self._entries)
        if self._is_plain:
            return last
        return sum(self.has(self._entries[place]) for place in range(last))

    def after(self, place: Place | None, limit: int) -> Taken:
        start = bisect_right(self._entries, place, key=place_of) if place else 0
        return self._take((self._entries[at] for at in range(start, len(self._entries))), limit)

    def before(self, place: Place, limit: int) -> Taken:
        end = bisect_left(self._entries, place, key=place_of)
        return self._take((self._entries[at] for at in range(end - 1, -1, -1)), limit)

    def page(self, sort: Sort, offset: int, limit: int) -> SortedPage:
        entries = self._entries
        found = entries if self._is_plain else list(filter(self._matches_entry, entries))
        left = 0
        if self._filters.needs_facts:
            left = self._facts.read(found, MAX_READ)
            found = list(filter(self._matches_boxes, found))
        return SortedPage(_sorted(found, sort)[offset : offset + limit], len(found), left)

    def people(self) -> list[tuple[str, int]]:
        return sorted(Counter(entry.labeler for entry in self if entry.labeler).items())

    # --- within ---------------------------------------------------------------------------

    def _take(self, entries: Iterable[ImageEntry], limit: int) -> Taken:
        """The first that match, and after which entry to go on."""
        some: Iterator[ImageEntry] = filter(self._matches_entry, entries)
        if not self._filters.needs_facts:
            found = list(islice(some, limit + 1))
            return Taken(found[:limit], found[limit - 1] if len(found) > limit else None)
        if self._filters.label is not None:
            some = (entry for entry in some if entry.rects)
        matching: list[ImageEntry] = []
        left, last = MAX_READ, None
        while batch := list(islice(some, max(1, left))):
            left -= sum(not self._facts.knows(entry) for entry in batch)
            self._facts.read(batch, MAX_READ)
            for entry in batch:
                if len(matching) == limit:
                    return Taken(matching, last)
                last = entry
                if self._matches_boxes(entry):
                    matching.append(entry)
            if left <= 0:
                more = next(some, None)
                return Taken(matching, last if more is not None else None)
        return Taken(matching, None)

    def _matches_entry(self, entry: ImageEntry) -> bool:
        """Whether it matches as far as its entry tells."""
        wanted = self._filters
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
        wanted = self._filters
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
        wanted = self._filters
        warning = wanted.warning
        if warning is not None and warning not in self._facts.warnings(entry, self._names):
            return False
        if wanted.label is None:
            return True
        texts = self._facts.labels(entry) if not entry.problem else ()
        return any(label_key(self._names.name(text)) == self._label for text in texts)


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
