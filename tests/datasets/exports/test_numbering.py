"""Image numbers are given once, and what has not changed is not read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.selection import ALL, Selection, parse_selection
from labeler.errors import DamagedDocument, NewerDocument
from labeler.image_names import name_size_id
from labeler.model.document import Rect
from labeler.model.label_edits import merged, renamed
from labeler.model.layout import REGISTRY_KEY, manifest_key
from labeler.project.originals import Uploads
from labeler.project.project import Project
from labeler.storage import Version
from labeler.storage.local import LocalStore
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes


def add(workspace: Workspace, *names: str) -> list[str]:
    project = workspace.open()
    ids = [project.add_image(name, png()).image_id for name in names]
    for image_id in ids:
        label(project, image_id)
    return ids


def label(project: Project, image_id: str, *rects: Rect) -> None:
    opened = project.open_document(image_id)
    project.save_document(image_id, with_boxes(opened, *(rects or (BOX,))), opened, by="")


def export(workspace: Workspace, choice: Selection = ALL) -> dict[str, int]:
    """The number of each file name."""
    (done,) = open_exporter(workspace.open()).write(choice)
    return numbers(workspace.objects()[done.key][0])


def numbers(data: bytes) -> dict[str, int]:
    return {one["file_name"]: one["id"] for one in json.loads(data)["images"]}


def test_new_images_are_numbered_in_the_order_of_names(workspace: Workspace) -> None:
    add(workspace, "c.png", "a.png", "b.png")
    assert export(workspace) == {"a.png": 1, "b.png": 2, "c.png": 3}
    add(workspace, "aa.png", "0.png")
    assert export(workspace) == {"a.png": 1, "b.png": 2, "c.png": 3, "0.png": 4, "aa.png": 5}


def test_images_without_an_original_are_numbered_by_the_names_in_their_documents(
    workspace: Workspace,
) -> None:
    workspace.environ["UPLOADS"] = "off"
    add(workspace, "b.png", "a.png")
    assert export(workspace) == {"a.png": 1, "b.png": 2}


def test_the_number_of_an_image_that_is_gone_is_not_given_again(workspace: Workspace) -> None:
    ids = add(workspace, "a.png", "b.png")
    export(workspace)
    workspace.remove(f"annotations/{ids[1]}.json")
    workspace.remove("uploads/b.png")
    add(workspace, "c.png")
    assert export(workspace) == {"a.png": 1, "c.png": 3}
    add(workspace, "b.png")
    assert export(workspace) == {"a.png": 1, "b.png": 2, "c.png": 3}


def test_exports_at_once_give_the_same_numbers(workspace: Workspace) -> None:
    add(workspace, "a.png")
    export(workspace)
    add(workspace, "c.png", "b.png", "d.png")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: export(workspace), range(4)))
    assert found == [{"a.png": 1, "b.png": 2, "c.png": 3, "d.png": 4}] * 4
    stored = json.loads(workspace.objects()[REGISTRY_KEY][0])
    assert len(stored["images"]) == 4


def test_a_lost_registry_is_made_from_the_newest_exports(workspace: Workspace) -> None:
    ids = add(workspace, "b.png", "c.png")
    export(workspace)
    add(workspace, "a.png")
    before = export(workspace)
    assert before == {"b.png": 1, "c.png": 2, "a.png": 3}
    workspace.remove(f"annotations/{ids[1]}.json")
    workspace.remove("uploads/c.png")
    export(workspace, parse_selection({"name": ["b*"]}))
    workspace.remove(REGISTRY_KEY)
    add(workspace, "0.png")
    assert export(workspace) == {"b.png": 1, "a.png": 3, "0.png": 4}


def test_a_lost_registry_is_made_from_an_export_of_an_earlier_program(workspace: Workspace) -> None:
    add(workspace, "b.png", "c.png")
    (done,) = open_exporter(workspace.open()).write()
    data = workspace.objects()[done.key][0].replace(b'"id":2,"file', b'"id":7,"file')
    for key in list(workspace.objects()):
        if key.startswith(("exports/", REGISTRY_KEY)):
            workspace.remove(key)
    workspace.put(done.key, data)
    add(workspace, "a.png")
    assert export(workspace) == {"b.png": 1, "c.png": 7, "a.png": 8}


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"{", DamagedDocument, "is damaged"),
        (b'{"images": [1]}', DamagedDocument, r"images\[0\]"),
        (b'{"images": ["a", "a"]}', DamagedDocument, "two numbers"),
        (b'{"version": "3.0", "images": []}', NewerDocument, "newer Labeler"),
    ],
)
def test_a_registry_that_can_not_be_read_is_left_as_it_is(
    workspace: Workspace, data: bytes, error: type[Exception], words: str
) -> None:
    add(workspace, "a.png")
    workspace.put(REGISTRY_KEY, data)
    workspace.open().labels.add(())
    before = workspace.objects()
    with pytest.raises(error, match=words):
        open_exporter(workspace.open()).make()
    assert workspace.objects() == before


# --- what is read -------------------------------------------------------------------------


class Counting(LocalStore):
    """A store in a folder that tells which documents are read."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.read_keys: list[str] = []

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes, Version]]:
        for found in super().read_many(keys):
            if found[0].startswith("annotations/"):
                self.read_keys.append(found[0])
            yield found


@pytest.fixture
def counted(tmp_path: Path) -> Iterator[tuple[Workspace, Project, Counting]]:
    """A project with ten images and an export, opened over a store that counts."""
    workspace = Workspace(str(tmp_path / "data"))
    add(workspace, *(f"{number}.png" for number in range(10)))
    export(workspace)
    store = Counting(tmp_path / "data")
    uploads = Uploads(store, "uploads/")
    project = Project(workspace.settings, store, uploads, b"0123456789abcdef")
    yield workspace, project, store
    project.close()
    workspace.close()


def counted_reads(project: Project, store: Counting, choice: Selection = ALL) -> int:
    store.read_keys.clear()
    open_exporter(project).write(choice)
    return len(store.read_keys)


def test_nothing_is_read_where_nothing_has_changed(
    counted: tuple[Workspace, Project, Counting],
) -> None:
    _, project, store = counted
    assert counted_reads(project, store) == 0
    assert counted_reads(project, store) == 0


def test_only_what_has_changed_is_read(counted: tuple[Workspace, Project, Counting]) -> None:
    workspace, project, store = counted
    workspace.open().labels.add(["dog"])
    ids = add(workspace, "new.png")
    label(workspace.open(), ids[0], BOX, OTHER)
    assert counted_reads(project, store) == 1
    assert counted_reads(project, store) == 0


def test_a_label_that_is_added_or_renamed_needs_no_reading(
    counted: tuple[Workspace, Project, Counting],
) -> None:
    workspace, project, store = counted
    workspace.open().labels.add(["new"])
    workspace.open().labels.edit(lambda labels: renamed(labels, 2, "auto"))
    assert counted_reads(project, store) == 0
    with open_exporter(project).make() as file:
        assert list(file.summary.boxes) == ["object", "auto", "new"]


def test_labels_that_are_merged_need_all_to_be_read(
    counted: tuple[Workspace, Project, Counting],
) -> None:
    workspace, project, store = counted
    workspace.open().labels.edit(lambda labels: merged(labels, 2, 1))
    assert counted_reads(project, store) == 10


def test_another_choice_takes_over_from_its_own_kind_only(
    counted: tuple[Workspace, Project, Counting],
) -> None:
    _, project, store = counted
    choice = parse_selection({"status": ["in_progress"]})
    assert counted_reads(project, store, choice) == 10
    assert counted_reads(project, store, choice) == 0
    assert counted_reads(project, store) == 0


@pytest.mark.parametrize("spoilt", ["coco", "sources", "no sources"])
def test_what_was_changed_since_is_not_taken_over_from(
    counted: tuple[Workspace, Project, Counting], spoilt: str
) -> None:
    workspace, project, store = counted
    (info,) = open_exporter(project).kept()
    beside = manifest_key(info.key)
    if spoilt == "coco":
        workspace.put(info.key, workspace.objects()[info.key][0].replace(b"1.5", b"2.5"))
    elif spoilt == "sources":
        workspace.put(beside, workspace.objects()[beside][0].replace(b"1.0", b"1.1"))
    else:
        workspace.remove(beside)
    assert counted_reads(project, store) == 10
    assert counted_reads(project, store) == 0


# --- which image an original is of ----------------------------------------------------------


def names_of(workspace: Workspace) -> list[str]:
    return sorted(export(workspace))


def test_another_rule_for_image_ids_is_not_taken_over_from(workspace: Workspace) -> None:
    data = png()
    workspace.put("uploads/a.png", data)
    by_name, by_content = name_size_id("a.png", len(data)), hashlib.md5(data).hexdigest()
    workspace.put(f"annotations/{by_name}.json", old_document("c.png"))
    workspace.put(f"annotations/{by_content}.json", old_document("b.png"))
    assert names_of(workspace) == ["a.png", "b.png"]
    workspace.environ["IMAGE_ID"] = "content"
    assert names_of(workspace) == ["a.png", "c.png"]


def test_an_original_comes_goes_and_changes_place(workspace: Workspace) -> None:
    image_id = name_size_id("a.png", 1)
    workspace.put(f"annotations/{image_id}.json", old_document("z.png"))
    workspace.put("annotations/other.json", old_document("other.png"))
    steps = [
        ("put", "uploads/d/a.png", "d/a.png"),
        ("put", "uploads/e/a.png", "d/a.png"),  # the first of two that could be it
        ("put", "uploads/c/a.png", "c/a.png"),
        ("put", "uploads/c/a.png", "c/a.png"),  # replaced by itself
        ("remove", "uploads/c/a.png", "d/a.png"),
        ("put", f"uploads/{image_id}/a.png", f"{image_id}/a.png"),  # a place of its own
        ("remove", f"uploads/{image_id}/a.png", "d/a.png"),
        ("remove", "uploads/d/a.png", "e/a.png"),
        ("remove", "uploads/e/a.png", "z.png"),
    ]
    assert names_of(workspace) == ["other.png", "z.png"]
    for what, key, expected in steps:
        if what == "put":
            workspace.put(key, b"x")
        else:
            workspace.remove(key)
        for _ in range(2):
            assert names_of(workspace) == sorted(["other.png", expected])
