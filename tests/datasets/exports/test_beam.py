"""Work on Apache Beam, in the environment that `make beam-test` makes. Elsewhere: the messages.

It runs as a command in that environment, since Beam pins other packages than the tests.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.projects import Workspace, old_document

BEAM = os.environ.get("BEAM_PYTHON", "")
ROOT = Path(__file__).parents[3]
IMAGES = 50
SHARDED = """
import sys
from labeler.datasets.exports.distributed import plan
plan.SHARD_IMAGES = 7
from labeler.cli.program import main
"""
FAILING = """
import json
from pathlib import Path
from labeler.datasets.exports.distributed.engines import ExportStep
from labeler.maintenance.index_step import SyncStep
exporting, syncing = ExportStep.__call__, SyncStep.__call__

def fails_once(step, index):
    \"\"\"Fail the first time, before or after the work, as a worker does that dies.\"\"\"
    tried = Path(TRIED) / f"{step.work}-{index}"
    first = index in (1, 2) and not tried.exists()
    real = exporting if isinstance(step, ExportStep) else syncing
    if first and index % 2:
        real(step, index)
    if first:
        tried.touch()
        raise OSError("the worker dies")
    return real(step, index)

ExportStep.__call__ = SyncStep.__call__ = fails_once
"""


@pytest.fixture
def project(tmp_path: Path) -> Workspace:
    made = Workspace(str(tmp_path / "data"))
    for number in range(IMAGES):
        made.put(f"annotations/{number:03d}.json", old_document(f"{number:03d}.jpg"))
    return made


def run(
    workspace: Workspace, python: str, script: str, *given: str
) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "LABELER_STORAGE": workspace.place, "PYTHONPATH": str(ROOT)}
    command = f"{script}\nsys.exit(main({list(given)!r}))"
    return subprocess.run(
        [python, "-c", command], env=environ, cwd=ROOT, capture_output=True, text=True, check=False
    )


def exports(workspace: Workspace) -> set[bytes]:
    return {
        data for key, (data, _) in workspace.objects().items()
        if key.startswith("exports/") and key.endswith(".json")
    }  # fmt: skip


needs_beam = pytest.mark.skipif(not BEAM, reason="`make beam-test` installs Apache Beam")


@needs_beam
@pytest.mark.parametrize(
    "options", [(), ("--runner=BundleBasedDirectRunner",), ("--direct_num_workers=2",)]
)
def test_beam_writes_the_same_bytes(project: Workspace, options: tuple[str, ...]) -> None:
    assert run(project, sys.executable, SHARDED, "export", "coco").returncode == 0
    done = run(project, BEAM, SHARDED, "export", "coco", "--engine", "beam", "--", *options)
    assert done.returncode == 0, done.stderr
    assert f"{IMAGES} images" in done.stderr
    assert len(list((Path(project.place) / "exports").glob("*.json"))) == 2
    assert len(exports(project)) == 1
    assert not list((Path(project.place) / "parts").rglob("*.json"))


@needs_beam
def test_a_worker_that_dies_and_is_tried_again_changes_nothing(
    project: Workspace, tmp_path: Path
) -> None:
    assert run(project, sys.executable, SHARDED, "export", "coco").returncode == 0
    tried = tmp_path / "tried"
    tried.mkdir()
    script = f"TRIED = {str(tried)!r}\n{FAILING}\n{SHARDED}"
    options = ("--engine", "beam", "--", "--runner=BundleBasedDirectRunner")
    done = run(project, BEAM, script, "export", "coco", *options)
    assert done.returncode == 0, done.stderr
    died = {path.name for path in tried.iterdir()}
    assert died == {"part-1", "part-2", "finish-1", "finish-2"}
    assert len(list((Path(project.place) / "exports").glob("*.json"))) == 2
    assert len(exports(project)) == 1


@needs_beam
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--runner=NoSuchRunner",), "Unexpected pipeline runner: NoSuchRunner"),
        (("--runner=DataflowRunner", "--region=europe-west1"), "project"),
    ],
)
def test_options_that_beam_refuses_are_told_in_one_line(
    project: Workspace, options: tuple[str, ...], words: str
) -> None:
    done = run(project, BEAM, SHARDED, "export", "coco", "--engine", "beam", "--", *options)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert words in done.stderr.splitlines()[-1]
    assert not list((Path(project.place) / "parts").rglob("*.json"))


@needs_beam
def test_beam_counts_the_same(project: Workspace) -> None:
    project.put("annotations/broken.json", b"{")
    alone = run(project, sys.executable, SHARDED, "stats")
    done = run(project, BEAM, SHARDED, "stats", "--engine", "beam")
    assert done.returncode == 0, done.stderr
    assert done.stdout == alone.stdout
    assert f"{IMAGES + 1}\timages" in done.stdout


@needs_beam
@pytest.mark.parametrize("options", [(), ("--direct_num_workers=2",)])
def test_beam_writes_the_same_rows(
    project: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    fill_shards(project)
    assert synced(monkeypatch, project, tmp_path / "alone.sqlite", sys.executable).returncode == 0
    more = ("--engine", "beam", "--", *options)
    for changed in (IMAGES + 16, 0):
        done = synced(monkeypatch, project, tmp_path / "index.sqlite", BEAM, *more)
        assert done.returncode == 0, done.stderr
        assert f"{changed} rows written, 0 removed" in done.stdout
    assert rows(tmp_path / "index.sqlite") == rows(tmp_path / "alone.sqlite")
    assert not list((Path(project.place) / "parts").rglob("*.json"))


@needs_beam
def test_a_sync_whose_workers_die_and_are_tried_again_writes_the_same_rows(
    project: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_shards(project)
    assert synced(monkeypatch, project, tmp_path / "alone.sqlite", sys.executable).returncode == 0
    tried = tmp_path / "tried"
    tried.mkdir()
    more = ("--engine", "beam", "--", "--runner=BundleBasedDirectRunner")
    script = f"TRIED = {str(tried)!r}\n{FAILING}\n{SHARDED}"
    done = synced(monkeypatch, project, tmp_path / "index.sqlite", BEAM, *more, script=script)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tried.iterdir()} == {"sync-1", "sync-2"}
    assert rows(tmp_path / "index.sqlite") == rows(tmp_path / "alone.sqlite")


def fill_shards(project: Workspace) -> None:
    for digit in "0123456789abcdef":
        project.put(f"annotations/{digit}.json", old_document(f"{digit}.jpg"))


def synced(
    monkeypatch: pytest.MonkeyPatch, project: Workspace, file: Path, python: str, *more: str,
    script: str = SHARDED,
) -> subprocess.CompletedProcess[str]:  # fmt: skip
    monkeypatch.setenv("LABELER_INDEX", f"sqlite:///{file}")
    return run(project, python, script, "index", "sync", *more)


def rows(file: Path) -> list[list[tuple[object, ...]]]:
    tables = ("images", "labels", "texts", "originals")
    with closing(sqlite3.connect(file)) as database:
        return [sorted(database.execute(f"SELECT * FROM labeler_{one}")) for one in tables]


@pytest.mark.skipif(bool(BEAM), reason="Beam is installed")
def test_without_beam_the_command_says_what_to_install(project: Workspace) -> None:
    done = run(project, sys.executable, SHARDED, "export", "coco", "--engine", "beam")
    assert done.returncode == 1
    assert "requirements-beam.txt" in done.stderr
    assert "Traceback" not in done.stderr
    assert not exports(project)
    assert not list((Path(project.place) / "parts").rglob("*.json"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (("--", "--runner=X"), "give --engine beam"),
        (("--engine", "beam", "--output", "-"), "leave out --output"),
        (("--engine", "tasks"), "CLOUD_RUN_TASK_INDEX"),
        (("--engine", "spark"), "invalid choice"),
    ],
)
def test_a_wrong_use_is_told(project: Workspace, given: tuple[str, ...], words: str) -> None:
    done = run(project, sys.executable, SHARDED, "export", "coco", *given)
    assert done.returncode == (1 if "tasks" in given else 2)
    assert words in done.stderr
    assert not exports(project)
