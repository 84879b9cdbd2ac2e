"""The place that a test of the page works on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ui.visit import NewPlace, Place


@pytest.fixture
def new_place(tmp_path: Path) -> Iterator[NewPlace]:
    """Makes the project: `new_place(LABELS="a,b")`."""
    places: list[Place] = []

    def make(**environ: str) -> Place:
        places.append(Place(tmp_path / "data", **environ))
        return places[-1]

    yield make
    for place in places:
        place.close()
