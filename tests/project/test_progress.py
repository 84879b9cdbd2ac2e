"""How far the work is, counted from entries of the index."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labeler.model.document import Rect, Status
from labeler.model.edits import with_rects, with_status
from labeler.model.reviews import Verdict, reviewed
from labeler.project.image_entry import ImageEntry
from labeler.project.locations import open_stores
from labeler.project.progress import Day, TallyCount, progress_of
from labeler.project.project import Project
from labeler.project.statistics import Dimension, Statistics
from tests.pictures import png
from tests.projects import Workspace

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
    # Three in the seven days from the 3rd to the 9th; nothing yet today.
    assert (found.per_day, found.per_hour, found.done_on) == (3 / 7, 1.5, date(2026, 5, 17))


def test_the_pace_is_that_of_the_last_days_with_work() -> None:
    days = [(day, count) for day, count in ((1, 100), *((day, 2) for day in range(2, 9)))]
    entries = [
        entry(day * 1000 + number, Status.DONE, f"2026-05-{day:02}T08:00:00Z")
        for day, count in days
        for number in range(count)
    ]
    found = progress_of([*entries, *(entry(n, Status.UNLABELED) for n in range(5))], TODAY)
    # The last seven days of work are the 2nd to the 8th; the 9th brought nothing.
    assert (found.per_day, found.left, found.done_on) == (14 / 8, 5, date(2026, 5, 13))
    assert found.per_hour == 2


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
    count = TallyCount()
    for one in entries:
        count.add(one)
    assert [count.tally(name).mine for name in ("lea", "ana", "rob", "")] == [1, 1, 0, 0]
    assert count.tally("").total == len(entries)


@pytest.mark.parametrize(
    ("days", "per_day", "done_on"),
    [
        ([TODAY], 10, date(2026, 5, 12)),  # today counts as soon as it brings something
        ([date(2026, 5, 9)], 10, date(2026, 5, 12)),
        # Five days of work in a week with its weekend, and as long again and again.
        ([date(2026, 5, day) for day in (3, 4, 5, 6, 7)], 50 / 7, date(2026, 5, 13)),
        # A rest of months is no pace: what was before counts only if nothing came after it.
        ([date(2026, 1, 5), date(2026, 1, 6), date(2026, 5, 8)], 5, date(2026, 5, 14)),
        ([date(2026, 1, 10), date(2026, 1, 11)], 20 / 120, date(2026, 9, 7)),
    ],
)
def test_days_without_work_slow_the_pace(days: list[date], per_day: float, done_on: date) -> None:
    done = [
        entry(number, Status.DONE, f"{day}T09:00:00Z")
        for number, day in enumerate(day for day in days for _ in range(10))
    ]
    found = progress_of([*done, *(entry(1000 + n, Status.UNLABELED) for n in range(20))], TODAY)
    assert found.per_day == pytest.approx(per_day)
    assert found.done_on == done_on


class Diary:
    """A project whose clock the test turns: who did what, and when."""

    def __init__(self, workspace: Workspace) -> None:
        self.now = datetime(2026, 5, 1, 8, tzinfo=UTC)
        store, uploads = open_stores(workspace.settings)
        self.project = Project(workspace.settings, store, uploads, b"secret" * 4, lambda: self.now)
        names = [f"{number}.png" for number in range(1, 9)]
        self.ids = [""] + [self.project.add_image(name, png()).image_id for name in names]
        for name in names:
            os.utime(Path(workspace.place, "uploads", name), (self.now.timestamp(),) * 2)
        self.project.image_index.expire()

    def save(self, day: int, hour: float, by: str, number: int, status: Status) -> None:
        self.now = datetime(2026, 5, day, tzinfo=UTC) + timedelta(hours=hour)
        opened = self.project.open_document(self.ids[number])
        boxes = [*opened.document.rects, Rect(left=1, top=1, width=9, height=9, label="car")]
        wanted = with_status(with_rects(opened.document, boxes), status)
        self.project.save_document(self.ids[number], wanted, opened, by)

    def review(self, day: int, hour: float, number: int, verdict: Verdict) -> None:
        self.now = datetime(2026, 5, day, tzinfo=UTC) + timedelta(hours=hour)
        opened = self.project.open_document(self.ids[number])
        decided = reviewed(opened.document, verdict, "rob", self.now)
        self.project.put_document(self.ids[number], decided, opened.version)


@pytest.fixture
def diary(tmp_path: Path) -> Iterator[Diary]:
    made = Diary(Workspace(str(tmp_path / "data")))
    yield made
    made.project.close()


def test_a_week_of_several_people_with_reviews_is_counted_as_it_was(diary: Diary) -> None:
    diary.save(1, 9.0, "lea", 1, Status.DONE)
    diary.save(1, 9.5, "lea", 2, Status.DONE)
    diary.save(1, 9.75, "ana", 3, Status.DONE)
    diary.save(4, 23.5, "lea", 4, Status.DONE)  # where she lives, it is the 5th
    diary.review(5, 10, 1, Verdict.RETURN)
    diary.review(5, 11, 2, Verdict.APPROVE)
    diary.save(5, 12, "rob", 4, Status.DONE)  # corrected: it stays the work of lea
    diary.save(6, 8, "lea", 1, Status.DONE)
    diary.review(6, 9.0, 3, Verdict.APPROVE)
    diary.review(6, 9.1, 3, Verdict.REOPEN)
    diary.save(6, 10.0, "ana", 5, Status.IN_PROGRESS)
    diary.save(6, 10.5, "ana", 6, Status.SKIPPED)
    found = progress_of(diary.project.list_images(), date(2026, 5, 7))
    assert found.days == [
        Day(date(2026, 5, 1), 2, 6),
        Day(date(2026, 5, 4), 3, 5),
        Day(date(2026, 5, 6), 5, 3),
    ]
    assert {status: count for status, count in found.statuses.items() if count} == {
        Status.DONE: 3, Status.APPROVED: 1, Status.SKIPPED: 1, Status.IN_PROGRESS: 1,
        Status.UNLABELED: 2,
    }  # fmt: skip
    # Five images in four hours with work, and in six days; three are left.
    assert found.per_hour == 1.25
    assert found.per_day == pytest.approx(5 / 6)
    assert (found.done_on, found.reviewed) == (date(2026, 5, 11), 1)
    counted = Statistics(diary.project.image_index, diary.project.labels)
    rows = counted.count([Dimension.PERSON, Dimension.DAY]).rows
    assert [(*row.values, row.images, row.rects) for row in rows] == [
        ("", "", 2, 0), ("ana", "2026-05-01", 1, 1), ("ana", "2026-05-06", 2, 2),
        ("lea", "2026-05-01", 1, 1), ("lea", "2026-05-04", 1, 2), ("lea", "2026-05-06", 1, 2),
    ]  # fmt: skip
    diary.review(7, 9, 4, Verdict.RETURN)
    found = progress_of(diary.project.list_images(), date(2026, 5, 7))
    assert (found.finished, found.left, found.reviewed) == (4, 4, 2)
    assert [day.finished for day in found.days] == [2, 4]
