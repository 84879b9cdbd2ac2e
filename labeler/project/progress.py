"""How far the work is, from the index alone: over time, and when it will be done. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from labeler.model.document import FINISHED, Status
from labeler.project.image_entry import ImageEntry
from labeler.project.image_search import moment_of

PACE_DAYS: Final = 7
"""The pace is that since the first of so many last days on which something was finished."""
_LATELY: Final = 28
"""Days of work that are longer ago are left out where there are later ones."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many images have which status, and how many of the finished are one person's."""

    statuses: Mapping[Status, int]
    mine: int = 0

    @property
    def total(self) -> int:
        """How many images there are."""
        return sum(self.statuses.values())

    @property
    def finished(self) -> int:
        """How many images are done, skipped or approved."""
        return sum(self.statuses[status] for status in FINISHED)


class TallyCount:
    """What tallies are made from, counted from entries."""

    def __init__(self) -> None:
        self._statuses = dict.fromkeys(Status, 0)
        self._finished: Counter[str] = Counter()

    def is_sure_of(self, _entry: ImageEntry) -> bool:
        """The entry itself tells everything."""
        return True

    def add(self, entry: ImageEntry, times: int = 1) -> None:
        """Count the entry; with -1, no longer."""
        self._statuses[entry.status] += times
        if entry.status in FINISHED:
            self._finished[entry.labeler] += times

    def tally(self, person: str) -> Tally:
        """The tally of what was added; nobody's images are the person's if that is empty."""
        return Tally(dict(self._statuses), self._finished[person] if person else 0)


@dataclass(frozen=True, slots=True)
class Day:
    """How many images were finished by the end of a day in UTC, and how many were left."""

    day: date
    finished: int
    left: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a project.

    `per_hour` is how many images one hour brought in which somebody finished one. `per_day` is how
    many a day brought, days without work among them, so that it tells when all will be done. Both
    are 0 before anything is finished. `done_on` is None where nothing is left, or the pace is
    unknown.
    """

    statuses: Mapping[Status, int]
    days: Sequence[Day]
    finished: int
    left: int
    per_hour: float
    per_day: float
    done_on: date | None

    @property
    def reviewed(self) -> int:
        """How many images a reviewer has approved or sent back."""
        return self.statuses[Status.APPROVED] + self.statuses[Status.RETURNED]


def progress_of(entries: Iterable[ImageEntry], today: date) -> Progress:
    """The progress of these images as of today.

    Finished is what is done, skipped or approved, on the day when its labeler saved it.
    """
    count = ProgressCount()
    for entry in entries:
        count.add(entry)
    return count.progress(today)


class ProgressCount:
    """What the progress is made from, counted from entries."""

    def __init__(self) -> None:
        self._statuses = dict.fromkeys(Status, 0)
        self._hours: Counter[int] = Counter()
        self._came: Counter[int | None] = Counter()

    def is_sure_of(self, _entry: ImageEntry) -> bool:
        """The entry itself tells everything."""
        return True

    def add(self, entry: ImageEntry, times: int = 1) -> None:
        """Count the entry; with -1, no longer."""
        self._statuses[entry.status] += times
        moment = moment_of(entry.worked_at)
        self._came[came_day(entry, moment)] += times
        if entry.status in FINISHED and moment is not None:
            self._hours[hour_of(moment)] += times

    def progress(self, today: date) -> Progress:
        """The progress of what was added, as of today."""
        return progress_from(self._statuses, +self._hours, +self._came, today)


def progress_from(
    statuses: Mapping[Status, int],
    hours: Mapping[int, int],
    came: Mapping[int | None, int],
    today: date,
) -> Progress:
    """The progress, from counts of images.

    `hours` counts the finished images by `hour_of` their labeler's save, `came` all images by
    `came_day`.
    """
    last_day = _number(today)
    finished: Counter[int] = Counter()
    for hour, count in hours.items():
        finished[min(hour // 24, last_day)] += count
    there: Counter[int] = Counter()
    for day, count in came.items():
        there[last_day if day is None else min(day, last_day)] += count
    done = sum(statuses[status] for status in FINISHED)
    left = sum(statuses.values()) - done
    since = _pace_since(finished, last_day)
    lately = [count for hour, count in hours.items() if hour // 24 >= since]
    # Today counts from the first image on: in the morning it is no day without work.
    length = last_day - since + (last_day in finished)
    pace = sum(lately)
    done_on = None
    if left and pace and left * length < 36_500 * pace:
        done_on = today + timedelta(days=-(-left * length // pace))
    per_day = pace / length if pace else 0.0
    per_hour = pace / len(lately) if pace else 0.0
    days = _days(there, finished)
    return Progress(dict(statuses), days, done, left, per_hour, per_day, done_on)


def _pace_since(finished: Mapping[int, int], today: int) -> int:
    """The day from which on the pace is counted; today before anything is finished."""
    last = sorted(finished)[-PACE_DAYS:]
    lately = [day for day in last if day > today - _LATELY] or last
    return lately[0] if lately else today


def hour_of(moment: datetime) -> int:
    """The hour of a moment in UTC, in hours since 1970."""
    return _number(moment.date()) * 24 + moment.hour


def came_day(entry: ImageEntry, saved: datetime | None) -> int | None:
    """The day on which the image came, in days since 1970: at the latest when it was saved.

    None if nothing tells it.
    """
    days = [] if saved is None else [_number(saved.date())]
    if entry.added_at:
        days.append(int(entry.added_at // 86_400))
    return min(days, default=None)


def _number(day: date) -> int:
    return day.toordinal() - _FIRST_DAY


_FIRST_DAY: Final = date(1970, 1, 1).toordinal()


def _days(came: Mapping[int, int], finished: Mapping[int, int]) -> list[Day]:
    """Each day on which something changed, in order."""
    found, there, done = [], 0, 0
    for day in sorted({*came, *finished}):
        there += came.get(day, 0)
        done += finished.get(day, 0)
        found.append(Day(date.fromordinal(_FIRST_DAY + day), done, there - done))
    return found
