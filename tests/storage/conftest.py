"""The stores that the contract suite and the races run on.

A backend is a name in BACKENDS and a fixture `<name>_location` that gives an empty place of its
own to each test. Whatever a child process needs to open it too is in the place or in os.environ.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.settings import Location
from labeler.storage import Store, open_store
from tests.gcs_server import GcsServer

BACKENDS = ("folder", "bucket")


@pytest.fixture
def folder_location(tmp_path: Path) -> Location:
    return Location("", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[GcsServer]:
    with GcsServer() as server:
        yield server


@pytest.fixture
def bucket_location(gcs_server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Location]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.url)
    gcs_server.create_bucket("labels")
    yield Location("labels", "")
    gcs_server.drop_bucket("labels")


@pytest.fixture(params=BACKENDS)
def location(request: pytest.FixtureRequest) -> Location:
    """An empty place of each backend in turn."""
    found: Location = request.getfixturevalue(f"{request.param}_location")
    return found


@pytest.fixture
def store(location: Location) -> Iterator[Store]:
    """An empty store of each backend in turn."""
    opened = open_store(location)
    yield opened
    opened.close()
