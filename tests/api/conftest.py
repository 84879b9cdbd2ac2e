from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from labeler.storage import Store
from tests.api.support import Api, Served


class Open(Protocol):
    """Starts the API with settings, on the test's folder, another one, or a store."""

    def __call__(
        self, folder: Path | None = None, store: Store | None = None, **settings: str
    ) -> Api: ...


@pytest.fixture(scope="session")
def servers() -> Iterator[list[Served]]:
    """Those that no test uses just now: starting one takes longer than most tests."""
    free: list[Served] = []
    yield free
    for served in free:
        served.stop()


@pytest.fixture
def open_api(tmp_path: Path, servers: list[Served]) -> Iterator[Open]:
    opened: list[Api] = []

    def start(folder: Path | None = None, store: Store | None = None, **settings: str) -> Api:
        opened.append(Api(folder or tmp_path / "data", servers, store, **settings))
        return opened[-1]

    yield start
    for api in opened:
        api.close()


@pytest.fixture
def api(open_api: Open) -> Api:
    return open_api()
