"""A store over a folder of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.storage import Store
from labeler.storage.local import LocalStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(root: Path) -> Store:
    return LocalStore(root)
