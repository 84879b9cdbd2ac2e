"""The index in a database: saves, syncs, faults, and whoever else writes."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Executable, delete, insert, select, text, update
from sqlalchemy.engine import make_url

from labeler.cli import main
from labeler.errors import IndexUnfit, LabelerError, SettingsError
from labeler.image_names import name_size_id
from labeler.maintenance.index import index_problems, sync_index
from labeler.model.document import Status
from labeler.model.edits import with_status
from labeler.model.layout import document_key
from labeler.project.database import connection as connections
from labeler.project.database.changes import RowChange
from labeler.project.database.connection import Database, Fitness, IndexAway
from labeler.project.database.rows import write_rows
from labeler.project.database.tables import about, images, labels, originals, texts
from labeler.project.image_search import ImageFilters
from labeler.project.image_view import Turn
from labeler.project.project import Project
from tests.databases import Postgres, SilentProxy
from tests.pictures import png
from tests.project.database.conftest import index_of, synced
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes
from tests.waiting import settled

ROOT: Final = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is asked again at once after a failure."""
    monkeypatch.setattr(connections, "PAUSE_S", 0.0)


def draw(project: Project, image_id: str, *rects: object, status: Status = Status.DONE) -> None:
    opened = project.open_document(image_id)
    wanted = with_status(with_boxes(opened, *rects), status)  # type: ignore[arg-type]
    project.save_document(image_id, wanted, opened, "lea@example.com")


def paths(project: Project, **filters: object) -> list[str]:
    found = project.search(ImageFilters(**filters))  # type: ignore[arg-type]
    return [entry.image_path for entry in found]


def told_twice(plain: Workspace, indexed: Workspace) -> list[list[object]]:
    """The entries of the store's own index and of the database's."""
    return [list(workspace.open().list_images()) for workspace in (plain, indexed)]


def test_own_work_is_in_the_index_at_once_and_on_every_instance(indexed: Workspace) -> None:
    one = synced(indexed.open())
    other = indexed.open()
    ids = [one.add_image(f"{name}.png", png(20 + at, 9)).image_id for at, name in enumerate("abc")]
    assert paths(other) == ["a.png", "b.png", "c.png"]
    draw(one, ids[0], BOX, OTHER)
    assert paths(other, label="car") == paths(other, status=Status.DONE) == ["a.png"]
    draw(other, ids[0], OTHER, status=Status.IN_PROGRESS)
    assert paths(one, label="car") == []
    assert paths(one, label="dog") == ["a.png"]
    version = other.stored_version(ids[1])
    other.trash.delete(ids[1], version)
    assert paths(one) == ["a.png", "c.png"]
    other.trash.restore(ids[1])
    assert other.find_image(ids[1]).original == "uploads/b.png"
    assert paths(one) == ["a.png", "b.png", "c.png"]


def test_a_sync_finds_what_others_did_and_a_second_one_nothing(
    plain: Workspace, indexed: Workspace
) -> None:
    project = synced(indexed.open())
    kept = project.add_image("kept.png", png()).image_id
    gone = project.add_image("gone.png", png(30, 30)).image_id
    draw(project, kept, BOX)
    plain.put(document_key(kept), old_document("kept.png"))
    plain.put("annotations/new.json", old_document("new.png"))
    plain.put("uploads/drop.png", png(5, 5))
    plain.remove(document_key(gone))
    plain.remove("uploads/gone.png")
    found = sync_index(indexed.settings)
    assert found.removed == 1
    assert found.changed >= 3
    again = sync_index(indexed.settings)
    assert (again.changed, again.removed) == (0, 0)
    one, other = told_twice(plain, indexed)
    assert one == other
    assert [entry.image_path for entry in project.list_images()] == [
        "drop.png", "kept.png", "new.png",
    ]  # fmt: skip


LONG: Final = "".join(chr(0x4E00 + at * 7919 % 20_000) for at in range(4000))
"""A text that can't be made shorter by packing it."""


@pytest.mark.parametrize(
    "told",
    [
        {"image_path": LONG},
        {"rects": [{"left": 1, "top": 1, "width": 9, "height": 9, "label": LONG}]},
        {"metadata": {"saved_at": LONG, "saved_by": LONG, "labeled_by": LONG, "labeled_at": LONG}},
        {"metadata": {"assigned_to": LONG, "assigned_at": LONG, "assigned_by": LONG}},
    ],
    ids=["name", "label", "saved", "assigned"],
)
def test_endless_texts_of_other_programs_stop_no_sync(
    plain: Workspace, indexed: Workspace, told: dict[str, Any]
) -> None:
    document = json.loads(old_document("a.png")) | told
    plain.put(document_key("a"), json.dumps(document).encode())
    plain.put(document_key("b"), old_document("b.png"))
    assert sync_index(indexed.settings).changed == 2
    assert list(index_problems(indexed.settings)) == []
    one, other = told_twice(plain, indexed)
    assert one == other
    project = indexed.open()
    assert project.image_index.problem() == ""
    assert len(paths(project)) == 2
    assert len(paths(project, label=LONG)) == ("rects" in told)


def test_a_sync_does_not_ask_for_itself(
    plain: Workspace, indexed: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    plain.put(document_key("a"), old_document("a.png"))
    sync_index(indexed.settings)
    assert list(index_problems(indexed.settings)) == []
    assert "index sync" not in caplog.text
    with index_of(indexed.open()).database.writing() as connection:
        connection.execute(delete(about).where(about.c.name == "synced_at"))
    assert indexed.open().image_index.problem()
    assert "Finish it: python -m labeler index sync" in caplog.text  # a server says it


def test_many_images_are_compared_in_shards(
    plain: Workspace, indexed: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("shard_sync.PAGE", "sync.PAGE", "sync._SMALL"):
        monkeypatch.setattr(f"labeler.project.database.{name}", 4)
    for number in range(40):
        plain.put(f"annotations/{number * 7 % 16:x}{number:03}.json", old_document(f"{number}.png"))
        plain.put(f"uploads/{number}.png", png(number + 1, 3))
    plain.put("annotations/zoo.json", old_document("zoo.png"))
    sync_index(indexed.settings)
    one, other = told_twice(plain, indexed)
    assert one == other
    assert len(one) == 81
    plain.remove("annotations/zoo.json")
    for number in range(0, 40, 3):
        plain.remove(f"uploads/{number}.png")
    assert sync_index(indexed.settings).removed == 15
    one, other = told_twice(plain, indexed)
    assert one == other


def test_two_syncs_at_once_and_somebody_who_saves(plain: Workspace, indexed: Workspace) -> None:
    project = indexed.open()
    ids = [project.add_image(f"{at}.png", png(at + 1, 9)).image_id for at in range(12)]
    index_of(project).database.make()
    failed: list[BaseException] = []

    def sync() -> None:
        try:
            for _ in range(3):
                sync_index(indexed.settings)
        except LabelerError as error:
            failed.append(error)

    threads = [threading.Thread(target=sync) for _ in range(2)]
    for thread in threads:
        thread.start()
    for image_id in ids:
        draw(project, image_id, BOX)
    for thread in threads:
        thread.join()
    assert failed == []
    sync_index(indexed.settings)
    one, other = told_twice(plain, indexed)
    assert one == other
    assert sync_index(indexed.settings).changed == 0


def test_a_row_that_was_read_before_another_wrote_it_stays(indexed: Workspace) -> None:
    project = synced(indexed.open())
    image_id = project.add_image("a.png", png()).image_id
    index = index_of(project)
    old = index.known(image_id)
    draw(project, image_id, BOX)
    new = index.known(image_id)
    assert old is not None
    assert new is not None
    with index.database.writing() as connection:
        assert write_rows(connection, [RowChange(image_id, old, old)]) == set()
        assert write_rows(connection, [RowChange(image_id, old, None)]) == set()
    assert index.known(image_id) == new


MATCHES: Final = """
import sys
from tests.projects import Workspace
from labeler.project.image_search import ImageFilters

project = Workspace(sys.argv[1], INDEX=sys.argv[2]).open()
for find in ("*a" * 60 + "*b", "*a" * 60 + "*.png", "?" * 99 + "*a" * 30 + "?b"):
    print(project.search(ImageFilters(find=find)).count())
"""


def test_a_search_with_many_wildcards_stops_nobody(indexed: Workspace) -> None:
    """In a process of its own: a search that takes hours lets nothing else run, no time limit."""
    synced(indexed.open()).add_image("a" * 150 + ".png", png())
    done = subprocess.run(
        [sys.executable, "-c", MATCHES, indexed.place, indexed.environ["INDEX"]],
        cwd=ROOT, capture_output=True, timeout=120, check=True, text=True,
    )  # fmt: skip
    assert done.stdout.split() == ["0", "1", "0"]


# --- what is wrong with it ----------------------------------------------------------------


def test_an_index_that_nobody_has_made_is_not_used(plain: Workspace, indexed: Workspace) -> None:
    plain.open().add_image("a.png", png())
    project = indexed.open()
    assert index_of(project).report().fitness is Fitness.MISSING
    assert "index sync" in project.image_index.problem()
    assert paths(project) == ["a.png"]
    [problem] = index_problems(indexed.settings)
    assert problem.fault
    assert "index sync" in problem.what
    index_of(project).database.make()
    assert index_of(project).report().fitness is Fitness.UNFINISHED
    assert paths(project) == ["a.png"]
    sync_index(indexed.settings)
    assert project.image_index.problem() == ""
    assert list(index_problems(indexed.settings)) == []


def test_the_doctor_says_whether_the_index_can_be_used(
    indexed: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LABELER_STORAGE", indexed.place)
    monkeypatch.setenv("LABELER_INDEX", indexed.environ["INDEX"])
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "holds no index yet" in told
    assert "$ python -m labeler index sync" in told
    assert main(["index", "sync"]) == main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "ok       The index can be reached, and was compared at 20" in told
    monkeypatch.setenv("LABELER_INDEX", "postgresql+psycopg://a:word@127.0.0.1:1/c")
    assert main(["doctor"]) == 0
    told = capsys.readouterr().out
    assert "warning  postgresql+psycopg://a:***@127.0.0.1:1/c does not answer" in told
    assert main(["check"]) == 1
    assert "does not answer" in capsys.readouterr().err
    assert main(["index", "sync"]) == 1
    assert "does not answer" in capsys.readouterr().err


@pytest.mark.parametrize(("schema", "word"), [("0", "older"), ("99", "newer"), ("?", "older")])
def test_another_schema_is_not_used_until_it_is_made_anew(
    plain: Workspace, indexed: Workspace, schema: str, word: str
) -> None:
    plain.open().add_image("a.png", png())
    project = synced(indexed.open())
    database = index_of(project).database
    with database.writing() as connection:
        connection.execute(update(about).where(about.c.name == "schema").values(value=schema))
        connection.execute(delete(images))
    assert paths(project) == ["a.png"]
    assert word in project.image_index.problem()
    assert "index rebuild" in project.image_index.problem()
    with pytest.raises(Exception, match="index rebuild"):
        sync_index(indexed.settings)
    assert sync_index(indexed.settings, anew=True).changed >= 1
    assert project.image_index.problem() == ""


def test_the_index_of_another_project_is_not_used(indexed: Workspace, tmp_path: Path) -> None:
    synced(indexed.open()).add_image("a.png", png())
    with closing(Workspace(str(tmp_path / "other"), **indexed.environ)) as other:
        other.open().add_image("other.png", png())
        assert paths(other.open()) == ["other.png"]
        assert "another project" in other.open().image_index.problem()
    with closing(Workspace(indexed.place, **indexed.environ, IMAGE_ID="content")) as other:
        assert "another project" in other.open().image_index.problem()


def test_a_wrong_index_is_told_of_and_repaired(plain: Workspace, indexed: Workspace) -> None:
    project = synced(indexed.open())
    ids = [project.add_image(f"{at}.png", png(at + 1, 9)).image_id for at in range(3)]
    draw(project, ids[0], BOX)
    plain.put("uploads/drop.png", png(5, 5))
    sync_index(indexed.settings)
    with index_of(project).database.writing() as connection:
        connection.execute(update(images).values(version="old", status="skipped"))
        gone = images.c.image_id.in_([ids[1], name_size_id("drop.png", len(png(5, 5)))])
        connection.execute(delete(images).where(gone))
    [problem] = index_problems(indexed.settings)
    assert "rows are missing, old or wrong" in problem.what
    assert problem.repair is not None
    assert "rows written" in problem.repair()
    assert list(index_problems(indexed.settings)) == []
    one, other = told_twice(plain, indexed)
    assert one == other


def ghost(connection: Connection, image_id: str) -> None:
    """A row of an image that there is not."""
    row = dict(connection.execute(select(images).limit(1)).mappings().one())
    none = {"image_id": image_id, "version": "", "problem": "", "original": None}
    connection.execute(insert(images).values(row | none))


@pytest.mark.parametrize(
    ("by_hand", "wrong"),
    [
        (update(images).where(images.c.rects > 0).values(status="skipped"), 1),
        (update(images).where(images.c.rects > 0).values(rects=7), 1),
        (update(images).where(images.c.rects == 0).values(status="approved"), 2),
        (update(images).values(saved_by="eve@example.com", hour=3), 3),
        (update(images).where(images.c.rects > 0).values(folded_path="other"), 1),
        (update(images).where(images.c.rects > 0).values(sample=101, tiny=5), 1),
        (update(images).values(original=None, added_at=0.0), 3),
        (delete(labels).where(labels.c.text == "dog"), 1),
        (update(labels).where(labels.c.text == "dog").values(boxes=9), 1),
        (delete(texts).where(texts.c.text == "dog"), 1),
        (delete(originals).where(originals.c.key == "uploads/0.png"), 2),
        (update(originals).where(originals.c.key == "uploads/0.png").values(image_id="x"), 3),
        (update(originals).where(originals.c.key == "uploads/1.png").values(added_at=1.0), 2),
    ],
    ids=str,
)
def test_a_row_that_was_changed_by_hand_is_told_of_and_repaired(
    plain: Workspace, indexed: Workspace, by_hand: Executable, wrong: int
) -> None:
    project = synced(indexed.open())
    ids = [project.add_image(f"{at}.png", png(at + 1, 9)).image_id for at in range(3)]
    draw(project, ids[0], BOX, OTHER)
    assert list(index_problems(indexed.settings)) == []
    with index_of(project).database.writing() as connection:
        before = connection.execute(select(images).order_by(images.c.image_id)).all()
        connection.execute(by_hand)
    [problem] = index_problems(indexed.settings)
    assert problem.what.startswith(f"{wrong} rows are missing, old or wrong, 0 ")
    assert problem.repair is not None
    problem.repair()
    assert list(index_problems(indexed.settings)) == []
    one, other = told_twice(plain, indexed)
    assert one == other
    assert paths(project, label="dog") == ["0.png"]
    over = list(images.columns.keys()).index("over")
    with index_of(project).database.reading() as connection:
        after = connection.execute(select(images).order_by(images.c.image_id)).all()
    assert [row[:over] for row in after] == [row[:over] for row in before]


def test_a_row_of_no_image_is_told_of_and_removed(indexed: Workspace) -> None:
    project = synced(indexed.open())
    project.add_image("a.png", png())
    with index_of(project).database.writing() as connection:
        ghost(connection, "nobody")
    [problem] = index_problems(indexed.settings)
    assert "0 rows are missing, old or wrong, 1 are of images that are gone" in problem.what
    assert sync_index(indexed.settings).removed == 1
    assert list(index_problems(indexed.settings)) == []
    assert paths(project) == ["a.png"]


@pytest.mark.parametrize(
    ("by_hand", "lost"),
    [
        ("DROP TABLE labeler_labels", "labeler_labels"),
        ("ALTER TABLE labeler_images DROP COLUMN tiny", "labeler_images.tiny"),
    ],
)
def test_an_index_that_lacks_a_part_is_not_used_until_it_is_made_anew(
    indexed: Workspace, by_hand: str, lost: str
) -> None:
    project = synced(indexed.open())
    image_id = project.add_image("a.png", png()).image_id
    draw(project, image_id, OTHER)
    database = index_of(project).database
    with database.writing() as connection:
        connection.execute(text(by_hand))
    report = database.look()
    assert report.fitness is Fitness.DAMAGED
    assert lost in report.message
    assert "index rebuild" in report.message
    assert paths(project, label="dog") == ["a.png"]  # as the store has it
    [problem] = index_problems(indexed.settings)
    assert problem.fault
    with pytest.raises(IndexUnfit, match="index rebuild"):
        sync_index(indexed.settings)
    sync_index(indexed.settings, anew=True)
    assert database.look().is_ready
    assert list(index_problems(indexed.settings)) == []


@pytest.mark.parametrize("kept", [100, 4096])
def test_a_damaged_file_is_told_of_and_made_anew(
    plain: Workspace, tmp_path: Path, kept: int
) -> None:
    """While a server has it open, too: that goes on with the new file."""
    file = tmp_path / "index.sqlite"
    with closing(Workspace(plain.place, INDEX=f"sqlite:///{file}")) as workspace:
        project = synced(workspace.open())
        for at in range(30):
            project.add_image(f"{at:02}.png", png(at + 1, 9))
        with index_of(project).database.writing() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        whole = file.read_bytes()
        file.write_bytes(whole[:kept] + bytes(at % 251 for at in range(len(whole) - kept)))
        [problem] = index_problems(workspace.settings)
        assert problem.fault
        assert "damaged" in problem.what
        assert "index rebuild" in problem.what
        assert len(paths(project)) == 30
        assert sync_index(workspace.settings, anew=True).changed == 30
        assert list(index_problems(workspace.settings)) == []
        assert settled(lambda: project.image_index.problem() == "")
        image_id = project.add_image("new.png", png(50, 50)).image_id
        assert index_of(project).known(image_id) is not None
        assert list(index_problems(workspace.settings)) == []
    [aside] = tmp_path.glob("index.sqlite.damaged-*[0-9]")
    assert aside.stat().st_size == len(whole)


def test_a_server_follows_a_file_that_was_removed(plain: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "index.sqlite"
    with closing(Workspace(plain.place, INDEX=f"sqlite:///{file}")) as workspace:
        project = synced(workspace.open())
        project.add_image("a.png", png())
        for one in tmp_path.glob("index.sqlite*"):
            one.unlink()
        assert index_of(project).database.look().fitness is Fitness.MISSING
        sync_index(workspace.settings)
        assert index_of(project).database.look().is_ready
        project.add_image("b.png", png(9, 9))
        assert list(index_problems(workspace.settings)) == []


# --- while it is away ---------------------------------------------------------------------


@pytest.fixture
def server(postgres: Postgres) -> Iterator[Postgres]:
    yield postgres
    postgres.kill()
    postgres.start()


def rows_come(project: Project) -> list[tuple[str, int]]:
    """Names and boxes of all rows, once the database answers again and nothing is left to write."""
    index = index_of(project)
    assert settled(lambda: project.image_index.problem() == "" and not index._left)
    with index.database.reading() as connection:
        rows = connection.execute(select(images.c.image_path, images.c.rects)).all()
    return sorted((path, boxes) for path, boxes in rows)


def test_labeling_goes_on_while_the_server_is_dead_and_rows_come_later(
    plain: Workspace, server: Postgres
) -> None:
    with closing(Workspace(plain.place, INDEX=server.new_database())) as workspace:
        project = synced(workspace.open())
        first = project.add_image("a.png", png()).image_id
        server.kill()
        draw(project, first, BOX)
        project.add_image("b.png", png(9, 9))
        assert paths(project) == ["a.png", "b.png"]
        assert paths(project, label="car") == ["a.png"]
        assert project.image_index.view().tally("").finished == 1
        assert "does not answer" in project.image_index.problem()
        found = project.image_index.known(first)
        assert found is not None
        assert found.rects == 1
        server.start()
        assert rows_come(project) == [("a.png", 1), ("b.png", 0)]


def test_a_question_that_dies_halfway_is_answered_from_the_store(
    plain: Workspace, server: Postgres
) -> None:
    with closing(Workspace(plain.place, INDEX=server.new_database())) as workspace:
        project = synced(workspace.open())
        for at in range(30):
            project.add_image(f"{at:02}.png", png(at + 1, 9))
        view = project.image_index.view()
        turn = view.in_turn(Turn.NAME, frozenset(Status))
        found = [next(turn).image_path]
        server.kill()
        found += [entry.image_path for entry in turn]
        assert sorted(found) == [f"{at:02}.png" for at in range(30)]
        assert view.search(ImageFilters(), None).count() == 30


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[SilentProxy]:
    made = SilentProxy(postgres.port)
    yield made
    made.close()


def test_labeling_goes_on_while_nobody_answers(
    plain: Workspace, postgres: Postgres, proxy: SilentProxy
) -> None:
    url = postgres.new_database().replace(f":{postgres.port}/", f":{proxy.port}/")
    with closing(Workspace(plain.place, INDEX=url)) as workspace:
        project = synced(workspace.open())
        first = project.add_image("a.png", png()).image_id
        proxy.is_silent = True
        began = time.monotonic()
        draw(project, first, BOX)
        assert paths(project, label="car") == ["a.png"]
        assert "does not answer" in project.image_index.problem()
        project.add_image("b.png", png(9, 9))
        assert time.monotonic() - began < 60
        # From here on, each look at the database is made behind those who ask.
        began = time.monotonic()
        for _ in range(100):
            project.image_index.problem()
        assert time.monotonic() - began < 60  # where each waits itself, minutes
        proxy.is_silent = False
        assert rows_come(project) == [("a.png", 1), ("b.png", 0)]


def test_a_question_is_cut_if_its_answer_does_not_come(
    postgres: Postgres, proxy: SilentProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_STATEMENT_S", 1)
    url = postgres.new_database().replace(f":{postgres.port}/", f":{proxy.port}/")

    def go_silent(connection: Connection) -> None:
        proxy.is_silent = True
        connection.execute(select(1))

    with closing(Database(url, "p")) as database:
        assert database.look().fitness is Fitness.MISSING  # connected
        with pytest.raises(IndexAway), database.reading() as connection:
            go_silent(connection)
        proxy.is_silent = False
        database.make()
        assert database.look().fitness is Fitness.UNFINISHED


def test_a_locked_file_fails_no_save(
    plain: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_WAIT_S", 0)
    with closing(Workspace(plain.place, INDEX=f"sqlite:///{tmp_path}/index.sqlite")) as workspace:
        project = synced(workspace.open())
        image_id = project.add_image("a.png", png()).image_id
        with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            draw(project, image_id, BOX)
            other.execute("ROLLBACK")
        assert project.stored_document(image_id).document.rects
        sync_index(workspace.settings)
        assert paths(project, label="car") == ["a.png"]


def test_a_file_that_is_no_database_is_left_alone(plain: Workspace, tmp_path: Path) -> None:
    plain.open().add_image("a.png", png())
    file = tmp_path / "index.sqlite"
    file.write_bytes(b"no database at all" * 100)
    with closing(Workspace(plain.place, INDEX=f"sqlite:///{file}")) as workspace:
        assert paths(workspace.open()) == ["a.png"]
        assert "not a database" in workspace.open().image_index.problem()
        with pytest.raises(IndexUnfit, match="remove it, or name another one"):
            sync_index(workspace.settings, anew=True)
    assert file.read_bytes() == b"no database at all" * 100


# --- settings -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        "index.sqlite",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://a:secret@b/c",
        "postgresql://a:secret@b/c",
    ],
)
def test_a_wrong_setting_stops_the_start_and_is_not_shown(plain: Workspace, wrong: str) -> None:
    plain.environ["INDEX"] = wrong
    with pytest.raises(SettingsError, match="postgresql") as caught:
        plain.settings  # noqa: B018
    assert "secret" not in caught.value.message.replace("(secret)", "")


def test_a_password_is_in_no_message() -> None:
    with closing(Database("postgresql+psycopg://a:pass%40word@127.0.0.1:1/c", "p")) as database:
        message = database.report().message
    assert "does not answer" in message
    assert "pass" not in message


def test_labels_of_a_row_are_those_of_its_document(indexed: Workspace) -> None:
    project = synced(indexed.open())
    image_id = project.add_image("a.png", png()).image_id
    draw(project, image_id, BOX, OTHER)
    draw(project, image_id, OTHER)
    with index_of(project).database.reading() as connection:
        assert list(connection.execute(select(labels.c.text)).scalars()) == ["dog"]
    project.trash.delete(image_id, project.stored_version(image_id))
    with index_of(project).database.reading() as connection:
        assert list(connection.execute(select(labels.c.text)).scalars()) == []


def test_each_address_in_the_documentation_is_taken(plain: Workspace) -> None:
    text_of = (ROOT / "docs/index.md").read_text()
    addresses = re.findall(r"(?:sqlite|postgresql\+psycopg)://[^\s`]+", text_of)
    users = set()
    for address in addresses:
        plain.environ["INDEX"] = address
        assert plain.settings.index == address
        users.add(make_url(address).username)
    assert {None, "USER", "labeler@PROJECT.iam"} <= users
