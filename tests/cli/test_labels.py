"""`labels`: listed and edited by name."""

from __future__ import annotations

import json

import pytest

from labeler.datasets.exports.exporter import open_exporter
from tests.cli.support import Done, Run, labeled
from tests.projects import Workspace

pytestmark = pytest.mark.usefixtures("workspace")


def listed(run: Run) -> list[list[str]]:
    done = run("labels", "list")
    assert done.code == 0
    return [line.split("\t") for line in done.out.splitlines()]


def test_labels_are_listed_and_edited(run: Run, workspace: Workspace) -> None:
    assert run("labels", "list", LABELS="car,dog").out == (
        "1\t#e6194b\tactive\tcar\t\n2\t#3cb44b\tactive\tdog\t\n"
    )
    assert run("labels", "add", "bird", "Car", "fish") == Done(0, "", "")
    for arguments in (
        ("rename", "CAR", "van"),
        ("color", "car", "#010203"),
        ("merge", "dog", "bird"),
        ("archive", "fish"),
    ):
        assert run("labels", *arguments) == Done(0, "", "")
    assert listed(run) == [
        ["1", "#010203", "active", "van", "car"],
        ["2", "#3cb44b", "into bird", "dog", ""],
        ["3", "#4363d8", "active", "bird", ""],
        ["4", "#f58231", "archived", "fish", ""],
    ]
    assert run("labels", "unmerge", "dog").code == run("labels", "unarchive", "fish").code == 0
    assert [row[2] for row in listed(run)] == ["active"] * 4
    text = run("labels", "list", "--json").out
    assert json.loads(text)["labels"][0]["former"] == ["car"]
    assert text.encode() == workspace.objects()["labels.json"][0]


def test_an_edit_moves_boxes_and_touches_no_document(run: Run, workspace: Workspace) -> None:
    labeled(workspace)  # two cars and a dog
    before = workspace.objects()
    run("labels", "merge", "dog", "car", LABELS="car,dog")
    run("labels", "rename", "car", "van")
    assert run("stats").out.splitlines()[-3:] == ["3\tboxes", "3\t  van", "0\t  dog"]
    after = workspace.objects()
    del after["labels.json"]
    assert after == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rename", "cow", "x"), "There is no label 'cow'"),
        (("rename", "car", "DOG"), "merge 'car' into 'dog'"),
        (("merge", "car", "car"), "can't be merged into itself"),
        (("color", "car", "red"), "'red' is not a color"),
        (("add", "bird", " "), "can't be empty"),
    ],
)
def test_what_is_refused(
    run: Run, workspace: Workspace, arguments: tuple[str, ...], words: str
) -> None:
    done = run("labels", *arguments, LABELS="car,dog")
    assert (done.code, done.out) == (1, "")
    assert words in done.err
    assert workspace.objects() == {}


def test_archiving_the_last_active_label(run: Run) -> None:
    assert run("labels", "archive", "car", LABELS="car,dog").err == ""
    done = run("labels", "archive", "dog")
    assert done.code == 0
    assert "nobody can draw a box until one is unarchived or added" in done.err


def test_a_rebuilt_set_says_so(run: Run, workspace: Workspace) -> None:
    export = open_exporter(workspace.open()).write()[0]
    workspace.remove("labels.json")
    done = run("labels", "list")
    assert done.out == "1\t#e6194b\tactive\tobject\t\n"
    assert f"labels.json was missing; these labels were taken from {export.key}." in done.err


def test_wrong_usage(run: Run) -> None:
    for arguments in ((), ("nothing",), ("rename", "a"), ("add",), ("list", "x")):
        assert run("labels", *arguments).code == 2
