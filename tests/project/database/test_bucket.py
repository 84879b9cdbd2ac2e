"""The index in a database beside a bucket: several instances, and one that ends in a save."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from labeler.maintenance.index import index_problems, sync_index
from labeler.model.document import Status
from labeler.model.edits import with_status
from labeler.project.image_search import ImageFilters
from labeler.project.project import Project
from tests.gcs_server import GcsServer, Request
from tests.pictures import png
from tests.project.database.conftest import index_of, synced
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes

ROOT: Final = Path(__file__).parents[3]
DIES: Final = """
import os, sys
from sqlalchemy import Engine, event
from tests.projects import BOX, Workspace, with_boxes

place, url, image_id = sys.argv[1:]
project = Workspace(place, INDEX=url).open()
opened = project.open_document(image_id)

@event.listens_for(Engine, "before_cursor_execute")
def die(connection, cursor, statement, *_):
    if statement.startswith("INSERT"):
        os._exit(9)

project.save_document(image_id, with_boxes(opened, BOX), opened, "lea@example.com")
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(buckets=["labels"]) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        yield running


@pytest.fixture
def bucket(server: GcsServer, url: str) -> Iterator[Workspace]:
    with closing(Workspace("gs://labels/one", INDEX=url)) as made:
        yield made


def listed(project: Project, **filters: object) -> list[str]:
    found = project.search(ImageFilters(**filters))  # type: ignore[arg-type]
    return [entry.image_path for entry in found]


def is_listing(asked: Request) -> bool:
    """Whether the request lists documents or originals."""
    return asked.query.get("prefix", "").endswith(("annotations/", "uploads/"))


def test_a_save_by_one_instance_is_in_the_list_of_another_that_lists_no_bucket(
    server: GcsServer, bucket: Workspace
) -> None:
    one, other = synced(bucket.open()), bucket.open()
    ids = [one.add_image(name, png(9 + at, 9)).image_id for at, name in enumerate(("a.png", "b"))]
    opened = one.open_document(ids[0])
    one.save_document(
        ids[0], with_status(with_boxes(opened, BOX), Status.DONE), opened, "lea@example.com"
    )
    server.requests.clear()
    assert listed(other, label="car") == listed(other, status=Status.DONE) == ["a.png"]
    assert other.image_index.view().tally("lea@example.com").mine == 1
    opened = other.open_document(ids[0])
    other.save_document(ids[0], with_boxes(opened, OTHER), opened, "rob@example.com")
    assert listed(one, label="dog") == ["a.png"]
    assert listed(one, label="car") == []
    assert not [asked for asked in server.requests if is_listing(asked)]


def test_an_instance_that_ends_between_document_and_row_is_found_and_repaired(
    bucket: Workspace,
) -> None:
    project = synced(bucket.open())
    image_id = project.add_image("a.png", png(40, 40)).image_id
    done = subprocess.run(
        [sys.executable, "-c", DIES, bucket.place, bucket.environ["INDEX"], image_id],
        cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 9
    assert project.stored_document(image_id).document.rects
    assert listed(project, label="car") == []  # the row is not written yet
    [problem] = index_problems(bucket.settings)
    assert "1 rows are missing, old or wrong" in problem.what
    assert sync_index(bucket.settings).changed == 1
    assert listed(project, label="car") == ["a.png"]
    assert list(index_problems(bucket.settings)) == []


def test_what_pipelines_put_into_the_bucket_comes_with_a_sync_and_is_read_once(
    server: GcsServer, bucket: Workspace
) -> None:
    project = synced(bucket.open())
    for number in range(30):
        bucket.put(f"annotations/{number:032x}.json", old_document(f"old/{number:02}.png"))
        bucket.put(f"uploads/cam/{number:02}.png", png(3, 3 + number))
    assert listed(project) == []
    assert sync_index(bucket.settings).changed == 60
    assert len(listed(project)) == 60
    server.requests.clear()
    again = sync_index(bucket.settings)
    assert (again.changed, again.removed, again.unchanged) == (0, 0, 30)
    assert all(is_listing(asked) for asked in server.requests)
    index_of(project).database.drop()
    assert len(listed(project)) == 60
    [problem] = index_problems(bucket.settings)
    assert "index sync" in problem.what
