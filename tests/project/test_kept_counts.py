"""Counts that are kept up to date are those that a new look at all images would make."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import pytest

from labeler.model.document import NEEDS_WORK, Rect, Status
from labeler.model.edits import with_rects, with_status
from labeler.project import kept_counts
from labeler.project.box_facts import BoxFacts, LabelNames
from labeler.project.counts import Dimension, EntryCount
from labeler.project.image_entry import ImageEntry
from labeler.project.image_view import Turn
from labeler.project.kept_counts import Change, KeptCounts
from labeler.project.listed_images import ListedView
from labeler.project.progress import ProgressCount, TallyCount
from labeler.project.project import Project
from labeler.project.queue_entries import QueueEntries
from labeler.project.statistics import Statistics
from tests.pictures import png
from tests.projects import Workspace

TODAY = date(2026, 5, 10)
BY = [
    by
    for size in range(4)
    for by in combinations(Dimension, size)
    if not {Dimension.LABEL, Dimension.WARNING} <= set(by)
]
"""More than are kept."""


class ImageList:
    """Images that change, as an index has them."""

    def __init__(self, workspace: Workspace) -> None:
        project = workspace.open()
        self.facts = BoxFacts(project.store)
        self.names = LabelNames(project.labels.read())
        self.kept = KeptCounts()
        self.entries: dict[str, ImageEntry] = {}
        self.random = random.Random(5)

    def entry(self, number: int, **more: Any) -> ImageEntry:
        chosen = self.random
        saved = datetime(2026, 5, chosen.randrange(1, 10), tzinfo=UTC) + timedelta(hours=number)
        cars = chosen.randrange(3)
        facts = {"labels": f'{{"car":{cars}}}' if cars else "{}", "warnings": "{}"} | more
        return ImageEntry(
            f"{number:032x}", f"{number}.png", chosen.choice(list(Status)), cars,
            saved.isoformat(), chosen.choice(["", "lea", "ana"]),
            added_at=saved.timestamp() - chosen.randrange(10**6),
            assigned_to=chosen.choice(["", "lea"]), **facts,
        )  # fmt: skip

    def change(self, number: int, after: ImageEntry | None) -> Change:
        change = Change(self.entries.pop(f"{number:032x}", None), after)
        if after is not None:
            self.entries[after.image_id] = after
        return change

    def view(self, kept: KeptCounts | None = None) -> ListedView:
        entries = sorted(self.entries.values(), key=lambda one: one.image_path)
        return ListedView(entries, self.facts, kept)

    def compare(self) -> None:
        """Each count that is kept is the one that is made anew."""
        kept, new = self.view(self.kept), self.view()
        assert kept.progress(TODAY) == new.progress(TODAY)
        for person in ("", "lea", "ana"):
            assert kept.tally(person) == new.tally(person)
        for turn in (Turn.NAME, Turn.NEWEST):
            for wanted in queues(turn):
                assert list(kept.in_turn(*wanted)) == list(new.in_turn(*wanted)), wanted
        for by in BY:
            assert kept.count(by, self.names) == new.count(by, self.names), by


def queues(turn: Turn) -> Iterator[tuple[Any, ...]]:
    """What the queue asks for."""
    yield turn, {Status.RETURNED}, "", "", "lea"
    yield turn, {Status.RETURNED}, f"{3:032x}", "lea"
    yield turn, NEEDS_WORK, f"{7:032x}", "lea"


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Each entry that is counted in any count."""
    found: list[str] = []
    for kind in (EntryCount, ProgressCount, TallyCount, QueueEntries):
        add = kind.add

        def noted(count: Any, entry: ImageEntry, times: int = 1, add: Any = add) -> None:
            found.append(entry.image_path)
            add(count, entry, times)

        monkeypatch.setattr(kind, "add", noted)
    return found


def test_counts_follow_every_change(workspace: Workspace) -> None:
    images = ImageList(workspace)
    images.kept.note([images.change(number, images.entry(number)) for number in range(30)])
    images.compare()
    for _ in range(20):
        changes = []
        for number in images.random.sample(range(40), 4):
            is_gone = images.random.random() < 0.3
            changes.append(images.change(number, None if is_gone else images.entry(number)))
        assert images.kept.note(changes)
        images.compare()
    assert not images.kept.note([])


def count_some(view: ListedView, names: LabelNames) -> None:
    view.progress(TODAY)
    view.count([Dimension.LABEL], names)


def ask_as_the_queue(view: ListedView, _: LabelNames) -> None:
    view.tally("lea")
    for wanted in queues(Turn.NAME):
        list(view.in_turn(*wanted))


@pytest.mark.parametrize("ask", [count_some, ask_as_the_queue])
def test_one_change_counts_one_image(
    workspace: Workspace, added: list[str], ask: Callable[[ListedView, LabelNames], None]
) -> None:
    images = ImageList(workspace)
    images.kept.note([images.change(number, images.entry(number)) for number in range(30)])
    ask(images.view(images.kept), images.names)
    assert len(added) == 60
    images.kept.note([images.change(7, images.entry(7))])
    added.clear()
    for _ in range(2):
        ask(images.view(images.kept), images.names)
    assert added == ["7.png"] * 4  # taken away and added, in two counts


def test_an_image_whose_labels_stand_in_its_document_alone_has_all_counted_anew(
    workspace: Workspace, added: list[str]
) -> None:
    images = ImageList(workspace)
    numbers = range(3)
    images.kept.note([images.change(number, images.entry(number)) for number in numbers])
    for by in (Dimension.LABEL, Dimension.STATUS):
        images.view(images.kept).count([by], images.names)
    old = images.entry(1, labels=None)
    while not old.rects:
        old = images.entry(1, labels=None)
    images.kept.note([images.change(1, old)])
    added.clear()
    images.view(images.kept).count([Dimension.STATUS], images.names)
    assert added == ["1.png", "1.png"]
    images.view(images.kept).count([Dimension.LABEL], images.names)
    assert sorted(added[2:]) == ["0.png", "1.png", "2.png"]


def test_after_too_many_changes_all_are_counted_anew(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_counts, "MOST_CHANGES", 5)
    images = ImageList(workspace)
    for number in range(4):
        images.kept.note([images.change(number, images.entry(number))])
    images.compare()
    images.kept.note([images.change(number, images.entry(number)) for number in range(9)])
    images.compare()


def test_saves_uploads_and_deletions_are_counted(workspace: Workspace, added: list[str]) -> None:
    project = workspace.open()
    ids = [project.add_image(f"{number}.png", png(20 + number, 20)).image_id for number in range(5)]

    def counted(project: Project) -> list[object]:
        statistics = Statistics(project.image_index, project.labels)
        counts = [statistics.count([one]) for one in Dimension]
        return [*counts, project.image_index.view().progress(TODAY)]

    assert counted(project) == counted(workspace.open())
    opened = project.open_document(ids[0])
    rects = [Rect(left=1, top=1, width=9, height=9, label="object", id="r1")]
    wanted = with_status(with_rects(opened.document, rects), Status.DONE)
    project.save_document(ids[0], wanted, opened, "ana@example.com")
    project.trash.delete(ids[1], project.stored_version(ids[1]))
    added.clear()
    now = counted(project)
    assert set(added) <= {"0.png", "1.png"}
    workspace.put("uploads/drop.png", png(7, 7))
    project.image_index.expire()
    later = counted(project)
    assert later == counted(workspace.open()) != now
