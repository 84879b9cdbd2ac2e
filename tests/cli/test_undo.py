"""`undo`: what one person did since a time is taken back, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from labeler.model.document import Rect
from labeler.model.edits import with_rects
from labeler.model.reviews import Verdict, reviewed
from labeler.project.project import Project
from tests.cli.support import Run
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace

ANA, BEN = "ana@example.com", "ben@example.com"
MINE = BOX.model_copy(update={"id": "mine", "left": 30.0})


@pytest.fixture(params=["folder", "bucket"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    if request.param == "folder":
        (tmp_path / "data").mkdir()
        workspace = Workspace(str(tmp_path / "data"))
        yield workspace
        workspace.close()
        return
    with GcsServer(buckets=["labels"]) as server:
        server.bucket("labels").settings["versioning"] = {"enabled": True}
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        workspace = Workspace("gs://labels")
        yield workspace
        workspace.close()


def draw(project: Project, image_id: str, by: str, *rects: Rect) -> None:
    opened = project.open_document(image_id)
    wanted = with_rects(opened.document, rects)
    project.save_document(image_id, wanted, opened, by)


def shown(project: Project, image_id: str) -> list[str]:
    return [rect.id for rect in project.stored_document(image_id).document.rects]


def test_what_a_person_did_is_undone_and_what_others_did_stays(run: Run, place: Workspace) -> None:
    project = place.open()
    ids = {n: project.add_image(f"{n}.png", png()).image_id for n in "abcdefg"}
    for name in "abcdeg":
        draw(project, ids[name], BEN, BOX)
    before = {n: project.store.read(f"annotations/{i}.json")[0] for n, i in ids.items()}
    since = datetime.now(UTC).isoformat()
    draw(project, ids["a"], ANA)  # alone: two changes
    draw(project, ids["a"], ANA, OTHER)
    draw(project, ids["b"], ANA, MINE, BOX)  # ben goes on after her
    draw(project, ids["b"], BEN, MINE, BOX, OTHER)
    draw(project, ids["c"], ANA, BOX.model_copy(update={"left": 5.0}))  # both the same box
    draw(project, ids["c"], BEN, BOX.model_copy(update={"left": 9.0}))
    draw(project, ids["d"], BEN, BOX, OTHER)  # not hers
    draw(project, ids["e"], ANA)  # and then approved
    opened = project.stored_document(ids["e"])
    approved = reviewed(opened.document, Verdict.APPROVE, "rob@example.com", project.clock())
    project.put_document(ids["e"], approved, opened.version)
    ids["h"] = project.add_image("h.png", png(9, 9), ANA).image_id  # she added it
    draw(project, ids["h"], ANA, BOX)
    there = {n: project.store.read(f"annotations/{i}.json")[0] for n, i in ids.items()}

    arguments = ("undo", ANA, "--since", since)
    told = run(*arguments, "--dry-run", STORAGE=place.place)
    assert there == {n: project.store.read(f"annotations/{i}.json")[0] for n, i in ids.items()}
    done = run(*arguments, STORAGE=place.place)
    assert (told.code, done.code) == (1, 1)
    assert told.out.replace("would be ", "") == done.out
    lines = {line.split("\t")[0]: line.split("\t")[1:] for line in done.out.splitlines()}
    assert lines == {
        ids["a"]: ["a.png", "2", "restored"],
        ids["b"]: ["b.png", "1", "restored; the changes of others stay"],
        ids["h"]: ["h.png", "2", "restored"],
    }
    assert "c.png" in done.err
    assert "others have changed the same boxes" in done.err
    assert "e.png" in done.err
    assert "3 documents restored, 2 stay." in done.err
    after = {n: project.store.read(f"annotations/{i}.json")[0] for n, i in ids.items()}
    assert after["a"] == before["a"]
    assert shown(project, ids["b"]) == ["a", "b"]
    assert {n: after[n] for n in "cdefg"} == {n: there[n] for n in "cdefg"}
    assert shown(project, ids["h"]) == []
    # Undoing can itself be undone: each state is kept.
    assert there["a"] in [
        project.history.read(ids["a"], one.version) for one in project.history.versions(ids["a"])
    ]


def test_nothing_to_undo(run: Run, place: Workspace) -> None:
    project = place.open()
    project.add_image("a.png", png())
    done = run("undo", ANA, "--since", "2026-01-01", STORAGE=place.place)
    assert (done.code, done.out) == (0, "")
    assert "0 documents restored" in done.err


def test_a_folder_says_what_it_does_not_keep_any_more(run: Run, workspace: Workspace) -> None:
    project = workspace.open()
    image_id = project.add_image("a.png", png()).image_id
    draw(project, image_id, BEN, BOX)
    since = datetime.now(UTC).isoformat()
    draw(project, image_id, ANA)
    draw(project, image_id, ANA, OTHER)
    for path in sorted(Path(workspace.place, "history", image_id).iterdir())[:2]:
        path.unlink()
    done = run("undo", ANA, "--since", since)
    assert (done.code, done.out) == (1, "")
    assert "a.png" in done.err
    assert "its earlier state is not kept" in done.err
    assert shown(project, image_id) == ["b"]
