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

BACKENDS = ("folder",)


@pytest.fixture
def folder_location(tmp_path: Path) -> Location:
    return Location("", str(tmp_path / "data"))


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
