"""An export by several machines has the bytes of an export by one, whoever dies on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from labeler.datasets.exports.distributed import engines
from labeler.datasets.exports.distributed import plan as plans
from labeler.datasets.exports.distributed.engines import Step, TaskEngine, WorkPlace
from labeler.datasets.exports.distributed.join import compose_all
from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats.registry import EXPORTED, find_format
from labeler.datasets.selection import ALL, Selection, parse_selection
from labeler.errors import InvalidRequest, Unavailable
from labeler.model.layout import PARTS, manifest_key
from labeler.storage import ABSENT, Store
from tests.datasets.exports.support import four_images
from tests.dying import Die, Dying
from tests.pictures import jpeg
from tests.projects import Workspace, old_document

SPLIT = parse_selection({"split": ["50/50"], "seed": ["1"]})


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plans, "SHARD_IMAGES", 2)


@pytest.fixture
def project(workspace: Workspace) -> Workspace:
    """Images with and without originals, with one name, with a damaged document and none."""
    for name in ("b", "d", "f"):
        workspace.put(f"annotations/{name}.json", old_document(f"{name}.jpg"))
    for name in ("same1", "same2", "same3"):
        workspace.put(f"annotations/{name}.json", old_document("same.jpg", rects=[]))
        workspace.put(f"annotations/{name}.json", old_document("same.jpg"))
    workspace.put("annotations/x.json", old_document("SAME.png"))
    workspace.put("annotations/broken.json", b"{")
    workspace.put("annotations/empty.json", old_document("empty.jpg", rects=[]))
    workspace.put("uploads/untouched.jpg", jpeg())
    return workspace


def sequential(workspace: Workspace, run_id: str = "run") -> TaskEngine:
    return TaskEngine(WorkPlace.of(workspace.settings), run_id)


def written(
    workspace: Workspace, engine: TaskEngine | None, kind: str = "coco", choice: Selection = ALL
) -> list[tuple[bytes, ...]]:
    """The file, its manifest and its description, of each file that the export makes."""
    exporter = open_exporter(workspace.open())
    found = []
    made = exporter.write(choice, kind=find_format(kind), engine=engine)
    objects = workspace.objects()
    for one in made:
        beside = [manifest_key(one.key)] if kind == "coco" else []
        found.append(tuple(objects[key][0] for key in [one.key, *beside]))
    return found


@pytest.mark.parametrize("choice", [ALL, SPLIT, parse_selection({"name": ["none*"]})])
def test_the_bytes_are_those_of_one_machine(project: Workspace, choice: Selection) -> None:
    alone = written(project, None, choice=choice)
    assert written(project, sequential(project), choice=choice) == alone
    assert not [key for key in project.objects() if "/1/" in key and key.startswith(PARTS)]


def test_labels_that_the_set_lacks_are_added_first(project: Workspace) -> None:
    assert written(project, sequential(project)) == written(project, None)


@pytest.mark.parametrize("kind", [one.name for one in EXPORTED if one.name != "coco"])
def test_every_format_has_the_bytes_of_one_machine(tmp_path: Path, kind: str) -> None:
    for workspace in four_images(tmp_path):
        assert written(workspace, sequential(workspace), kind) == written(workspace, None, kind)


def test_the_next_export_takes_over_from_one_by_several_machines(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = written(project, sequential(project))
    monkeypatch.setattr(
        "labeler.datasets.exports.read.parse_document",
        lambda *_: pytest.fail("a document was read"),
    )
    assert written(project, None) == first


def test_a_worker_that_dies_and_is_tried_again_changes_nothing(project: Workspace) -> None:
    alone = written(project, None)
    place = WorkPlace.of(project.settings)
    with closing(place.open_store()) as store:
        kind = type(store)
    real = kind.write

    def watch(patch: pytest.MonkeyPatch, die: Die) -> None:
        def write(store: Store, key: str, data: bytes, **more: object) -> object:
            die()
            return real(store, key, data, **more)  # type: ignore[arg-type]

        patch.setattr(kind, "write", write)

    engine = Dying(place, "run", watch=watch)
    assert written(project, engine) == alone
    assert {work for work, _ in engine.attempts} == {"part", "finish"}


def test_a_document_that_changes_between_attempts_gives_one_of_both(project: Workspace) -> None:
    """The first attempt that was finished counts, with all of its objects."""
    engine = sequential(project)

    @dataclass(frozen=True)
    class Changing(TaskEngine):
        def run(self, step: Step, count: int) -> None:
            TaskEngine.run(self, step, count)
            project.put("annotations/b.json", old_document("b.jpg", rects=[]))
            TaskEngine.run(self, step, count)

    before = written(project, None)
    assert written(project, Changing(engine.place, "run")) == before


def test_counts_are_those_of_the_documents(project: Workspace) -> None:
    statuses, labels = open_exporter(project.open()).count(sequential(project))
    assert statuses == {"in_progress": 7, "unlabeled": 2, "damaged": 1}
    assert labels == {"car": 14}


def test_the_tasks_of_a_job_share_the_work(
    project: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "_PATIENCE_S", 1e9)  # the test's own time limit holds
    alone = written(project, None, choice=SPLIT)
    lead = replace(sequential(project), tasks=3, sleep=lambda _: time.sleep(0.01))
    followers = [threading.Thread(target=replace(lead, index=index).follow) for index in (1, 2)]
    for one in followers:
        one.start()
    found = written(project, lead, choice=SPLIT)
    for one in followers:
        one.join()
    assert found == alone
    replace(lead, index=1).follow()  # started again after all was done
    assert [key for key in project.objects() if key.startswith(PARTS)] == ["parts/run/done.json"]


def test_a_leading_task_that_is_started_again_goes_on(project: Workspace) -> None:
    alone = written(project, None)

    @dataclass(frozen=True)
    class Ending(TaskEngine):
        def run(self, step: Step, count: int) -> None:
            TaskEngine.run(self, step, count)
            raise Unavailable("the task ends here")

    place = WorkPlace.of(project.settings)
    with pytest.raises(Unavailable):
        written(project, Ending(place, "run"))
    plan = project.objects()["parts/run/1/plan.json"]
    assert plan
    assert written(project, TaskEngine(place, "run")) == alone


def test_a_job_says_what_it_lacks(project: Workspace) -> None:
    place = WorkPlace.of(project.settings)
    with pytest.raises(InvalidRequest, match="CLOUD_RUN_TASK_INDEX"):
        TaskEngine.of_job(place, {"CLOUD_RUN_EXECUTION": "x"})
    environ = {
        "CLOUD_RUN_EXECUTION": "x", "CLOUD_RUN_TASK_INDEX": "2", "CLOUD_RUN_TASK_COUNT": "5",
    }  # fmt: skip
    engine = TaskEngine.of_job(place, environ)
    assert (engine.run_id, engine.index, engine.tasks) == ("x", 2, 5)


@pytest.fixture
def store(workspace: Workspace) -> Iterator[Store]:
    with closing(workspace.store()) as opened:
        yield opened


@pytest.mark.parametrize("count", [1, 32, 33, 70])
def test_any_number_of_parts_is_joined(store: Store, count: int) -> None:
    keys = [f"parts/x/{number:03d}" for number in range(count)]
    for number, key in enumerate(keys):
        store.write(key, b"%d," % number, replaces=ABSENT)
    whole = compose_all(store, "parts/x/whole", keys)
    assert store.read(whole)[0] == b"".join(b"%d," % number for number in range(count))
    assert compose_all(store, "parts/x/whole", keys) == whole
