"""`export`: under exports/, to a file, to stdout."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.model.label_edits import merged, renamed
from tests.cli.support import PROGRAM, ROOT, Run, labeled
from tests.pictures import png
from tests.projects import BOX, Workspace, with_boxes


def test_an_export_is_written_where_exports_are(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    done = run("export", "coco")
    assert done.code == 0
    key = done.out.strip()
    coco = json.loads(workspace.objects()[key][0])
    assert (len(coco["images"]), len(coco["annotations"])) == (2, 3)
    assert "2 images, 3 boxes." in done.err


def test_an_export_goes_to_a_file_or_to_stdout(tmp_path: Path, workspace: Workspace) -> None:
    labeled(workspace)
    path = tmp_path / "out" / "coco.json"
    path.parent.mkdir()
    path.write_text("before")
    environ = os.environ | {"LABELER_STORAGE": workspace.place}
    outputs = []
    for output in (str(path), "-", "/dev/stdout", "/dev/null"):
        done = subprocess.run(
            [*PROGRAM, "export", "coco", "--output", output],
            cwd=ROOT, env=environ, capture_output=True, check=True,
        )  # fmt: skip
        outputs.append(done.stdout)
    assert outputs == [b"", path.read_bytes(), path.read_bytes(), b""]
    assert [one.name for one in path.parent.iterdir()] == ["coco.json"]
    assert Path("/dev/null").is_char_device()
    assert not [key for key in workspace.objects() if key.startswith("exports/")]


def test_an_export_that_fails_leaves_the_file_as_it_was(
    run: Run, workspace: Workspace, tmp_path: Path
) -> None:
    labeled(workspace)
    workspace.put("labels.json", b"{")
    path = tmp_path / "coco.json"
    path.write_text("before")
    done = run("export", "coco", "--output", path)
    assert done.code == 1
    assert "labels.json is damaged" in done.err
    assert path.read_text() == "before"
    assert not list(tmp_path.glob(".coco*"))


def test_a_file_that_can_not_be_written_is_reported(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    done = run("export", "coco", "--output", tmp_path / "missing" / "coco.json")
    assert done.code == 1
    assert "No such file or directory" in done.err


def test_options_say_what_goes_in(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    for options, images in (
        (["--name", "a*"], ["a.png"]),
        (["--label", "dog"], ["a.png"]),
        (["--status", "done"], []),
        (["--status", "done,in_progress", "--name", "b*", "--name", "a*"], ["a.png", "b.png"]),
    ):
        done = run("export", "coco", *options)
        assert done.code == 0, done.err
        coco = json.loads(workspace.objects()[done.out.strip()][0])
        assert [image["file_name"] for image in coco["images"]] == images


def test_a_split_writes_a_file_for_each_part(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    done = run("export", "coco", "--split", "50/30/20", "--seed", "3")
    keys = done.out.split()
    assert [key.rpartition("_")[2] for key in keys] == ["train.json", "val.json", "test.json"]
    found = [json.loads(workspace.objects()[key][0])["images"] for key in keys]
    assert sorted(image["file_name"] for part in found for image in part) == ["a.png", "b.png"]
    told = [line for line in done.err.splitlines() if "images" in line]
    assert [line.split()[1] for line in told] == ["train:", "val:", "test:"]


def test_two_parts_are_not_one_file(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    done = run("export", "coco", "--split", "8/1", "--output", "-")
    assert (done.code, done.out) == (2, "")
    assert "--part" in done.err
    assert run("export", "coco", "--split", "8/1", "--part", "val", "--output", "-").code == 0


@pytest.mark.parametrize("options", [["--status", "x"], ["--split", "1"], ["--part", "train"]])
def test_a_choice_that_makes_no_sense_is_wrong_usage(
    run: Run, workspace: Workspace, options: list[str]
) -> None:
    assert run("export", "coco", *options).code == 2
    assert workspace.objects() == {}


def test_an_unknown_label_is_reported(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    done = run("export", "coco", "--label", "zebra")
    assert (done.code, "zebra" in done.err) == (1, True)


# --- verify -------------------------------------------------------------------------------


def test_an_export_is_verified_against_the_store(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    key = run("export", "coco").out.strip()
    for name in (key, key.removeprefix("exports/")):
        done = run("verify", name)
        assert (done.code, done.err) == (0, "")
        assert "(2 images)" in done.out


def test_what_has_changed_since_an_export_is_named(run: Run, workspace: Workspace) -> None:
    ids = labeled(workspace)
    key = run("export", "coco").out.strip()
    project = workspace.open()
    project.add_image("new.png", png())
    opened = project.open_document(ids[0])
    project.save_document(ids[0], with_boxes(opened, BOX), opened, by="")
    for gone in (f"annotations/{ids[1]}.json", "uploads/b.png"):
        workspace.remove(gone)
    project.labels.add(["zebra"])
    done = run("verify", key)
    assert done.code == 1
    assert done.out.splitlines() == [
        "changed\ta.png", "added\tnew.png", "deleted\tb.png", "Labels were added: zebra.",
    ]  # fmt: skip


def test_labels_that_count_otherwise_are_named(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    key = run("export", "coco").out.strip()
    labels = workspace.open().labels
    labels.edit(lambda found: renamed(found, 1, "thing"))
    assert run("verify", key).out == "Label 1 was 'object' and is 'thing' now.\n"
    labels.edit(lambda found: renamed(merged(found, 3, 2), 1, "object"))
    done = run("verify", key)
    assert (done.code, done.out) == (1, "Boxes count as other labels now: dog.\n")


def test_an_export_that_was_changed_itself_is_reported(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    key = run("export", "coco").out.strip()
    workspace.put(key, workspace.objects()[key][0].replace(b"1.5", b"2.5"))
    done = run("verify", key)
    assert (done.code, done.out) == (1, f"{key} itself was changed since it was written.\n")
    workspace.remove(key)
    assert run("verify", key).out == f"{key} is not there any more.\n"


def test_a_copy_of_a_project_verifies(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    """Its documents have other versions, and the same bytes."""
    labeled(workspace)
    key = run("export", "coco").out.strip()
    copy = Workspace(str(tmp_path / "copy"))
    for name, (data, _) in workspace.objects().items():
        copy.put(name, data)
    found = open_exporter(copy.open()).verify(key)
    copy.close()
    assert found.is_same, found


@pytest.mark.parametrize("name", ["x.json", "exports/dataset_coco_20240101_000000.json"])
def test_what_is_no_export_can_not_be_verified(run: Run, name: str) -> None:
    done = run("verify", name)
    assert (done.code, done.out) == (1, "")
    assert "There is no" in done.err


@pytest.mark.parametrize("kind", ["yolo", "voc"])
def test_a_zip_goes_to_exports_to_a_file_or_to_stdout(
    run: Run, workspace: Workspace, tmp_path: Path, kind: str
) -> None:
    labeled(workspace)
    path = tmp_path / "set.zip"
    done = run("export", kind, "--images", "--output", path)
    assert done.code == 0
    assert "2 images, 3 boxes." in done.err
    with zipfile.ZipFile(path) as archive:
        assert sum(name.endswith(".png") for name in archive.namelist()) == 2
    key = run("export", kind, "--images").out.strip()
    assert workspace.objects()[key][0] == path.read_bytes()
    environ = os.environ | {"LABELER_STORAGE": workspace.place}
    piped = subprocess.run(
        [*PROGRAM, "export", kind, "--images", "--output", "-"],
        cwd=ROOT, env=environ, capture_output=True, check=True,
    )  # fmt: skip
    assert piped.stdout == path.read_bytes()


def test_a_lost_image_ends_with_1_and_coco_has_none(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    workspace.remove("uploads/b.png")
    done = run("export", "yolo", "--images", "--output", os.devnull)
    assert done.code == 1
    assert "b.png: its original is not in the store, or is damaged." in done.err
    assert run("export", "coco", "--images").code == 2
