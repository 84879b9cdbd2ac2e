"""Both indexes answer alike, whatever lies in the store."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import combinations, islice
from typing import Any, NoReturn

import pytest

from labeler.model.box_warnings import BoxWarning
from labeler.model.document import Status
from labeler.model.label_edits import merged
from labeler.project.box_facts import LabelNames
from labeler.project.counts import Dimension
from labeler.project.database.changes import is_same
from labeler.project.database.index import DatabaseIndex
from labeler.project.image_entry import ImageEntry, place_of
from labeler.project.image_search import ImageFilters, Sort
from labeler.project.image_view import Turn
from labeler.project.project import Project
from tests.pictures import png
from tests.project.database.conftest import index_of, synced
from tests.projects import Workspace, old_document

NAMES = (
    "a.png", "A.png", "b/cam 1.png", "b/cam_2.png", "b%20.png", "ä.png", "é.png", "ß[1].png",
    "日本.png", "Ｚ.png", "😀.png", "z.png", "zz\\.png", "C-10.png", "c'x.png",
)  # fmt: skip
FILTERS = (
    ImageFilters(),
    *(ImageFilters(status=status) for status in Status),
    *(
        ImageFilters(find=text)
        for text in ("a", "A", "%", "_", "\\", "*.png", "?.png", "b/*", "[ab]*",
                     "*[!0-9].png", "*[1].png", "é", "c?m*", "nothing", "*[z-a]*", "'", "[", "*[",
                     "*[]x]*", "\x00")
    ),
    *(ImageFilters(label=label) for label in ("car", "dog", "Hund", "vehicle", "none")),
    *(ImageFilters(warning=warning) for warning in BoxWarning),
    ImageFilters(person="LEA@example.com"), ImageFilters(person="nobody"),
    *(ImageFilters(assigned=one) for one in ("*", "-", "Ana@Example.com")),
    ImageFilters(boxes=(0, 0)), ImageFilters(boxes=(1, None)), ImageFilters(boxes=(1, 2)),
    ImageFilters(since=datetime(2024, 1, 1, tzinfo=UTC)),
    ImageFilters(until=datetime(2024, 1, 1, tzinfo=UTC)),
    ImageFilters(
        since=datetime(2023, 12, 1, 14, tzinfo=UTC), until=datetime(2023, 12, 2, tzinfo=UTC)
    ),
    ImageFilters(sample=40), ImageFilters(status=Status.DONE, label="car", find="a", sample=90),
)  # fmt: skip


def fill(workspace: Workspace) -> None:
    """Documents of ours and of others, damaged ones, and originals with and without one."""
    project = workspace.open()
    for number, name in enumerate(NAMES):
        opened = project.open_document(project.add_image(name, png(40 + number, 30)).image_id)
        document = json.loads(opened.document.model_dump_json())
        document["rects"] = [
            {"left": 1, "top": 1, "width": 2 + box * number, "height": 9, "id": f"r{box}",
             "label": ("car", "dog", "Hund", "stray")[(box + number) % 4]}
            for box in range(number % 5)
        ]  # fmt: skip
        status = list(Status)[number % 6]
        document["metadata"]["status"] = status
        if number % 4 == 0:
            document["metadata"]["assigned_to"] = "ana@example.com"
        if number % 5 == 0:
            document["metadata"] |= {"labeled_by": "rob@example.com", "labeled_at": "2023-01-05"}
        by = ("lea@example.com", "ana@example.com", "")[number % 3]
        if number % 7 != 6:
            image_id = document["metadata"]["image_id"]
            wanted = type(opened.document).model_validate(document)
            project.write_document(image_id, wanted, opened, by)
    workspace.put("uploads/pipeline/drop.png", png(7, 7))
    workspace.put("uploads/pipeline/notes.txt", b"no image")
    workspace.put("uploads/twice/x.png", png(9, 9))
    workspace.put("uploads/again/x.png", png(9, 9))
    workspace.put("annotations/old1.json", old_document("old/one.png"))
    workspace.put("annotations/old2.json", old_document("old/t\x00w\ud800o.png"))
    workspace.put("annotations/Bad.json", b"{")
    workspace.put("annotations/a-b.json", old_document("a-b.png", rects=[]))
    workspace.put("annotations/a.json", old_document("a.png"))
    workspace.put("annotations/readme.txt", b"no document")
    project.labels.edit(lambda labels: labels.added(["dog", "Hund", "vehicle"]))
    project.labels.edit(lambda labels: merged(labels, 3, 2))


def let_nobody_else_answer(index: DatabaseIndex) -> None:
    """Otherwise a question that the database fails at would be answered from the store."""

    def fail(*_: object) -> NoReturn:
        raise AssertionError("the store was asked")

    for name in ("view", "find", "known", "entries", "look_again", "original_keys"):
        setattr(index._fallback, name, fail)


@pytest.fixture
def two(plain: Workspace, indexed: Workspace) -> tuple[Project, Project]:
    """The project with the store's own index, and with one in a database."""
    fill(plain)
    told = synced(indexed.open())
    let_nobody_else_answer(index_of(told))
    return plain.open(), told


def shown(entries: Any) -> list[ImageEntry]:
    return list(entries)


def names_of(project: Project) -> LabelNames:
    return LabelNames(project.labels.read())


def fitted(entry: ImageEntry) -> ImageEntry:
    """The entry as a database can hold its name."""
    return replace(
        entry, image_path=entry.image_path.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")
    )


def test_every_entry_is_the_same(two: tuple[Project, Project]) -> None:
    listed, told = (project.list_images() for project in two)
    assert len(listed) == len(told) > 20
    by_id = {entry.image_id: entry for entry in told}
    for entry in map(fitted, listed):
        assert by_id[entry.image_id] == entry
        assert is_same(by_id[entry.image_id], entry) or entry.labels is None


def test_every_question_has_the_same_answer(two: tuple[Project, Project]) -> None:
    for project in two:
        project.image_index.view()
    for filters in FILTERS:
        one, other = (project.search(filters) for project in two)
        expected = list(map(fitted, one))
        assert list(other) == expected, filters
        assert one.count() == other.count() == len(expected), filters
        assert one.people() == other.people(), filters
        for entry in list(map(fitted, two[0].list_images()))[:: 6 if filters.needs_facts else 4]:
            place = place_of(entry)
            assert one.has(entry) == other.has(entry), (filters, entry)
            assert one.count(place) == other.count(place)
            for ask in ("after", "before"):
                taken = [getattr(found, ask)(place, 3) for found in (one, other)]
                assert list(map(fitted, taken[0].entries)) == taken[1].entries
                assert bool(taken[0].more) == bool(taken[1].more) or filters.needs_facts


@pytest.mark.parametrize("sort", Sort)
def test_every_order_is_the_same(two: tuple[Project, Project], sort: Sort) -> None:
    for filters in (FILTERS[0], ImageFilters(status=Status.DONE), ImageFilters(label="car")):
        one, other = (project.search(filters) for project in two)
        for offset, limit in ((0, 3), (2, 5), (0, 100), (50, 5)):
            first, second = (found.page(sort, offset, limit) for found in (one, other))
            assert list(map(fitted, first.entries)) == second.entries, (filters, offset)
            assert (first.total, first.unread) == (second.total, second.unread)


def test_every_count_is_the_same(two: tuple[Project, Project]) -> None:
    views = [project.image_index.view() for project in two]
    for size in range(4):
        for by in combinations(Dimension, size):
            if {Dimension.LABEL, Dimension.WARNING} <= set(by):
                continue
            one, other = (view.count(by, names_of(two[0])) for view in views)
            assert one == other, by
    for person in ("lea@example.com", "rob@example.com", ""):
        assert views[0].tally(person) == views[1].tally(person)
    for today in (date(2023, 12, 1), date(2024, 5, 5), datetime.now(UTC).date()):
        assert views[0].progress(today) == views[1].progress(today)
    for label in ("car", "dog", "Hund", "stray", "none"):
        assert views[0].boxes_of(label, names_of(two[0])) == views[1].boxes_of(
            label, names_of(two[0])
        )


@pytest.mark.parametrize("assigned_to", [None, "", "ana@example.com"])
@pytest.mark.parametrize(
    ("statuses", "labeler"),
    [("unlabeled in_progress returned", None), ("returned", None), ("returned", "lea@example.com")],
)
def test_images_come_in_the_same_turn(
    two: tuple[Project, Project], assigned_to: str | None, statuses: str, labeler: str | None
) -> None:
    entries = two[0].list_images()
    wanted = frozenset(map(Status, statuses.split()))
    for turn in (Turn.NAME, Turn.NEWEST):
        for after in ("", "gone", *(entry.image_id for entry in entries)):
            one, other = (
                [
                    fitted(entry)
                    for entry in project.image_index.view().in_turn(
                        turn, wanted, after, assigned_to, labeler
                    )
                ]
                for project in two
            )
            assert one == other, (turn, after)
    for project in two:
        view = project.image_index.view()
        found = list(view.in_turn(Turn.RANDOM, wanted, "", assigned_to, labeler))
        assert {entry.image_id for entry in found} == {entry.image_id for entry in one}
        assert len(found) == len(one)


def test_few_rows_are_read_for_the_next_image(two: tuple[Project, Project]) -> None:
    found = two[1].image_index.view().in_turn(Turn.NAME, frozenset(Status))
    first = list(islice(found, 2))
    assert [entry.image_path for entry in first] == sorted(
        entry.image_path for entry in map(fitted, two[0].list_images())
    )[:2]


def test_an_image_is_found_with_its_originals(two: tuple[Project, Project]) -> None:
    one, other = (project.image_index for project in two)
    for entry in two[0].list_images():
        assert one.original_keys(entry.image_id) == other.original_keys(entry.image_id)
        for index in (one, other):
            found = index.find(entry.image_id)
            assert found is not None
            assert fitted(found) == fitted(entry)
        assert other.known(entry.image_id) == fitted(entry)
    assert other.find("0" * 32) is None
    assert other.known("0" * 32) is None
