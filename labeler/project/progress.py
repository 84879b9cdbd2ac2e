"""How far the work is, from the index alone: over time, and when it will be done. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from labeler.model.document import FINISHED, Status
from labeler.project.image_entry import ImageEntry
from labeler.project.image_search import moment_of

PACE_DAYS: Final = 7
"""The pace is that of the last days on which something was finished, so many at most."""


@dataclass(frozen=True, slots=True)
class Day:
    """How many images were finished by the end of a day in UTC, and how many were left."""

    day: date
    finished: int
    left: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a project.

    `per_hour` is how many images one hour brought in which somebody finished one, `per_day` the
    same for days; both are 0 before anything is finished. `done_on` is None where nothing is left,
    or the pace is unknown.
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
    statuses = dict.fromkeys(Status, 0)
    finished: Counter[date] = Counter()
    hours: Counter[datetime] = Counter()
    came: Counter[date] = Counter()
    for entry in entries:
        statuses[entry.status] += 1
        moment = moment_of(entry.worked_at)
        came[_came(entry, moment, today)] += 1
        if entry.status in FINISHED and moment is not None:
            finished[min(moment.date(), today)] += 1
            hours[moment.replace(minute=0, second=0, microsecond=0)] += 1
    done = sum(statuses[status] for status in FINISHED)
    left = sum(statuses.values()) - done
    last = sorted(finished)[-PACE_DAYS:]
    per_day = sum(finished[day] for day in last) / len(last) if last else 0.0
    first = today - timedelta(days=PACE_DAYS)
    recent = [count for hour, count in hours.items() if hour.date() >= first] or [*hours.values()]
    per_hour = sum(recent) / len(recent) if recent else 0.0
    done_on = None
    if left and per_day and left / per_day < 36_500:
        done_on = today + timedelta(days=-(-left // per_day))
    return Progress(statuses, _days(came, finished), done, left, per_hour, per_day, done_on)


def finished_by(entries: Iterable[ImageEntry], person: str) -> int:
    """How many of the finished images are that person's work."""
    return sum(entry.status in FINISHED and entry.labeler == person for entry in entries)


def _came(entry: ImageEntry, saved: datetime | None, today: date) -> date:
    """The day on which the image came: at the latest when it was saved."""
    days = [today]
    if saved is not None:
        days.append(saved.date())
    with suppress(ValueError, OverflowError):
        days.append(datetime.fromisoformat(entry.added_at).astimezone(UTC).date())
    return min(days)


def _days(came: Mapping[date, int], finished: Mapping[date, int]) -> list[Day]:
    """Each day on which something changed, in order."""
    found, there, done = [], 0, 0
    for day in sorted({*came, *finished}):
        there += came.get(day, 0)
        done += finished.get(day, 0)
        found.append(Day(day, done, there - done))
    return found
