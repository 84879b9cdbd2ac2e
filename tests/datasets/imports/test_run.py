"""Importing onto a project, in a folder and in a bucket: whole, once, and reported."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats.dataset_files import open_dataset_files
from labeler.datasets.formats.registry import DEFAULT, find_format
from labeler.datasets.imports.report import ImportRequest
from labeler.datasets.imports.run import run_import
from labeler.errors import InvalidImport, Unavailable, VersionConflict
from labeler.model.document import AnnotationDocument, Status
from labeler.model.layout import document_key
from labeler.project.originals import Uploads
from labeler.project.project import OpenedDocument, Project, SavedDocument
from labeler.runtime.jobs import Cancelled
from tests.datasets.formats.support import Content, as_bytes, written, zipped
from tests.datasets.imports.support import boxes, coco, counts, documents, imported, lines
from tests.pictures import jpeg, oriented, png
from tests.projects import BOX, Workspace, old_document, with_boxes

CAR = ("car", 1.0, 2.0, 3.0, 4.0)


def test_onto_images_that_are_there(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.open()
    project.add_image("a.png", png())
    labeled = project.add_image("b.png", png())
    opened = project.open_document(labeled.image_id)
    project.save_document(labeled.image_id, with_boxes(opened, BOX), opened, by="ana@example.com")
    files = {"set.json": coco({"x/a.png": [[1, 2, 3, 4]], "b.png": [[5, 5, 5, 5]], "c.png": []})}
    path = written(tmp_path / "set", files) / "set.json"
    before = workspace.objects()
    dry = imported(workspace.open(), path, dry_run=True)
    assert workspace.objects() == before
    report = imported(workspace.open(), path, by="bo@example.com")
    for told in (dry, report):
        assert counts(told) == {"imported": 1, "kept": 1, "left_out": 1}
        assert told.boxes == {"car": 1}
        assert told.new_labels == ("car", "unused")
        assert lines(told) == [
            "set.json: image 3: there is no image c.png in the project",
            "set.json: image 2: b.png has boxes already and was left as it is",
        ]
    stored = documents(workspace.open())
    assert boxes(stored["a.png"]) == [CAR]
    assert stored["a.png"].status is Status.DONE
    assert stored["a.png"].metadata.saved_by == "bo@example.com"
    assert boxes(stored["b.png"]) == [("car", 1.5, 2.25, 10.0, 8.0)]
    # Somebody has drawn already, so the label that every project begins with stays.
    names = [label.name for label in project.labels.read().labels]
    assert names == ["object", "car", "unused"]
    after = workspace.objects()
    again = imported(workspace.open(), path)
    assert counts(again) == {"unchanged": 1, "kept": 1, "left_out": 1}
    assert workspace.objects() == after


def test_policies_for_images_with_boxes(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.open()
    image_id = project.add_image("b.png", png()).image_id
    opened = project.open_document(image_id)
    project.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    written(tmp_path, {"set.json": coco({"b.png": [[5, 5, 5, 5]]})})
    merged = imported(project, tmp_path / "set.json", existing="merge")
    assert counts(merged) == {"imported": 1}
    assert len(documents(project)["b.png"].rects) == 2
    assert counts(imported(project, tmp_path / "set.json", existing="merge")) == {"unchanged": 1}
    assert counts(imported(project, tmp_path / "set.json", existing="replace")) == {"imported": 1}
    assert boxes(documents(project)["b.png"]) == [("car", 5, 5, 5, 5)]


@pytest.mark.parametrize("packed", [False, True])
def test_together_with_the_images(workspace: Workspace, tmp_path: Path, packed: bool) -> None:
    project = workspace.open()
    files: dict[str, Content] = {
        "annotations/set.json": coco({"a.jpg": [[1, 2, 3, 4]], "s/b.png": [], "gone.png": []}),
        "images/a.jpg": jpeg(),
        "images/s/b.png": png(),
        "images/s/extra.png": png(30, 30),
        "images/bad.png": b"no picture",
    }
    path = zipped(tmp_path / "x.zip", files) if packed else written(tmp_path / "x", files)
    before = workspace.objects()
    dry = imported(project, path, dry_run=True)
    assert workspace.objects() == before
    report = imported(project, path)
    for told in (dry, report):
        assert told.added_images == 3
        assert counts(told) == {"imported": 2, "left_out": 1}
        assert told.problems.faults == 1
        assert told.new_labels == ("car", "unused")
        assert [line.partition(". Supported")[0] for line in lines(told)] == [
            "images/bad.png: images/bad.png is a text file",
            "annotations/set.json: image 3: there is no image gone.png in the project",
        ]
    stored = documents(project)
    assert boxes(stored["images/a.jpg"]) == [CAR]
    assert stored["images/s/b.png"].status is Status.DONE  # looked at there, and empty
    assert stored["images/s/extra.png"].status is Status.UNLABELED
    # The label that every project begins with gave way to those of the dataset.
    assert [label.name for label in project.labels.read().labels] == ["car", "unused"]
    again = imported(workspace.open(), path)
    assert again.added_images == 0
    assert counts(again) == {"unchanged": 2, "left_out": 1}


def test_images_from_another_folder_and_from_beside_the_file(
    workspace: Workspace, tmp_path: Path
) -> None:
    project = workspace.open()
    content = coco({"a.png": [[1, 2, 3, 4]], "b.png": []})
    written(tmp_path, {"x/set.json": content, "x/images/a.png": png(), "y/z/b.png": png()})
    written(tmp_path, {"x/other.png": png(9, 9)})
    report = imported(project, tmp_path / "x" / "set.json")
    assert (report.added_images, counts(report)) == (1, {"imported": 1, "left_out": 1})
    report = imported(project, tmp_path / "x" / "set.json", images=tmp_path / "y")
    assert (report.added_images, counts(report)) == (1, {"imported": 1, "unchanged": 1})
    assert set(documents(project)) == {"images/a.png", "z/b.png"}


def test_a_pipelines_images_in_folders_get_their_documents(
    workspace: Workspace, tmp_path: Path
) -> None:
    workspace.put("uploads/s/a.png", png())
    workspace.put("uploads/t/a.png", png(64, 49))
    workspace.put("uploads/t/old.png", png())
    old_id = hashlib.md5(f"old.png_{len(png())}".encode()).hexdigest()
    workspace.put(document_key(old_id), old_document("old.png", rects=[], image_width=None))
    content = coco({"s/a.png": [[1, 2, 3, 4]], "a.png": [], "u/t/old.png": [[1, 1, 2, 2]]})
    written(tmp_path, {"set.json": content})
    project = workspace.open()
    report = imported(project, tmp_path / "set.json")
    assert counts(report) == {"imported": 2, "left_out": 1}
    assert lines(report) == [
        "set.json: image 2: a.png may mean several images of the project: s/a.png, t/a.png"
    ]
    stored = documents(project)
    assert boxes(stored["s/a.png"]) == [CAR]
    assert stored["s/a.png"].metadata.content_md5 == hashlib.md5(png()).hexdigest()
    assert boxes(stored["t/old.png"]) == [("car", 1, 1, 2, 2)]
    assert (stored["t/old.png"].image_width, stored["t/old.png"].model_extra) == (
        64, {"camera": {"name": "north", "lens": [1, 2.5, None]}},
    )  # fmt: skip


def test_only_entries_that_are_sure_to_be_one_image_are_joined(
    workspace: Workspace, tmp_path: Path
) -> None:
    project = workspace.open()
    project.add_image("a.png", png())
    project.add_image("b.png", png())
    content = coco({
        "x/a.png": [[9, 9, 9, 9]], "a.png": [[1, 2, 3, 4]], "./a.png": [[8, 8, 8, 8]],
        "x/b.png": [[1, 1, 1, 1]], "y/b.png": [[2, 2, 2, 2]],
    })  # fmt: skip
    written(tmp_path, {"set.json": content})
    report = imported(project, tmp_path / "set.json")
    assert counts(report) == {"imported": 1, "left_out": 3}
    assert lines(report) == [
        "set.json: image 1: there is no image x/a.png in the project",
        "set.json: image 4: x/b.png is the same image as y/b.png in set.json",
        "set.json: image 5: y/b.png is the same image as x/b.png in set.json",
    ]
    assert boxes(documents(project)["a.png"]) == [CAR, ("car", 8, 8, 8, 8)]


def test_labels_keep_their_spelling_and_may_be_renamed(
    workspace: Workspace, tmp_path: Path
) -> None:
    project = workspace.open()
    project.labels.add(["Car"])
    project.add_image("a.png", png())
    names = [{"id": 5, "name": "car"}, {"id": 2, "name": "Dog "}, {"id": 3, "name": "dog"},
             {"id": 4, "name": "\u202eevil"}]  # fmt: skip
    content = coco({"a.png": [[1, 2, 3, 4]]}, categories=names)
    content["annotations"] += [
        {"image_id": 1, "category_id": kind, "bbox": [kind, 5, 5, 5]} for kind in (2, 3, 4)
    ]
    written(tmp_path, {"set.json": content})
    report = imported(project, tmp_path / "set.json", labels={"dog": "wolf"})
    assert report.new_labels == ("Dog", "wolf")
    assert report.boxes == {"Car": 1, "Dog": 1, "wolf": 1}
    assert "change the direction of text" in lines(report)[0]
    assert [box[0] for box in boxes(documents(project)["a.png"])] == ["Car", "Dog", "wolf"]
    names_then = [label.name for label in project.labels.read().labels]
    assert names_then == ["object", "Car", "Dog", "wolf"]


@pytest.mark.parametrize("seen", [False, True])
def test_the_first_label_of_all_projects_gives_way(
    workspace: Workspace, tmp_path: Path, seen: bool
) -> None:
    project = workspace.open()
    project.add_image("a.png", png())
    if seen:
        project.labels.read()
    written(tmp_path, {"set.json": coco({"a.png": [[1, 2, 3, 4]]})})
    imported(project, tmp_path / "set.json")
    assert [(one.number, one.name) for one in project.labels.read().labels] == [
        (1, "car"), (2, "unused"),
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["coco", "zip", "box"])
def test_a_label_that_was_used_keeps_its_number(
    workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    project = workspace.open()
    project.add_image("a.png", png())
    if kind == "coco":
        open_exporter(project).write()
    elif kind == "zip":
        open_exporter(project).write(kind=find_format("yolo"))
    else:
        image_id = project.add_image("b.png", png()).image_id
        opened = project.open_document(image_id)
        box = BOX.model_copy(update={"label": "object"})
        project.save_document(image_id, with_boxes(opened, box), opened, by="")
    written(tmp_path, {"set.json": coco({"a.png": [[1, 2, 3, 4]]})})
    imported(project, tmp_path / "set.json")
    names = [label.name for label in project.labels.read().labels]
    assert names == ["object", "car", "unused"]


def test_a_set_label_survives_the_first_import(workspace: Workspace, tmp_path: Path) -> None:
    chosen = Workspace(workspace.place, LABELS="person,dog")
    project = chosen.open()
    project.add_image("a.png", png())
    written(tmp_path, {"set.json": coco({"a.png": [[1, 2, 3, 4]]})})
    imported(project, tmp_path / "set.json")
    assert [label.name for label in project.labels.read().labels] == [
        "person", "dog", "car", "unused",
    ]  # fmt: skip
    chosen.close()


def test_a_rotated_photo_says_so(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.open()
    project.add_image("a.jpg", oriented("JPEG", 6))
    content = coco({"a.jpg": [[0, 0, 10, 20]]})
    content["images"][0] |= {"width": 48, "height": 64}
    written(tmp_path, {"set.json": content})
    report = imported(project, tmp_path / "set.json")
    assert counts(report) == {"imported": 1}
    assert "EXIF orientation 6" in lines(report)[0]
    assert boxes(documents(project)["a.jpg"]) == [("car", 44, 0, 20, 10)]


def test_random_ids_do_not_add_an_image_twice(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path / "data"), IMAGE_ID="uuid")
    written(tmp_path, {"x/set.json": coco({"a.png": [[1, 2, 3, 4]]}), "x/a.png": png()})
    assert imported(workspace.open(), tmp_path / "x").added_images == 1
    again = imported(workspace.open(), tmp_path / "x")
    assert (again.added_images, counts(again)) == (0, {"unchanged": 1})
    workspace.close()


def test_two_images_of_one_name_and_size_are_reported(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path / "data"))
    size = 10_000  # what stands behind an image's end is of no interest to it
    first, other = (picture.ljust(size, b"\0") for picture in (png(), png(48, 64)))
    written(tmp_path, {
        "x/set.json": coco({"p/a.png": [[1, 2, 3, 4]]}), "x/p/a.png": first, "x/q/a.png": other,
    })  # fmt: skip
    dry = imported(workspace.open(), tmp_path / "x", dry_run=True)
    report = imported(workspace.open(), tmp_path / "x")
    for told in (dry, report):
        assert told.added_images == 1
        assert "another image of the same name and size" in lines(told)[0]
    workspace.close()


def test_damaged_documents_are_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    project = workspace.open()
    image_id = project.add_image("a.png", png()).image_id
    project.add_image("b.png", png())
    workspace.put(document_key(image_id), b'{"rects": [')
    written(tmp_path, {"set.json": coco({"a.png": [[1, 2, 3, 4]], "b.png": [[1, 2, 3, 4]]})})
    before = workspace.objects()[document_key(image_id)]
    report = imported(workspace.open(), tmp_path / "set.json")
    assert report.problems.faults == 1
    assert workspace.objects()[document_key(image_id)] == before
    assert counts(report) == {"imported": 1, "left_out": 1}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(coco({"a.png": [[1, 2, 3, 4]]}))[:-20],
        json.dumps(coco({"a.png": [[1, 2, 3, float("nan")]]})),
        "{}",
        "",
    ],
)
def test_a_refused_file_changes_nothing(workspace: Workspace, tmp_path: Path, content: str) -> None:
    project = workspace.open()
    project.add_image("a.png", png())
    before = workspace.objects()
    written(tmp_path, {"x/set.json": content, "x/b.png": png()})
    with pytest.raises(InvalidImport):
        imported(project, tmp_path / "x")
    assert workspace.objects() == before


class Cut(Project):
    """A dataset whose store goes away after some writes, or where somebody else is faster."""

    left = 100
    rivals = 0

    @classmethod
    def of(cls, workspace: Workspace) -> Cut:
        store = workspace.store()
        return cls(workspace.settings, store, Uploads(store, "uploads/"), b"0123456789abcdef")

    def write_document(
        self, image_id: str, document: AnnotationDocument, over: OpenedDocument, by: str
    ) -> SavedDocument:
        if document.rects and self.rivals:
            self.rivals -= 1
            raise VersionConflict("somebody was faster")
        if document.rects and self.left == 0:
            raise Unavailable("the store went away")
        self.left -= bool(document.rects)
        return super().write_document(image_id, document, over, by)

    def stored_document(self, image_id: str) -> OpenedDocument:
        if self.left == 0:
            raise Unavailable("the store went away")
        return super().stored_document(image_id)


def test_an_import_that_is_cut_off_ends_the_same_when_run_again(tmp_path: Path) -> None:
    names: dict[str, list[list[float]]] = {
        f"{n}.png": [[n + 1, 2, 3, 4], [1, n + 5, 6, 7]] for n in range(12)
    }
    pictures = {f"x/{name}": png() for name in names}
    written(tmp_path, {"x/set.json": coco(names), **pictures})
    straight = Workspace(str(tmp_path / "straight"))
    imported(straight.open(), tmp_path / "x")
    expected = {name: boxes(document) for name, document in documents(straight.open()).items()}
    cut = Workspace(str(tmp_path / "cut"))
    project = Cut.of(cut)
    project.left = 5
    with pytest.raises(Unavailable):
        imported(project, tmp_path / "x")
    assert any(document.rects for document in documents(cut.open()).values())
    assert [label.name for label in cut.open().labels.read().labels] == ["car", "unused"]
    report = imported(cut.open(), tmp_path / "x")
    assert counts(report).keys() <= {"imported", "unchanged"}
    found = {name: boxes(document) for name, document in documents(cut.open()).items()}
    assert found == expected
    straight.close()
    cut.close()


def test_a_store_that_goes_away_makes_no_image_a_second_one(tmp_path: Path) -> None:
    """With random IDs an image is known by its document alone."""
    workspace = Workspace(str(tmp_path / "data"), IMAGE_ID="uuid")
    written(tmp_path, {"x/set.json": coco({"a.png": []}), "x/a.png": png()})
    project = Cut.of(workspace)
    imported(project, tmp_path / "x")
    before = workspace.objects()
    project.left = 0
    with pytest.raises(Unavailable):
        imported(project, tmp_path / "x")
    assert workspace.objects() == before
    project.close()
    workspace.close()


def test_somebody_elses_save_is_looked_at_again(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path / "data"))
    written(tmp_path, {"x/set.json": coco({"a.png": [[1, 2, 3, 4]]}), "x/a.png": png()})
    project = Cut.of(workspace)
    project.rivals = 3
    assert counts(imported(project, tmp_path / "x")) == {"imported": 1}
    project.rivals = 1000
    with pytest.raises(VersionConflict, match="Run the import again"):
        imported(project, tmp_path / "x", existing="merge", labels={"car": "bus"})
    project.close()
    workspace.close()


def test_labels_that_others_add_meanwhile_stay(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path / "data"))
    written(tmp_path, {"x/set.json": coco({"a.png": [[1, 2, 3, 4]]}), "x/a.png": png()})
    adding = [workspace.open() for _ in range(3)]
    start = threading.Barrier(4)

    def add(number: int) -> None:
        start.wait()
        adding[number].labels.add([f"theirs {number}"])

    threads = [threading.Thread(target=add, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    start.wait()
    imported(workspace.open(), tmp_path / "x")
    for thread in threads:
        thread.join()
    names = {label.name for label in workspace.open().labels.read().labels}
    assert names >= {"car", "unused", "theirs 0", "theirs 1", "theirs 2"}
    workspace.close()


def test_progress_may_end_it(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path / "data"))
    written(tmp_path, {"x/set.json": coco({"a.png": [[1, 2, 3, 4]]}), "x/a.png": png()})
    seen: list[str] = []

    def watch(doing: str, done: int = 0, total: int = 0) -> None:
        assert done <= total or not total
        seen.append(doing)
        if doing == "writing boxes":
            raise Cancelled

    source = open_dataset_files(tmp_path / "x")
    with pytest.raises(Cancelled):
        run_import(workspace.open(), source, ImportRequest(DEFAULT), progress=watch)
    assert list(dict.fromkeys(seen)) == [
        "reading the dataset", "adding images", "looking at the images", "writing boxes",
    ]  # fmt: skip
    workspace.close()


def test_the_report_is_json_whatever_the_names(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path / "data"))
    content = as_bytes(coco({"a.png": []})).replace(b"a.png", b"a\\ud800.png")
    written(tmp_path, {"set.json": content})
    report = imported(workspace.open(), tmp_path / "set.json")
    told = json.loads(json.dumps(report.as_json(), ensure_ascii=False).encode())
    assert told["images"] == {"imported": 0, "unchanged": 0, "kept": 0, "left_out": 1}
    assert told["problems"] == [{
        "file": "set.json", "place": "image 1",
        "reason": "there is no image a\\ud800.png in the project", "fault": False,
    }]  # fmt: skip
    workspace.close()
