"""Places for the tests of the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.storage.doctor import folder
from tests.gcs_server import Bucket, GcsServer
from tests.storage.doctor.support import GOOD


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The table of mounts of a machine where every folder is on a disk."""
    table = tmp_path / "mounts of a machine with a disk"
    table.write_text("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
    monkeypatch.setattr(folder, "_MOUNTS", table)


@pytest.fixture(scope="module")
def running() -> Iterator[GcsServer]:
    with GcsServer() as server:
        yield server


@pytest.fixture
def server(running: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
    yield running
    running.faults.clear()


@pytest.fixture
def bucket(server: GcsServer) -> Iterator[Bucket]:
    """A bucket at which nothing is wrong, with an image in it."""
    made = server.create_bucket("labels")
    made.settings |= GOOD
    yield made
    server.drop_bucket("labels")
