"""`import` on the command line: what it says, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import Run
from tests.datasets.formats.support import written
from tests.datasets.imports.support import boxes, coco, documents
from tests.pictures import png
from tests.projects import Workspace


@pytest.fixture
def data_set(tmp_path: Path) -> Path:
    content = coco({"a.png": [[1, 2, 3, 4]], "gone.png": []})
    return written(tmp_path / "set", {"set.json": content, "a.png": png()})


def test_a_dataset_is_imported_and_summed_up(
    run: Run, workspace: Workspace, data_set: Path
) -> None:
    dry = run("import", "coco", data_set, "--dry-run")
    assert dry.code == 1
    assert dry.out.startswith("A dry run: nothing was changed.")
    assert not workspace.objects()
    done = run("import", "coco", data_set)
    assert done.code == 1
    assert done.out == dry.out.partition("\n")[2]
    assert done.out.splitlines() == [
        "images added\t1", "labels added\t2\tcar, unused", "images imported\t1",
        "boxes imported\t1", "images unchanged\t0", "images kept as they are\t0",
        "images left out\t1", "left out in all\t1",
    ]  # fmt: skip
    assert done.err == (
        "labeler: set.json: image 2: there is no image gone.png in the project\n"
        "labeler: 1 left out, as listed above. With --allow-missing this counts as done.\n"
    )
    allowed = run("import", "coco", data_set, "--allow-missing")
    assert (allowed.code, allowed.err.count("\n")) == (0, 1)
    assert boxes(documents(workspace.open())["a.png"]) == [("car", 1, 2, 3, 4)]


def test_options(run: Run, workspace: Workspace, data_set: Path, tmp_path: Path) -> None:
    pictures = written(tmp_path / "pictures", {"gone.png": png()})
    done = run("import", "coco", data_set / "set.json", "--images", pictures, "--label", "car=bus")
    assert done.code == 1
    assert "images imported\t1" in done.out
    run("import", "coco", data_set, "--label", "car=bus")
    done = run("import", "coco", data_set, "--existing", "merge")
    assert "boxes imported\t1" in done.out
    stored = documents(workspace.open())["a.png"]
    assert boxes(stored) == [("bus", 1, 2, 3, 4), ("car", 1, 2, 3, 4)]


def test_what_is_wrong_is_said_and_ends_with_1(
    run: Run, workspace: Workspace, tmp_path: Path
) -> None:
    bad = coco({"a.png": [[1, 2, 3, 4], [1, 2]]})
    path = written(tmp_path / "bad", {"set.json": bad, "a.png": png()})
    done = run("import", "coco", path)
    assert done.code == 1
    assert "images imported\t1" in done.out
    assert "annotation 11: its bbox is [1, 2], not four numbers" in done.err
    for content, words in (("{", "ends too early"), ('{"images": NaN}', "NaN is not valid JSON")):
        written(tmp_path, {"x.json": content})
        done = run("import", "coco", tmp_path / "x.json")
        assert (done.code, done.out) == (1, "")
        assert words in done.err
    assert run("import", "coco", tmp_path / "nothing").code == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("import",),
        ("import", "coco"),
        ("import", "mp3", "x"),
        ("import", "coco", "x", "--existing", "lose"),
        ("import", "coco", "x", "--label", "x"),
    ],
)
def test_wrong_usage_ends_with_2(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).code == 2
