"""`copy`: a project to another place, whole, and never over what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.datasets.exports.exporter import open_exporter
from tests.cli.support import Done, Run, labeled
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import Workspace


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(buckets=["labels", "pictures"]) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        yield running


def contents(workspace: Workspace) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Bytes and metadata of every object."""
    store = workspace.store()
    found = {}
    for key, (data, _) in workspace.objects().items():
        found[key] = data, dict(store.info(key).metadata)
    store.close()
    return found


def test_there_and_back_again(
    run: Run, workspace: Workspace, server: GcsServer, tmp_path: Path
) -> None:
    """Folder to bucket to folder: the same bytes under the same seals, and the check is content."""
    labeled(workspace)
    project = workspace.open()
    project.labels.add(["car", "dog"])
    open_exporter(project).write()
    workspace.put("uploads/large.bmp", b"BM" + b"x" * 3 * 2**20)
    there = contents(workspace)
    dry = run("copy", "gs://labels/team", "--dry-run")
    assert dry == Done(
        0, f"{len(there)} objects would be copied, 0 were there, 0 differ\n", dry.err
    )
    assert not server.bucket("labels").live
    assert (
        run("copy", "gs://labels/team").out
        == f"{len(there)} objects copied, 0 were there, 0 differ\n"
    )
    bucket = Workspace("gs://labels/team")
    assert contents(bucket) == there
    assert (
        run("copy", "gs://labels/team").out
        == f"0 objects copied, {len(there)} were there, 0 differ\n"
    )
    back = str(tmp_path / "back")
    assert run("copy", back, STORAGE="gs://labels/team").code == 0
    assert contents(Workspace(back)) == there
    for place in ("gs://labels/team", back):
        checked = run("check", STORAGE=place)
        assert checked.code == 0, checked.err
        assert "metadata" not in checked.err
    bucket.close()


def test_originals_of_another_place_come_along(
    run: Run, workspace: Workspace, server: GcsServer, tmp_path: Path
) -> None:
    apart = Workspace("gs://labels", UPLOADS="gs://pictures")
    labeled(apart)
    to = tmp_path / "together"
    assert run("copy", to, STORAGE="gs://labels", UPLOADS="gs://pictures").code == 0
    assert (to / "uploads" / "a.png").read_bytes() == png()
    assert run("check", STORAGE=str(to), UPLOADS="", LABELS="car,dog").code == 0
    apart.close()


def test_what_is_there_stays(run: Run, workspace: Workspace, tmp_path: Path) -> None:
    labeled(workspace)
    to = tmp_path / "to"
    (to / "uploads").mkdir(parents=True)
    (to / "uploads" / "a.png").write_bytes(b"another")
    done = run("copy", to)
    assert (done.code, done.out) == (1, "5 objects copied, 0 were there, 1 differ\n")
    assert "uploads/a.png: something else is already there, and stays." in done.err
    assert (to / "uploads" / "a.png").read_bytes() == b"another"


@pytest.mark.parametrize("to", ["", "/uploads/x", "/.."])
def test_a_place_within_or_around_the_project_is_refused(
    run: Run, workspace: Workspace, to: str
) -> None:
    labeled(workspace)
    before = workspace.objects()
    done = run("copy", workspace.place + to)
    assert done.code == 1
    assert "name another place" in done.err
    assert workspace.objects() == before


def test_no_place_is_wrong_usage(run: Run, workspace: Workspace) -> None:
    labeled(workspace)
    assert run("copy", "s3://bucket").code == 2
    assert run("copy").code == 2
