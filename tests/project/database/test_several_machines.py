"""A sync by several machines writes the rows of a sync by one, whoever dies on the way."""

from __future__ import annotations

import pickle
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from labeler.cli import main
from labeler.datasets.exports.distributed import engines
from labeler.datasets.exports.distributed.engines import Step, TaskEngine, WorkPlace
from labeler.errors import IndexUnfit, Unavailable
from labeler.maintenance.index import sync_index, sync_index_by
from labeler.maintenance.index_step import SyncStep
from labeler.model.layout import PARTS
from labeler.project.database import shard_sync
from labeler.project.database.connection import Database, Fitness
from labeler.project.database.shard_sync import SyncResult
from labeler.project.database.tables import about, images, labels, originals, texts
from tests.dying import Die, Dying
from tests.pictures import png
from tests.project.database.conftest import index_of
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes

IMAGES = 24


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_sync, "PAGE", 3)


@pytest.fixture
def filled(plain: Workspace) -> Workspace:
    """Images of every shard: with and without originals, metadata, documents; one is damaged."""
    project = plain.open()
    for number in range(IMAGES):
        image_id = f"{number * 7 % 16:x}{number:03}"
        plain.put(f"annotations/{image_id}.json", old_document(f"{number}.png"))
    for number in range(6):
        image_id = project.add_image(f"own/{number}.png", png(5, number + 1)).image_id
        opened = project.open_document(image_id)
        project.save_document(image_id, with_boxes(opened, BOX, OTHER), opened, "lea@example.com")
    for number in range(2):
        plain.put(f"uploads/drop/{number}.png", png(7, number + 1))
    plain.put("annotations/broken.json", b"{")
    plain.put("annotations/zoo.json", old_document("zoo.png"))
    return plain


@pytest.fixture
def several(filled: Workspace, indexed: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The project with an empty database, which the workers find in their environment."""
    monkeypatch.setenv("LABELER_INDEX", indexed.environ["INDEX"])
    return indexed


@pytest.fixture
def alone(filled: Workspace, tmp_path: Path) -> Iterator[Workspace]:
    """The project with a database that one machine keeps."""
    with closing(Workspace(filled.place, INDEX=f"sqlite:///{tmp_path}/alone.sqlite")) as made:
        yield made


def rows(workspace: Workspace) -> list[list[tuple[object, ...]]]:
    """All rows of the index, but when it was compared and what only one project has."""
    with index_of(workspace.open()).database.reading() as connection:
        return [
            sorted(map(tuple, connection.execute(select(table))), key=repr)
            for table in (images, labels, texts, originals)
        ]


def marks(workspace: Workspace) -> set[str]:
    with index_of(workspace.open()).database.reading() as connection:
        return set(connection.execute(select(about.c.name)).scalars())


def engine_of(workspace: Workspace, run_id: str = "run") -> TaskEngine:
    return TaskEngine(WorkPlace.of(workspace.settings), run_id)


def synced(workspace: Workspace, engine: TaskEngine) -> SyncResult:
    found = sync_index_by(engine, workspace.settings)
    assert found is not None
    assert marks(workspace) == {"schema", "project", "synced_at"}
    return found


def test_the_rows_are_those_of_one_machine(
    plain: Workspace, several: Workspace, alone: Workspace
) -> None:
    found = synced(several, engine_of(several))
    assert found == sync_index(alone.settings)
    assert found.changed == IMAGES + 10
    assert rows(several) == rows(alone)
    assert synced(several, engine_of(several, "again")) == SyncResult(unchanged=IMAGES + 7)
    plain.remove("annotations/zoo.json")
    plain.put("annotations/7001.json", old_document("renamed.png", rects=[]))
    plain.remove("uploads/own/1.png")
    plain.put("uploads/drop/0.png", png(7, 9))
    plain.put("uploads/drop/new.png", png(9, 9))
    found = synced(several, engine_of(several, "later"))
    assert found == sync_index(alone.settings)
    assert found.removed == 2  # zoo, and the image that drop/0.png was
    assert rows(several) == rows(alone)


def watch_transactions(patch: pytest.MonkeyPatch, die: Die) -> None:
    """Have a worker die in its transaction, before it is committed."""
    real = Database.writing

    @contextmanager
    def writing(database: Database) -> Iterator[Connection]:
        with real(database) as connection:
            yield connection
            die()

    patch.setattr(Database, "writing", writing)


def test_a_worker_that_dies_and_is_tried_again_changes_nothing(
    several: Workspace, alone: Workspace
) -> None:
    engine = Dying(WorkPlace.of(several.settings), "run", watch=watch_transactions)
    synced(several, engine)
    assert len(engine.attempts) == 16
    assert 1 in engine.attempts.values()  # after a page was written
    sync_index(alone.settings)
    assert rows(several) == rows(alone)


def test_a_save_while_workers_compare_stays(several: Workspace) -> None:
    project = several.open()
    image_id = "7001"

    @dataclass(frozen=True)
    class Saving(TaskEngine):
        def run(self, step: Step, count: int) -> None:
            TaskEngine.run(self, step, count)
            opened = project.open_document(image_id)
            project.save_document(image_id, with_boxes(opened, BOX), opened, "lea@example.com")
            index_of(project).look_again(image_id)

    synced(several, Saving(WorkPlace.of(several.settings), "run"))
    entry = index_of(project).known(image_id)
    assert entry is not None
    assert (entry.rects, entry.saved_by) == (1, "lea@example.com")


def test_the_tasks_of_a_job_share_the_work(
    several: Workspace, alone: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_PATIENCE_S", 1e9)  # the test's own time limit holds
    lead = replace(engine_of(several), tasks=3, sleep=lambda _: time.sleep(0.01))
    told: list[SyncResult | None] = []

    def follow(index: int) -> None:
        told.append(sync_index_by(replace(lead, index=index), several.settings))

    followers = [threading.Thread(target=follow, args=(index,)) for index in (1, 2)]
    for one in followers:
        one.start()
    found = synced(several, lead)
    for one in followers:
        one.join()
    assert told == [None, None]
    assert found == sync_index(alone.settings)
    assert rows(several) == rows(alone)
    follow(1)  # started again after all was done
    assert [key for key in several.objects() if key.startswith(PARTS)] == ["parts/run/done.json"]


def test_the_command_is_a_task_of_a_job(
    several: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABELER_STORAGE", several.place)
    monkeypatch.setenv("LABELER_SECRET_KEY", several.settings.secret_key)
    monkeypatch.setenv("CLOUD_RUN_EXECUTION", "labeler-index-x")
    monkeypatch.setenv("CLOUD_RUN_TASK_COUNT", "1")
    command = ["index", "sync", "--engine", "tasks"]
    for index, told in (
        ("0", f"{IMAGES + 10} rows written, 0 removed, 0 documents unchanged\n"),
        ("1", ""),
    ):
        monkeypatch.setenv("CLOUD_RUN_TASK_INDEX", index)
        assert main(command) == 0
        assert capsys.readouterr().out == told
    with pytest.raises(SystemExit):
        main(["index", "rebuild", "--", "--runner=X"])


def test_a_failed_run_leaves_an_index_that_is_not_used_and_goes_on(several: Workspace) -> None:
    @dataclass(frozen=True)
    class Ending(TaskEngine):
        def run(self, step: Step, count: int) -> None:
            step(0)
            raise Unavailable("the task ends here")

    with pytest.raises(Unavailable):
        sync_index_by(Ending(WorkPlace.of(several.settings), "run"), several.settings)
    assert index_of(several.open()).database.look().fitness is Fitness.UNFINISHED
    synced(several, engine_of(several))
    assert several.open().image_index.problem() == ""


def test_a_worker_with_another_database_writes_nothing_and_the_sync_fails(
    several: Workspace, alone: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_index(alone.settings)
    before = rows(alone)
    several.put("annotations/new.json", old_document("new.png"))
    monkeypatch.setenv("LABELER_INDEX", alone.environ["INDEX"])
    with pytest.raises(IndexUnfit, match="another database"):
        sync_index_by(engine_of(several), several.settings)
    monkeypatch.delenv("LABELER_INDEX")
    with pytest.raises(IndexUnfit, match="not set where the workers run"):
        sync_index_by(engine_of(several), several.settings)
    assert rows(alone) == before
    assert index_of(several.open()).database.look().fitness is Fitness.UNFINISHED


def test_what_is_sent_to_workers_holds_no_password(plain: Workspace) -> None:
    url = "postgresql+psycopg://ana:pass%40word@127.0.0.1:1/labels"
    with closing(Workspace(plain.place, INDEX=url)) as workspace:
        settings, database = workspace.settings, index_of(workspace.open()).database
        step = SyncStep(WorkPlace.of(settings), "run", database.project, "uploads/")
    assert b"127.0.0.1" not in pickle.dumps(step)
    assert pickle.loads(pickle.dumps(step)) == step
