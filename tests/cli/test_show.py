"""`list`, `show` and `stats`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labeler.image_names import name_size_id
from labeler.model.document import Status
from labeler.model.layout import document_key
from tests.cli.support import Done, Run, labeled
from tests.pictures import png
from tests.projects import Workspace, old_document


@pytest.mark.parametrize(
    "command",
    [
        "list", "stats", "check", "export coco", "show x", "labels list", "labels add car",
        "import coco x.json",
    ],
)  # fmt: skip
def test_a_mistyped_folder_is_reported_and_not_made(run: Run, tmp_path: Path, command: str) -> None:
    done = run(*command.split())
    assert (done.code, done.out) == (1, "")
    assert f"There is no folder {tmp_path / 'data'}" in done.err
    assert not (tmp_path / "data").exists()


def test_the_list_of_nothing_is_empty(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    assert run("list") == Done(0, "", "")
    assert run("list", "--json") == Done(0, "[]\n", "")


def test_the_list_shows_each_image(run: Run, workspace: Workspace) -> None:
    first, second = labeled(workspace)
    workspace.put("annotations/broken.json", b"{")
    done = run("list")
    assert done.code == 0
    assert [line.split("\t") for line in done.out.splitlines()] == [
        [first, "in_progress", "2", "a.png"],
        [second, "in_progress", "1", "b.png"],
        ["broken", "damaged    ", "0", "broken"],
    ]


def test_the_list_can_be_read_by_programs(run: Run, workspace: Workspace) -> None:
    first, _ = labeled(workspace)
    listed = json.loads(run("list", "--json").out)
    assert [one["image_path"] for one in listed] == ["a.png", "b.png"]
    saved_at = listed[0].pop("saved_at")
    assert saved_at.endswith("+00:00")
    assert listed[0] == {
        "image_id": first,
        "image_path": "a.png",
        "status": "in_progress",
        "rects": 2,
        "saved_by": "ana@example.com",
        "original": "uploads/a.png",
        "problem": "",
    }


@pytest.mark.parametrize("status", Status)
def test_the_list_can_be_of_one_status(run: Run, workspace: Workspace, status: Status) -> None:
    for one in Status:
        workspace.put(document_key(one.value), old_document(one.value, metadata={"status": one}))
    done = run("list", "--status", status)
    assert [line.split("\t")[3] for line in done.out.splitlines()] == [status]


def test_names_can_not_steer_the_terminal(run: Run, workspace: Workspace) -> None:
    workspace.put(document_key("x"), old_document("a\x1b[2J\n\u202eb\u2028c.png"))
    done = run("list")
    assert done.out == "x\tin_progress\t2\ta\\x1b[2J\\n\\u202eb\\u2028c.png\n"


def test_a_document_is_shown_as_it_is(run: Run, workspace: Workspace) -> None:
    workspace.put(document_key("x"), old_document("é.png"))
    done = run("show", "x")
    assert done.code == 0
    assert "é.png" in done.out
    shown = json.loads(done.out)
    ids = [rect.pop("id") for rect in shown["rects"]]
    assert len(set(ids)) == 2
    assert shown == json.loads(old_document("é.png"))


def test_an_image_that_nobody_opened_yet_has_an_empty_document(
    run: Run, workspace: Workspace
) -> None:
    workspace.put("uploads/a.png", png())
    before = workspace.objects()
    shown = json.loads(run("show", name_size_id("a.png", len(png()))).out)
    assert (shown["rects"], shown["image_width"]) == ([], 64)
    assert workspace.objects() == before


@pytest.mark.parametrize("image_id", ["nothing", "../labels", "A", ""])
def test_what_is_not_there_is_reported(run: Run, image_id: str) -> None:
    done = run("show", image_id)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("labeler: There is no ")


def test_a_damaged_document_is_reported(run: Run, workspace: Workspace) -> None:
    workspace.put(document_key("x"), b"{")
    done = run("show", "x")
    assert (done.code, done.out) == (1, "")
    assert "annotations/x.json is damaged" in done.err


def test_images_and_boxes_are_counted(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    workspace.put("uploads/c.png", png(32, 32))
    workspace.put("annotations/broken.json", b"{")
    workspace.put(document_key("x"), old_document("x.png", metadata={"status": "done"}))
    done = run("stats", LABELS="car,cat")
    assert done == Done(
        0,
        "5\timages\n1\t  damaged\n1\t  unlabeled\n2\t  in_progress\n1\t  done\n"
        "5\tboxes\n4\t  car\n0\t  cat\n1\t  dog\n",
        "",
    )
