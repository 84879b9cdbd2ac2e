"""Image numbers are given once, and what has not changed is not read again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labeler.datasets.exports.numbering import REGISTRY_KEY
from labeler.datasets.exports.previous import sources_key
from labeler.datasets.selection import ALL, Choice, parse_choice
from labeler.errors import DamagedDocument, NewerDocument
from labeler.image_names import name_size_id
from labeler.model.document import Rect
from labeler.model.label_edits import merged, renamed
from labeler.project.originals import Uploads
from labeler.project.project import Dataset
from labeler.storage import Version
from labeler.storage.local import LocalStore
from tests.pictures import png
from tests.projects import BOX, OTHER, Project, old_document, with_boxes


def add(project: Project, *names: str) -> list[str]:
    dataset = project.open()
    ids = [dataset.add_image(name, png()).image_id for name in names]
    for image_id in ids:
        label(dataset, image_id)
    return ids


def label(dataset: Dataset, image_id: str, *rects: Rect) -> None:
    opened = dataset.open_document(image_id)
    dataset.save_document(image_id, with_boxes(opened, *(rects or (BOX,))), opened, by="")


def export(project: Project, choice: Choice = ALL) -> dict[str, int]:
    """The number of each file name."""
    (done,) = project.open().exports.write(choice)
    return numbers(project.objects()[done.key][0])


def numbers(data: bytes) -> dict[str, int]:
    return {one["file_name"]: one["id"] for one in json.loads(data)["images"]}


def test_new_images_are_numbered_in_the_order_of_names(project: Project) -> None:
    add(project, "c.png", "a.png", "b.png")
    assert export(project) == {"a.png": 1, "b.png": 2, "c.png": 3}
    add(project, "aa.png", "0.png")
    assert export(project) == {"a.png": 1, "b.png": 2, "c.png": 3, "0.png": 4, "aa.png": 5}


def test_images_without_an_original_are_numbered_by_the_names_in_their_documents(
    project: Project,
) -> None:
    project.environ["UPLOADS"] = "off"
    add(project, "b.png", "a.png")
    assert export(project) == {"a.png": 1, "b.png": 2}


def test_the_number_of_an_image_that_is_gone_is_not_given_again(project: Project) -> None:
    ids = add(project, "a.png", "b.png")
    export(project)
    project.remove(f"annotations/{ids[1]}.json")
    project.remove("uploads/b.png")
    add(project, "c.png")
    assert export(project) == {"a.png": 1, "c.png": 3}
    add(project, "b.png")
    assert export(project) == {"a.png": 1, "b.png": 2, "c.png": 3}


def test_exports_at_once_give_the_same_numbers(project: Project) -> None:
    add(project, "a.png")
    export(project)
    add(project, "c.png", "b.png", "d.png")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: export(project), range(4)))
    assert found == [{"a.png": 1, "b.png": 2, "c.png": 3, "d.png": 4}] * 4
    stored = json.loads(project.objects()[REGISTRY_KEY][0])
    assert len(stored["images"]) == 4


def test_a_lost_registry_is_made_from_the_newest_exports(project: Project) -> None:
    ids = add(project, "b.png", "c.png")
    export(project)
    add(project, "a.png")
    before = export(project)
    assert before == {"b.png": 1, "c.png": 2, "a.png": 3}
    project.remove(f"annotations/{ids[1]}.json")
    project.remove("uploads/c.png")
    export(project, parse_choice({"name": ["b*"]}))
    project.remove(REGISTRY_KEY)
    add(project, "0.png")
    assert export(project) == {"b.png": 1, "a.png": 3, "0.png": 4}


def test_a_lost_registry_is_made_from_an_export_of_an_earlier_program(project: Project) -> None:
    add(project, "b.png", "c.png")
    (done,) = project.open().exports.write()
    data = project.objects()[done.key][0].replace(b'"id":2,"file', b'"id":7,"file')
    for key in list(project.objects()):
        if key.startswith(("exports/", REGISTRY_KEY)):
            project.remove(key)
    project.put(done.key, data)
    add(project, "a.png")
    assert export(project) == {"b.png": 1, "c.png": 7, "a.png": 8}


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"{", DamagedDocument, "is damaged"),
        (b'{"images": [1]}', DamagedDocument, r"images\[0\]"),
        (b'{"images": ["a", "a"]}', DamagedDocument, "two numbers"),
        (b'{"version": "2.0", "images": []}', NewerDocument, "newer Labeler"),
    ],
)
def test_a_registry_that_can_not_be_read_is_left_as_it_is(
    project: Project, data: bytes, error: type[Exception], words: str
) -> None:
    add(project, "a.png")
    project.put(REGISTRY_KEY, data)
    project.open().labels.add(())
    before = project.objects()
    with pytest.raises(error, match=words):
        project.open().exports.coco()
    assert project.objects() == before


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
def counted(tmp_path: Path) -> Iterator[tuple[Project, Dataset, Counting]]:
    """A project with ten images and an export, opened over a store that counts."""
    project = Project(str(tmp_path / "data"))
    add(project, *(f"{number}.png" for number in range(10)))
    export(project)
    store = Counting(tmp_path / "data")
    uploads = Uploads(store, "uploads/")
    dataset = Dataset(project.settings, store, uploads, b"0123456789abcdef")
    yield project, dataset, store
    dataset.close()
    project.close()


def counted_reads(dataset: Dataset, store: Counting, choice: Choice = ALL) -> int:
    store.read_keys.clear()
    dataset.exports.write(choice)
    return len(store.read_keys)


def test_nothing_is_read_where_nothing_has_changed(
    counted: tuple[Project, Dataset, Counting],
) -> None:
    _, dataset, store = counted
    assert counted_reads(dataset, store) == 0
    assert counted_reads(dataset, store) == 0


def test_only_what_has_changed_is_read(counted: tuple[Project, Dataset, Counting]) -> None:
    project, dataset, store = counted
    project.open().labels.add(["dog"])
    ids = add(project, "new.png")
    label(project.open(), ids[0], BOX, OTHER)
    assert counted_reads(dataset, store) == 1
    assert counted_reads(dataset, store) == 0


def test_a_label_that_is_added_or_renamed_needs_no_reading(
    counted: tuple[Project, Dataset, Counting],
) -> None:
    project, dataset, store = counted
    project.open().labels.add(["new"])
    project.open().labels.edit(lambda labels: renamed(labels, 2, "auto"))
    assert counted_reads(dataset, store) == 0
    with dataset.exports.coco() as file:
        assert list(file.summary.boxes) == ["object", "auto", "new"]


def test_labels_that_are_merged_need_all_to_be_read(
    counted: tuple[Project, Dataset, Counting],
) -> None:
    project, dataset, store = counted
    project.open().labels.edit(lambda labels: merged(labels, 2, 1))
    assert counted_reads(dataset, store) == 10


def test_another_choice_takes_over_from_its_own_kind_only(
    counted: tuple[Project, Dataset, Counting],
) -> None:
    _, dataset, store = counted
    choice = parse_choice({"status": ["in_progress"]})
    assert counted_reads(dataset, store, choice) == 10
    assert counted_reads(dataset, store, choice) == 0
    assert counted_reads(dataset, store) == 0


@pytest.mark.parametrize("spoilt", ["coco", "sources", "no sources"])
def test_what_was_changed_since_is_not_taken_over_from(
    counted: tuple[Project, Dataset, Counting], spoilt: str
) -> None:
    project, dataset, store = counted
    (info,) = dataset.exports.kept()
    beside = sources_key(info.key)
    if spoilt == "coco":
        project.put(info.key, project.objects()[info.key][0].replace(b"1.5", b"2.5"))
    elif spoilt == "sources":
        project.put(beside, project.objects()[beside][0].replace(b"1.0", b"1.1"))
    else:
        project.remove(beside)
    assert counted_reads(dataset, store) == 10
    assert counted_reads(dataset, store) == 0


# --- which image an original is of ----------------------------------------------------------


def names_of(project: Project) -> list[str]:
    return sorted(export(project))


def test_another_rule_for_image_ids_is_not_taken_over_from(project: Project) -> None:
    data = png()
    project.put("uploads/a.png", data)
    by_name, by_content = name_size_id("a.png", len(data)), hashlib.md5(data).hexdigest()
    project.put(f"annotations/{by_name}.json", old_document("c.png"))
    project.put(f"annotations/{by_content}.json", old_document("b.png"))
    assert names_of(project) == ["a.png", "b.png"]
    project.environ["IMAGE_ID"] = "content"
    assert names_of(project) == ["a.png", "c.png"]


def test_an_original_comes_goes_and_changes_place(project: Project) -> None:
    image_id = name_size_id("a.png", 1)
    project.put(f"annotations/{image_id}.json", old_document("z.png"))
    project.put("annotations/other.json", old_document("other.png"))
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
    assert names_of(project) == ["other.png", "z.png"]
    for what, key, expected in steps:
        if what == "put":
            project.put(key, b"x")
        else:
            project.remove(key)
        for _ in range(2):
            assert names_of(project) == sorted(["other.png", expected])
