"""A project of each kind for the tests of the dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.gcs_server import GcsServer
from tests.projects import Workspace


@pytest.fixture(scope="module")
def server() -> Iterator[GcsServer]:
    with GcsServer() as running:
        yield running


@pytest.fixture(params=["folder", "bucket"])
def workspace(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    server: GcsServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Workspace]:
    """An empty project of each kind in turn."""
    on_folder = request.param == "folder"
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    server.create_bucket("labels")
    made = Workspace(str(tmp_path / "data") if on_folder else "gs://labels/first")
    yield made
    made.close()
    server.drop_bucket("labels")
