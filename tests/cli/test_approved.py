"""No command changes an approved image, and nothing else in the program writes without asking."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from labeler.cli import program
from labeler.model.document import Status
from labeler.model.edits import with_status
from labeler.model.reviews import Verdict, reviewed
from labeler.project.project import Project
from tests.api.test_reviews import zipped
from tests.cli.support import ROOT, Run
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace, with_boxes

ANA: Final = "ana@example.com"
LONG_AGO: Final = "2020-01-01T00:00"
COMMANDS: Final[dict[str, Callable[[str, Path], list[list[str]]]]] = {
    "add": lambda image, folder: [["add", f"{folder}/a.png"]],
    "list": lambda image, folder: [["list"]],
    "show": lambda image, folder: [["show", image]],
    "export": lambda image, folder: [["export", "coco"]],
    "verify": lambda image, folder: [["verify", "none"]],
    "import": lambda image, folder: [
        ["import", "labelme", f"{folder}/boxes.zip", "--existing", how]
        for how in ("keep", "replace", "merge")
    ],
    "labels": lambda image, folder: [
        ["labels", "rename", "car", "vehicle"],
        ["labels", "merge", "dog", "vehicle"],
        ["labels", "archive", "vehicle"],
    ],
    "stats": lambda image, folder: [["stats"]],
    "check": lambda image, folder: [["check", "--repair"]],
    "index": lambda image, folder: [
        ["index", "sync"],
        ["index", "rebuild"],
        ["index", "sync", "--engine", "tasks"],
    ],
    "restore": lambda image, folder: [
        ["restore", "--at", LONG_AGO],
        ["restore", "--at", LONG_AGO, image],
    ],
    "undo": lambda image, folder: [["undo", ANA, "--since", LONG_AGO]],
    "copy": lambda image, folder: [["copy", f"{folder}/copy"]],
    "doctor": lambda image, folder: [["doctor"]],
}
"""The arguments with which each command would do most to an image."""
WRITERS: Final = {
    "api/assignments.py": "asks first",
    "api/document_answers.py": "a review; its rules refuse all but reopening",
    "api/history.py": "asks first",
    "maintenance/undo.py": "asks first",
    "project/project.py": "write_document asks first",
}
"""Which modules may store a document without `write_document`, which asks, and why."""


def approve(project: Project) -> str:
    """The ID of an image with an earlier state that somebody labeled, and rob approved."""
    image_id = project.add_image("a.png", png()).image_id
    for rects in ((BOX,), (BOX, OTHER)):
        opened = project.open_document(image_id)
        wanted = with_status(with_boxes(opened, *rects), Status.DONE)
        project.save_document(image_id, wanted, opened, by=ANA)
    opened = project.open_document(image_id)
    approved = reviewed(opened.document, Verdict.APPROVE, "rob@example.com", project.clock())
    project.put_document(image_id, approved, opened.version)
    return image_id


def test_each_command_is_told() -> None:
    actions = program._parser()._actions
    [commands] = [one for one in actions if isinstance(one, argparse._SubParsersAction)]
    assert set(commands.choices) == COMMANDS.keys()


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_changes_an_approved_image(
    run: Run, workspace: Workspace, tmp_path: Path, command: str
) -> None:
    project = workspace.open()
    project.labels.add(["car", "dog"])
    image_id = approve(project)
    (tmp_path / "a.png").write_bytes(png())
    document = project.stored_document(image_id).document.model_dump(exclude_unset=True)
    (tmp_path / "boxes.zip").write_bytes(zipped(document))
    keys = [f"annotations/{image_id}.json", "uploads/a.png"]
    before = [workspace.objects()[key] for key in keys]
    for arguments in COMMANDS[command](image_id, tmp_path):
        assert run(*arguments).code != 2, arguments
        assert [workspace.objects()[key] for key in keys] == before, arguments


def test_only_these_store_a_document_without_asking_whether_it_is_approved() -> None:
    found = set()
    for path in sorted((ROOT / "labeler").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "put_document":
                found.add(path.relative_to(ROOT / "labeler").as_posix())
    assert found == WRITERS.keys()
