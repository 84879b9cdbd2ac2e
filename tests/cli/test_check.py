"""`check`: everything that does not fit is told, and `--repair` repairs what is safe, no more."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from labeler.datasets.exports import registry_shards
from labeler.datasets.exports.exporter import open_exporter
from labeler.image_names import name_size_id
from labeler.model.layout import document_key, registry_shard_key
from tests.cli.support import Done, Run, labeled
from tests.pictures import jpeg, png
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes

ALL_LABELS = "car,dog"


@pytest.fixture
def check(run: Run) -> Callable[..., Done]:
    return lambda *given, **environ: run("check", *given, **{"LABELS": ALL_LABELS, **environ})


Check = Callable[..., Done]


def test_a_whole_project_passes_and_is_left_as_it_is(check: Check, workspace: Workspace) -> None:
    labeled(workspace)
    workspace.open().labels.add(["car", "dog"])
    workspace.put("uploads/c.png", png(32, 32))
    before = workspace.objects()
    for given in ([], ["--repair"]):
        assert check(*given) == Done(0, "3 images checked, 0 with a problem\n", "")
        assert workspace.objects() == before


def test_what_is_missing_or_damaged_is_reported_and_never_touched(
    check: Check, workspace: Workspace
) -> None:
    labeled(workspace)
    workspace.open().labels.add(["car", "dog"])
    workspace.remove("uploads/b.png")
    workspace.put("annotations/broken.json", b"{")
    workspace.put("annotations/newer.json", old_document("n.png", metadata={"version": "2.0"}))
    before = workspace.objects()
    for given in ([], ["--repair"]):
        done = check(*given)
        assert (done.code, done.out) == (1, "4 images checked, 3 with a problem\n")
        assert "The original is missing" in done.err
        assert "annotations/broken.json is damaged" in done.err
        assert "annotations/newer.json was written by a newer Labeler" in done.err
        assert workspace.objects() == before


def test_originals_that_are_not_kept_are_not_missed(check: Check, workspace: Workspace) -> None:
    labeled(workspace)
    workspace.remove("uploads/b.png")
    assert check(UPLOADS="off").code == 0


def test_a_damaged_registry_fails_the_check(check: Check, workspace: Workspace) -> None:
    labeled(workspace)
    workspace.put("registry/images.json", b"[1")
    before = workspace.objects()
    done = check("--repair")
    assert done.code == 1
    assert "registry/images.json is damaged" in done.err
    assert workspace.objects()["registry/images.json"] == before["registry/images.json"]


def test_missing_image_numbers_are_named(
    check: Check, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry_shards, "SHARD_IDS", 1)
    labeled(workspace)
    open_exporter(workspace.open()).write()
    images = len(workspace.open().list_images())
    assert check().code == 0
    workspace.remove(registry_shard_key(images))
    done = check()
    assert f"The image numbers {images} to {images} are missing" in done.err
    open_exporter(workspace.open()).write()
    assert check().code == 0
    assert workspace.objects()[registry_shard_key(images)]


def test_a_damaged_label_set_fails_the_check(check: Check, workspace: Workspace) -> None:
    workspace.put("labels.json", b"{")
    done = check("--repair")
    assert done.code == 1
    assert "labels.json is damaged" in done.err


def test_another_image_in_the_place_of_the_original_is_reported(
    check: Check, workspace: Workspace
) -> None:
    labeled(workspace)
    workspace.put("uploads/a.png", png()[:-1] + b"x")
    done = check()
    assert done.code == 1
    assert "uploads/a.png is not the image that the boxes were drawn on" in done.err


def test_a_document_under_the_name_of_another_image_is_reported(
    check: Check, workspace: Workspace
) -> None:
    first, second = labeled(workspace)
    data, _ = workspace.store().read(document_key(first))
    workspace.put(document_key(second), data)
    done = check()
    assert done.code == 1
    assert f"It says that it is the document of {first}" in done.err


def test_two_images_of_one_image_id_are_reported(check: Check, workspace: Workspace) -> None:
    workspace.put("uploads/north/a.bmp", b"BM" + b"1" * 100)
    workspace.put("uploads/south/a.bmp", b"BM" + b"2" * 100)
    done = check()
    assert done.code == 1
    assert "are different images with one image ID" in done.err
    workspace.put("uploads/south/a.bmp", b"BM" + b"1" * 100)
    done = check()
    assert (done.code, "have the same bytes" in done.err) == (0, True)


def test_metadata_of_another_program_is_written_anew(check: Check, workspace: Workspace) -> None:
    first, _ = labeled(workspace)
    key = document_key(first)
    data, info = workspace.store().read(key)
    workspace.store().write(key, data + b" ", replaces=info.version, metadata=info.metadata)
    workspace.put(document_key("old"), old_document("o.png", rects=[]))
    workspace.put("uploads/o.png", png())
    before = workspace.objects()
    done = check()
    assert done.code == 1
    assert f"{key}: Its metadata is out of date" in done.err
    assert "annotations/old.json: It has no metadata of Labeler's" in done.err
    assert workspace.objects() == before
    repaired = check("--repair")
    assert repaired.err.count("Repaired: the metadata was written anew") == 2
    assert {k: data for k, (data, _) in workspace.objects().items() if k != "labels.json"} == {
        k: data for k, (data, _) in before.items()
    }
    assert check().err == ""
    assert workspace.store().info(key).metadata["rects"] == "2"


def test_notes_that_say_the_same_are_said_once_with_their_number(
    check: Check, workspace: Workspace
) -> None:
    """A folder that was copied without its metadata has one for each image."""
    for name in ("a", "b", "c"):
        workspace.put(document_key(name), old_document(f"{name}.png", rects=[]))
        workspace.put(f"uploads/{name}.png", png())
    what = "It has no metadata of Labeler's: each listing has to read it."
    done = check()
    assert f"annotations/a.json: {what} --repair repairs it.\n" in done.err
    assert f"2 more like it: {what} --repair repairs it.\n" in done.err
    assert done.err.count(what) == 2
    repaired = check("--repair")
    assert f"2 more like it: {what} Repaired: the metadata was written anew" in repaired.err
    assert what not in check().err


def test_labels_that_boxes_have_are_added(check: Check, workspace: Workspace) -> None:
    labeled(workspace)
    workspace.open().labels.add(["car"])
    workspace.put(
        document_key("x"),
        old_document("x.png", rects=[{**BOX.model_dump(), "label": "\u202e"}]),
    )
    done = check()
    assert "labels.json: It lacks labels that boxes have: dog, \\u202e. --repair" in done.err
    done = check("--repair")
    assert "Repaired: added: dog; can't be labels: \\u202e." in done.err
    assert [label.name for label in workspace.open().labels.read().labels] == [
        "object",
        "car",
        "dog",
    ]


def test_a_lost_label_set_is_made_from_the_newest_export(
    check: Check, workspace: Workspace
) -> None:
    labeled(workspace)
    project = workspace.open()
    project.labels.add(["zebra", "car", "dog"])
    open_exporter(project).write()
    numbers = {label.name: label.number for label in project.labels.read().labels}
    workspace.remove("labels.json")
    done = check("--repair", LABELS="object")
    assert "labels.json: It is not there" in done.err
    assert done.code == 0
    found = json.loads(workspace.store().read("labels.json")[0])["labels"]
    assert {one["name"]: one["number"] for one in found} == numbers


def test_what_killed_writers_left_is_removed(
    check: Check, workspace: Workspace, tmp_path: Path
) -> None:
    labeled(workspace)
    left, fresh = (tmp_path / "data" / ".labeler" / "tmp" / name for name in ("left", "fresh"))
    for path in (left, fresh):
        path.write_bytes(b"half")
    then = time.time() - 7200
    os.utime(left, (then, then))
    assert f"{left}: left by a program that was killed." in check().err
    assert left.exists()
    assert f"{left}: left by a program that was killed. Repaired" in check("--repair").err
    assert not left.exists()
    assert fresh.exists()


def test_a_save_during_the_repair_wins(check: Check, workspace: Workspace) -> None:
    """A repair names the state that it has read: the newer document is never written over."""
    project = workspace.open()
    image_id = project.add_image("a.jpg", jpeg()).image_id
    opened = project.open_document(image_id)
    workspace.put(document_key(image_id), workspace.store().read(document_key(image_id))[0] + b" ")
    again = workspace.open().open_document(image_id)
    project.save_document(image_id, with_boxes(again, BOX, OTHER), again, by="")
    assert opened.version != again.version
    done = check("--repair")
    assert done.code == 0
    assert workspace.open().open_document(image_id).document.rects == (BOX, OTHER)


def test_stray_objects_are_reported(check: Check, workspace: Workspace) -> None:
    workspace.put("annotations/Notes.txt", b"words")
    workspace.put(f"annotations/{name_size_id('a.png', 9)}.json.bak", b"{}")
    done = check()
    assert done.code == 0
    assert done.err.count("This is no document") == 2
