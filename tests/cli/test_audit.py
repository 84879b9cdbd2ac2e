"""Each command that writes, or that gives a dataset away, says so in the log."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from labeler.cli.program import _parser
from labeler.runtime.events import EVENT, Audit
from tests.cli.support import Run, labeled
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import Workspace

READING = {"list", "show", "verify", "stats", "doctor", "index"}
"""`index` writes the index alone, which holds nothing of its own, and what a run has in parts/."""
WRITING = {"add", "export", "import", "labels", "check", "restore", "undo", "copy"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(buckets=["labels"]) as running:
        running.bucket("labels").settings["versioning"] = {"enabled": True}
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        yield running


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    """Action and target of each line since the last call; all are the command's."""
    events = [getattr(record, EVENT, None) for record in caplog.records]
    caplog.clear()
    lines = [event for event in events if isinstance(event, Audit)]
    assert {line.person for line in lines} <= {"command"}
    return [(line.action, line.target) for line in lines]


def test_each_command_is_known() -> None:
    [commands] = [one for one in _parser()._actions if isinstance(one, argparse._SubParsersAction)]
    assert set(commands.choices) == READING | WRITING


def test_a_command_that_writes_has_its_line(
    run: Run, workspace: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one, two = labeled(workspace)
    photo = tmp_path / "new.png"
    photo.write_bytes(png(8, 8))
    caplog.clear()

    assert run("add", photo).code == 0
    assert told(caplog).count(("upload", "uploads/new.png")) == 1
    exported = tmp_path / "out.json"
    assert run("export", "coco", "--output", exported).code == 0
    # The first export makes the label set, and adds the labels that boxes have.
    *labels, exported_line = told(caplog)
    assert exported_line == ("export", "coco")
    assert set(labels) == {("labels", "labels.json")}
    assert run("import", "coco", exported, "--dry-run").code == 0
    assert told(caplog) == []
    run("import", "coco", exported)
    assert [line for line in told(caplog) if line[0] == "import"] == [("import", "coco")]
    assert run("labels", "add", "zebra").code == 0
    assert told(caplog) == [("labels", "labels.json")]
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert run("undo", "ana@example.com", "--since", since, "--dry-run").code == 0
    assert told(caplog) == []
    assert run("undo", "ana@example.com", "--since", since).code == 0
    keys = sorted(f"annotations/{image_id}.json" for image_id in (one, two))
    assert sorted(told(caplog)) == [("save", key) for key in keys]
    assert run("copy", tmp_path / "copy", "--dry-run").code == 0
    assert told(caplog) == []
    assert run("copy", tmp_path / "copy").code == 0
    assert told(caplog) == [("copy", str(tmp_path / "copy"))]


def test_a_repair_has_its_line(
    run: Run, workspace: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    one, _ = labeled(workspace)
    key = f"annotations/{one}.json"
    document = workspace.objects()[key][0]
    workspace.remove(key)
    workspace.put(key, document)  # without its metadata
    caplog.clear()
    run("check")
    assert told(caplog) == []
    run("check", "--repair")
    assert told(caplog).count(("repair", key)) == 1


def test_a_restore_has_its_line(
    run: Run,
    server: GcsServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("LABELER_STORAGE", "gs://labels")
    place = Workspace("gs://labels")
    one, _ = labeled(place)
    key = f"annotations/{one}.json"
    bucket = server.bucket("labels")
    for state in bucket.versions(key):
        state.created -= timedelta(hours=2)
    place.remove(key)
    then = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    caplog.clear()
    assert run("restore", "--at", then, one, "--dry-run").code == 0
    assert told(caplog) == []
    assert run("restore", "--at", then, one).code == 0
    assert told(caplog) == [("restore", key)]
    place.close()
