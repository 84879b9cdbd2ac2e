"""The job that exports: killed at any moment and started again, the file has the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import yaml

from labeler.model.document import Rect
from labeler.project.project import Project
from labeler.storage import list_all
from tests.deploy.support import DEPLOY, ROOT
from tests.gcs_server import Bucket, Fault, GcsServer
from tests.pictures import png
from tests.projects import Workspace, with_boxes

IMAGES = 12
WORDS = yaml.safe_load((DEPLOY / "job.yaml").read_text())


@pytest.fixture
def google(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    """A bucket with a labeled project in it."""
    with GcsServer(buckets=["labels"]) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        workspace = Workspace("gs://labels")
        fill(workspace.open())
        workspace.close()
        yield server


def fill(project: Project) -> None:
    for number in range(IMAGES):
        added = project.add_image(f"{number:03}.png", png())
        opened = project.open_document(added.image_id)
        box = Rect(left=1.0, top=2.0, width=number % 9 + 3.0, height=5.0, label="object", id="a")
        project.save_document(added.image_id, with_boxes(opened, box), opened, by="ana@example.com")


@contextmanager
def job(google: GcsServer) -> Iterator[subprocess.Popen[bytes]]:
    """The words of deploy/job.yaml, as Cloud Run starts them."""
    assert WORDS["--command"] == ["python"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LABELER_")}
    process = subprocess.Popen(
        [sys.executable, *WORDS["--args"]], cwd=ROOT, stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={
            **kept, "STORAGE_EMULATOR_HOST": google.url, "LABELER_STORAGE": "gs://labels",
            "CLOUD_RUN_JOB": "labeler-export", "LABELER_SECRET_KEY": "0123456789abcdef",
        },
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.wait(120)


def exports(google: GcsServer) -> dict[str, bytes]:
    with google.lock:
        bucket: Bucket = google.bucket("labels")
        return {
            name: bytes(stored.data)
            for name, stored in bucket.live.items()
            if name.startswith("exports/") and name.endswith(".json")
        }


def reads(line: str) -> bool:
    return "/o/annotations/" in line and "alt=media" in line


def writes(line: str) -> bool:
    return "/upload/" in line


@pytest.mark.parametrize(
    ("moment", "fault", "method", "path"),
    [
        (reads, Fault("delay", seconds=2), "GET", "/o/annotations/"),
        (writes, Fault("late", seconds=2), "POST", "upload"),
        (writes, Fault("delay", seconds=2), "POST", "upload"),
    ],
    ids=["while it reads", "before its file has arrived", "before it has heard of that"],
)
def test_a_killed_run_leaves_no_part_and_another_makes_the_same_bytes(
    google: GcsServer, moment: Callable[[str], bool], fault: Fault, method: str, path: str
) -> None:
    with job(google) as whole:
        assert whole.wait(200) == 0
    [wanted] = exports(google).values()
    assert len(json.loads(wanted)["annotations"]) == IMAGES
    forget()
    assert not exports(google)
    with google.lock:
        google.requests.clear()
    google.faults.add(fault, method=method, path=path, times=-1)
    with job(google) as killed:
        end = time.monotonic() + 60
        while not any(moment(asked.line) for asked in list(google.requests)):
            assert killed.poll() is None
            assert time.monotonic() < end
            time.sleep(0.005)
        killed.kill()
        assert killed.wait(120) != 0
    google.faults.clear()
    with job(google) as again:
        assert again.wait(200) == 0
    found = exports(google)
    assert found
    assert set(found.values()) == {wanted}


def forget() -> None:
    """Take all exports away, and what was made beside them, so that the next reads everything."""
    store = Workspace("gs://labels").store()
    for info in list_all(store, "exports/"):
        store.delete(info.key, version=info.version)
    store.close()
