"""The label set in the store: no edit is lost, and neither is a number."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Barrier

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.errors import DamagedDocument, LabelRefused, NotAllowed
from labeler.model.label_edits import acknowledged, merged, recolored, renamed, retired
from labeler.model.labels import LabelSet, dump_label_set
from labeler.project.label_store import LabelStore, coco_categories, from_categories
from labeler.project.project import Project
from labeler.storage import ABSENT
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace, with_boxes
from tests.storage.local.test_failures import mount, unmount


def test_different_edits_at_once_are_all_kept(workspace: Workspace) -> None:
    workspace.environ["LABELS"] = "person,car,bus,tram"
    edits: list[Callable[[LabelSet], LabelSet]] = [
        partial(renamed, number=1, name="human"),
        partial(recolored, number=2, color="#010203"),
        partial(merged, number=3, into=4),
        partial(retired, number=4),
        partial(LabelSet.added, names=["dog"]),
        partial(renamed, number=2, name="vehicle"),
    ]
    with ThreadPoolExecutor(len(edits)) as pool:
        list(pool.map(lambda edit: workspace.open().labels.edit(edit), edits))
    labels = workspace.open().labels.read()
    assert [label.name for label in labels.labels] == ["human", "vehicle", "bus", "tram", "dog"]
    assert labels.labels[1].color == "#010203"
    assert labels.labels[2].merged_into == 4
    assert labels.labels[3].retired


def test_an_edit_that_no_longer_makes_sense_is_refused(workspace: Workspace) -> None:
    workspace.environ["LABELS"] = "person,car"
    one, other = workspace.open(), workspace.open()
    seen = other.labels.read()
    one.labels.edit(partial(renamed, number=1, name="driver"))
    before = workspace.objects()
    assert seen.named("driver") is None
    with pytest.raises(LabelRefused, match="merge 'car' into 'driver'"):
        other.labels.edit(partial(renamed, number=2, name="driver"))
    assert workspace.objects() == before


def test_an_edit_that_changes_nothing_writes_nothing(workspace: Workspace) -> None:
    project = workspace.open()
    project.labels.edit(partial(renamed, number=1, name="person"))
    before = workspace.objects()
    project.labels.edit(partial(renamed, number=1, name="person"))
    assert workspace.objects() == before


def test_the_first_of_two_processes_with_other_labels_wins(workspace: Workspace) -> None:
    for _ in range(10):
        names = [("alpha", "beta"), ("gamma",)]
        books = []
        for some in names:
            workspace.environ["LABELS"] = ",".join(some)
            books.append(workspace.open().labels)
        start = Barrier(len(books))

        def read(book: LabelStore, start: Barrier = start) -> LabelSet:
            start.wait()
            return book.read()

        with ThreadPoolExecutor(len(books)) as pool:
            shown = list(pool.map(read, books))
        assert shown[0] == shown[1]
        assert tuple(label.name for label in shown[0].labels) in names
        assert workspace.store().read("labels.json")[0] == dump_label_set(shown[0])
        workspace.remove("labels.json")


def test_labels_are_shown_where_they_cant_be_stored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = Workspace(str(tmp_path), LABELS="alpha,beta")
    # Rights don't bind root, a read-only mount does.
    mount("--bind", str(tmp_path), str(tmp_path))
    try:
        mount("-o", "remount,bind,ro", str(tmp_path))
        book = workspace.open().labels
        for _ in range(2):
            labels, state = book.opened()
            assert [label.name for label in labels.labels] == ["alpha", "beta"]
            assert state is ABSENT
        [told] = caplog.messages
        assert "labels.json can't be stored" in told
        assert "Read-only file system" in told
        with pytest.raises(NotAllowed, match=r"labels\.json can't be saved"):
            book.add(["dog"])
    finally:
        unmount(tmp_path)
    assert book.opened()[1] is not ABSENT
    assert book.read() == labels


# --- a lost label set ---------------------------------------------------------------------


def exported(workspace: Workspace) -> Project:
    """A project that was exported, with labels under other numbers than the settings'."""
    workspace.environ["LABELS"] = "object"
    project = workspace.open()
    project.labels.add(["dog", '"categories": [', "猫"])
    image_id = project.add_image('"categories": [.png', png()).image_id
    opened = project.open_document(image_id)
    project.save_document(image_id, with_boxes(opened, BOX, OTHER), opened, by="")
    open_exporter(project).write()[0]
    return project


NAMES = ["object", "dog", '"categories": [', "猫", "car"]


def test_a_lost_label_set_is_made_from_the_newest_export(workspace: Workspace) -> None:
    open_exporter(exported(workspace)).write()[0]
    newest = max(
        key for key in workspace.objects() if key.startswith("exports/") and key.endswith(".json")
    )
    before = workspace.open().labels.read()
    workspace.remove("labels.json")
    workspace.environ["LABELS"] = "something,else"
    project = workspace.open()
    labels = project.labels.read()
    assert [label.name for label in labels.labels] == NAMES
    assert labels == before.model_copy(update={"rebuilt_from": newest})
    assert "labels.json" not in workspace.objects()
    project.labels.add(["tram"])
    kept = workspace.open().labels.read()
    assert (kept.labels[-1].number, kept.rebuilt_from) == (6, newest)
    project.labels.edit(acknowledged)
    assert workspace.open().labels.read().rebuilt_from == ""


def test_former_names_and_merges_come_back_too(workspace: Workspace) -> None:
    project = exported(workspace)
    project.labels.edit(partial(renamed, number=5, name="Van"))
    project.labels.edit(partial(merged, number=2, into=4))
    project.labels.edit(partial(merged, number=4, into=1))
    open_exporter(project).write()
    before = project.labels.read()
    workspace.remove("labels.json")
    after = workspace.open().labels.read()
    assert [one.name for one in after.labels] == [one.name for one in before.labels]
    for name in ("car", "van", "dog", "猫", "object"):
        found, was = after.find(name), before.find(name)
        assert found
        assert was
        assert found.number == was.number
    [newest] = [key for key in workspace.objects() if key == after.rebuilt_from]
    beside = newest.removesuffix(".json") + ".sources.jsonl"
    for damaged in (
        b"",
        b"{}",
        b"[]",
        b'{"names": {"x": 9}}',
        b'{"names": {"dog": 2, "cat": "x"}}',
    ):
        workspace.put(beside, damaged)
        plain = workspace.open().labels.read()
        assert [one.number for one in plain.labels] == [1, 2, 3, 4, 5]
        assert plain.find("car") is None


def test_former_names_come_back_however_many_labels_there_are(workspace: Workspace) -> None:
    """What tells them is longer than what a store gives at once."""
    project = workspace.open()
    project.labels.add([f"{number:0100}" for number in range(5200)])
    project.labels.edit(partial(renamed, number=1, name="thing"))
    open_exporter(project).write()
    workspace.remove("labels.json")
    found = workspace.open().labels.read().find("object")
    assert found
    assert found.name == "thing"


def test_an_export_without_readable_labels_is_passed_over(workspace: Workspace) -> None:
    exported(workspace)
    workspace.remove("labels.json")
    workspace.put("exports/dataset_coco_99990101_000000.json", b'{"categories": [{"id": 7}]}')
    workspace.put("exports/dataset_coco_99990102_000000.json", b'{"images": [')
    workspace.put("exports/dataset_coco_99990103_000000.sources.jsonl", b"{}")
    assert [label.name for label in workspace.open().labels.read().labels] == NAMES


def test_nothing_is_stored_where_no_export_can_be_read(workspace: Workspace) -> None:
    """Numbers that an export gave may come back, and must not mean other labels then."""
    workspace.put("exports/dataset_coco_20240102_000000.json", b'{"images": [')
    before = workspace.objects()
    assert [label.name for label in workspace.open().labels.read().labels] == ["object"]
    assert workspace.objects() == before


def test_a_damaged_label_set_is_not_lost(workspace: Workspace) -> None:
    exported(workspace)
    workspace.put("labels.json", b"{")
    with pytest.raises(DamagedDocument, match=r"labels\.json is damaged"):
        workspace.open().labels.read()


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 100_000])
def test_categories_are_found_wherever_they_stand(size: int) -> None:
    categories = [{"id": 1, "name": 'a"categories": ['}, {"id": 2, "name": "猫", "more": [[]]}]
    values = {
        "info": {"description": '\\"categories": [1]'},
        "images": [{"file_name": '"categories":[2]'}] * 20,
        "categories": categories,
        "annotations": [{"id": number} for number in range(100)],
    }
    for order in (list(values), list(reversed(values))):
        for indent in (None, 2):
            data = json.dumps({key: values[key] for key in order}, indent=indent).encode()
            chunks = [data[start : start + size] for start in range(0, len(data), size)]
            assert coco_categories(chunks) == categories


@pytest.mark.parametrize("data", [b"", b"{}", b'{"categories": 5}', b'{"categories": [{]}'])
def test_a_file_without_categories(data: bytes) -> None:
    with pytest.raises(DamagedDocument, match="no categories"):
        coco_categories([data])


def test_categories_are_a_label_set() -> None:
    labels = LabelSet().added(["b", "a"])
    categories = [{"id": one.number, "name": one.name} for one in reversed(labels.labels)]
    found = from_categories(categories, "exports/x.json")
    assert found == labels.model_copy(update={"rebuilt_from": "exports/x.json"})
    assert b'"rebuilt_from": "exports/x.json"' in dump_label_set(found)
