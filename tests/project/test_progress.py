"""How far the work is, counted from entries of the index."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from labeler.model.document import Status
from labeler.project.image_entry import ImageEntry
from labeler.project.progress import Day, progress_of, tally_of

TODAY = date(2026, 5, 10)


def entry(number: int, status: Status, saved_at: str = "", by: str = "", **more: Any) -> ImageEntry:
    return ImageEntry(f"{number:032x}", f"{number}.png", status, 0, saved_at, by, **more)


def test_nothing_is_left_of_nothing() -> None:
    found = progress_of([], TODAY)
    assert (found.finished, found.left, found.days, found.done_on) == (0, 0, [], None)
    assert (found.per_hour, found.per_day, found.reviewed) == (0, 0, 0)


def test_finished_and_left_by_day() -> None:
    old = datetime(2026, 5, 1, 8, tzinfo=UTC).timestamp()
    found = progress_of(
        [
            entry(1, Status.DONE, "2026-05-03T09:10:00+00:00", "lea", added_at=old),
            entry(2, Status.SKIPPED, "2026-05-03T09:50:00+00:00", "lea", added_at=old),
            entry(3, Status.APPROVED, "2026-05-04T01:00:00+03:00", "ana", added_at=old),
            entry(4, Status.RETURNED, "2026-05-04T10:00:00+00:00", "ana", added_at=old),
            entry(5, Status.UNLABELED, added_at=old),
            entry(6, Status.IN_PROGRESS, "2026-05-05T10:00:00", "ana"),
        ],
        TODAY,
    )
    # The offset of the third makes it the day before.
    assert found.days == [
        Day(date(2026, 5, 1), 0, 5),
        Day(date(2026, 5, 3), 3, 2),
        Day(date(2026, 5, 5), 3, 3),
    ]
    assert (found.finished, found.left, found.reviewed) == (3, 3, 2)
    assert (found.per_day, found.per_hour, found.done_on) == (3, 1.5, date(2026, 5, 11))


def test_the_pace_is_that_of_the_last_days_with_work() -> None:
    days = [(day, count) for day, count in ((1, 100), *((day, 2) for day in range(2, 9)))]
    entries = [
        entry(day * 1000 + number, Status.DONE, f"2026-05-{day:02}T08:00:00Z")
        for day, count in days
        for number in range(count)
    ]
    found = progress_of([*entries, *(entry(n, Status.UNLABELED) for n in range(5))], TODAY)
    assert (found.per_day, found.left, found.done_on) == (2, 5, date(2026, 5, 13))


@pytest.mark.parametrize("saved_at", ["", "yesterday", "9999-12-31T23:59:59-12:00", "2126-01-01"])
def test_a_time_that_makes_no_sense_stops_nothing(saved_at: str) -> None:
    found = progress_of([entry(1, Status.DONE, saved_at), entry(2, Status.UNLABELED)], TODAY)
    assert (found.finished, found.left) == (1, 1)
    assert all(day.day <= TODAY for day in found.days)


def test_what_somebody_has_finished() -> None:
    entries = [
        entry(1, Status.DONE, "", "lea"),
        entry(2, Status.IN_PROGRESS, "", "lea"),
        entry(3, Status.APPROVED, "", "ana"),
    ]
    assert [tally_of(entries, name).mine for name in ("lea", "ana", "rob", "")] == [1, 1, 0, 0]
