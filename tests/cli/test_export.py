"""`export`: under exports/, to a file, to stdout."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.cli.support import PROGRAM, ROOT, Run, labelled
from tests.projects import Project


def test_an_export_is_written_where_exports_are(run: Run, project: Project) -> None:
    labelled(project)
    done = run("export", "coco")
    assert done.code == 0
    key = done.out.strip()
    coco = json.loads(project.objects()[key][0])
    assert (len(coco["images"]), len(coco["annotations"])) == (2, 3)
    assert "2 images, 3 boxes." in done.err


def test_an_export_goes_to_a_file_or_to_stdout(tmp_path: Path, project: Project) -> None:
    labelled(project)
    path = tmp_path / "out" / "coco.json"
    path.parent.mkdir()
    path.write_text("before")
    environ = os.environ | {"LABELER_STORAGE": project.place}
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
    assert not [key for key in project.objects() if key.startswith("exports/")]


def test_an_export_that_fails_leaves_the_file_as_it_was(
    run: Run, project: Project, tmp_path: Path
) -> None:
    labelled(project)
    project.put("labels.json", b"{")
    path = tmp_path / "coco.json"
    path.write_text("before")
    done = run("export", "coco", "--output", path)
    assert done.code == 1
    assert "labels.json is damaged" in done.err
    assert path.read_text() == "before"
    assert not list(tmp_path.glob(".coco*"))


def test_a_file_that_can_not_be_written_is_told(run: Run, tmp_path: Path) -> None:
    done = run("export", "coco", "--output", tmp_path / "missing" / "coco.json")
    assert done.code == 1
    assert "No such file or directory" in done.err
