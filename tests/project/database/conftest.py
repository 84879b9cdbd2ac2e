"""A project with an index in a database: in a file of SQLite, and in a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from labeler.project.database.index import DatabaseIndex
from labeler.project.project import Project
from tests.databases import Postgres, postgres_server
from tests.projects import Workspace


@pytest.fixture(scope="session")
def running_postgres() -> Iterator[Postgres | None]:
    with postgres_server() as server:
        yield server


@pytest.fixture
def postgres(running_postgres: Postgres | None) -> Postgres:
    if running_postgres is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    return running_postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, as LABELER_INDEX names it."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/index.sqlite"
    server: Postgres = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def plain(tmp_path: Path) -> Iterator[Workspace]:
    """The project without an index in a database."""
    made = Workspace(str(tmp_path / "data"))
    yield made
    made.close()


@pytest.fixture
def indexed(plain: Workspace, url: str) -> Iterator[Workspace]:
    """The same project with one, which is not made yet."""
    made = Workspace(plain.place, INDEX=url)
    yield made
    made.close()


def index_of(project: Project) -> DatabaseIndex:
    assert isinstance(project.image_index, DatabaseIndex)
    return project.image_index


def synced(project: Project) -> Project:
    """The project, its index made and equal to the store."""
    index = index_of(project)
    index.database.make()
    index.sync(workers=2)
    assert index.report().is_ready
    return project
