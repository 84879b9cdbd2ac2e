"""Labels and exports: nothing is lost, numbers stay."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.errors import (
    DamagedDocument,
    InvalidDocument,
    NotFound,
)
from labeler.project.project import Project
from tests.pictures import (
    png,
)
from tests.projects import BOX, OTHER, Workspace, with_boxes


def test_the_first_labels_are_stored_before_anybody_sees_them(workspace: Workspace) -> None:
    workspace.environ["LABELS"] = "person, car"
    project = workspace.open()
    assert workspace.objects() == {}
    first = project.labels.read()
    assert [label.name for label in first.labels] == ["person", "car"]
    before = workspace.objects()
    assert list(before) == ["labels.json"]
    workspace.environ["LABELS"] = "something else"
    assert workspace.open().labels.read() == first
    assert project.labels.read() == first
    assert workspace.objects() == before
    workspace.open().labels.add(["dog", "CAR"])
    names = [(label.number, label.name) for label in project.labels.read().labels]
    assert names == [(1, "person"), (2, "car"), (3, "dog")]


def test_labels_that_are_there_are_not_written_again(workspace: Workspace) -> None:
    workspace.open().labels.add(["dog"])
    before = workspace.objects()
    workspace.open().labels.add(["dog", " Dog ", "object"])
    assert workspace.objects() == before


def test_many_who_add_labels_at_once_lose_none(workspace: Workspace) -> None:
    names = [f"label {number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: workspace.open().labels.add([name]), names))
    labels = workspace.open().labels.read().labels
    assert {label.name for label in labels} == {"object", *names}
    assert [label.number for label in labels] == list(range(1, 10))


@pytest.mark.parametrize("name", ["", "  ", "x" * 200, "a\x00b"])
def test_what_is_no_label_is_refused(workspace: Workspace, name: str) -> None:
    with pytest.raises(InvalidDocument):
        workspace.open().labels.add(["dog", name])
    assert workspace.objects() == {}


def test_a_damaged_label_set_is_left_as_it_is(workspace: Workspace) -> None:
    workspace.put("labels.json", b'{"labels": [{}]}')
    before = workspace.objects()
    with pytest.raises(DamagedDocument, match=r"labels\.json"):
        workspace.open().labels.read()
    with pytest.raises(DamagedDocument, match=r"labels\.json"):
        workspace.open().labels.add(["dog"])
    assert workspace.objects() == before


def labeled(workspace: Workspace) -> Project:
    """A project with two labeled images, one of a label that is in no label set."""
    project = workspace.open()
    for name, rects in (("b.png", (BOX,)), ("a.png", (BOX, OTHER))):
        image_id = project.add_image(name, png()).image_id
        opened = project.open_document(image_id)
        project.save_document(image_id, with_boxes(opened, *rects), opened, by="")
    project.add_image("c.png", png())
    workspace.put("annotations/damaged.json", b"{")
    return workspace.open()


def coco(project: Project) -> bytes:
    with open_exporter(project).make() as file:
        return b"".join(file.chunks())


def test_an_export_holds_the_project(workspace: Workspace) -> None:
    project = labeled(workspace)
    export = open_exporter(project).write()[0]
    written = workspace.objects()[export.key][0]
    assert coco(project) == written
    assert b"".join(open_exporter(project).chunks(export.key.removeprefix("exports/"))) == written
    summary = export.summary
    content = json.loads(written)
    assert [image["file_name"] for image in content["images"]] == ["a.png", "b.png"]
    assert [one["name"] for one in content["categories"]] == ["object", "car", "dog"]
    assert (summary.images, summary.annotations) == (2, 3)
    newest = max(entry.saved_at for entry in project.list_images() if entry.rects)
    assert content["info"]["date_created"][:19] == newest[:19]
    # What the file says must still be so tomorrow: the numbers of the labels are kept.
    names = [label.name for label in workspace.open().labels.read().labels]
    assert names == ["object", "car", "dog"]


def test_an_export_names_originals_by_their_place(workspace: Workspace) -> None:
    pictures = png(64, 48), png(640, 480)
    project = workspace.open()
    ids = [project.add_image("a.png", data).image_id for data in pictures]
    for image_id in ids:
        opened = project.open_document(image_id)
        project.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    content = json.loads(coco(workspace.open()))
    assert sorted(image["file_name"] for image in content["images"]) == [f"{ids[1]}/a.png", "a.png"]


def test_exports_of_one_second_are_two(workspace: Workspace) -> None:
    project = labeled(workspace)
    keys = [open_exporter(project).write()[0].key for _ in range(3)]
    assert len(set(keys)) == 3
    assert all(re.fullmatch(r"exports/dataset_coco_\d{8}_\d{6}\.json", key) for key in keys)
    objects = workspace.objects()
    assert len({objects[key][0] for key in keys}) == 1


def test_an_empty_project_is_exported(workspace: Workspace) -> None:
    content = json.loads(coco(workspace.open()))
    assert (content["images"], content["annotations"]) == ([], [])


@pytest.mark.parametrize("name", ["x.json", "../labels.json", "dataset_coco_1_2.json", ""])
def test_only_exports_are_handed_out(workspace: Workspace, name: str) -> None:
    workspace.open().labels.add(["dog"])
    with pytest.raises(NotFound):
        open_exporter(workspace.open()).chunks(name)


def test_a_survey_has_every_image_in_the_order_of_names(workspace: Workspace) -> None:
    labeled(workspace)
    workspace.put("uploads/B.png", png(32, 32))
    found = [
        (entry.image_path, document and len(document.rects), bool(entry.problem))
        for entry, document in workspace.open().list_documents()
    ]
    assert found == [
        ("B.png", None, False),
        ("a.png", 2, False),
        ("b.png", 1, False),
        ("c.png", 0, False),
        ("damaged", None, True),
    ]
