"""Earlier states of documents, in a folder and in a bucket with versions."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from labeler.errors import NotFound
from labeler.model.document import Status
from labeler.model.edits import with_status
from labeler.model.reviews import Verdict, reviewed
from labeler.project.project import Project
from labeler.storage import local_history
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes


@pytest.fixture
def project(workspace: Workspace, server: GcsServer) -> Project:
    server.bucket("labels").settings["versioning"] = {"enabled": True}
    return workspace.open()


@pytest.fixture
def image_id(project: Project) -> str:
    return project.add_image("a.png", png()).image_id


def draw(project: Project, image_id: str, by: str) -> None:
    opened = project.open_document(image_id)
    more = BOX.model_copy(update={"id": f"n{len(opened.document.rects)}"})
    wanted = with_boxes(opened, *opened.document.rects, more)
    project.save_document(image_id, wanted, opened, by)


def bytes_of(project: Project, image_id: str) -> bytes:
    return project.store.read(f"annotations/{image_id}.json")[0]


def test_each_state_is_kept_byte_for_byte(project: Project, image_id: str) -> None:
    states = {project.stored_version(image_id): bytes_of(project, image_id)}
    for by in ("ana@example.com", "ben@example.com", "ana@example.com"):
        draw(project, image_id, by)
        states[project.stored_version(image_id)] = bytes_of(project, image_id)
    found = project.history.versions(image_id)
    assert [one.version for one in found] == list(reversed(states))
    assert [(one.saved_by, one.rects) for one in found] == [
        ("ana@example.com", 3), ("ben@example.com", 2), ("ana@example.com", 1), ("", 0),
    ]  # fmt: skip
    assert [one.written_at for one in found] == sorted(
        (one.written_at for one in found), reverse=True
    )
    assert {version: project.history.read(image_id, version) for version in states} == states
    for unknown in ("", "0", "1", "1-2-3", "../../labels", "999999999999"):
        with pytest.raises(NotFound):
            project.history.read(image_id, unknown)


def test_a_review_is_a_state_by_the_reviewer(project: Project, image_id: str) -> None:
    draw(project, image_id, "ana@example.com")
    opened = project.stored_document(image_id)
    approved = reviewed(opened.document, Verdict.APPROVE, "rob@example.com", project.clock())
    project.put_document(image_id, approved, opened.version)
    first, second, _ = project.history.versions(image_id)
    assert (first.saved_by, first.status) == ("rob@example.com", Status.APPROVED)
    assert (second.saved_by, second.status) == ("ana@example.com", Status.IN_PROGRESS)


def test_what_other_programs_wrote_is_kept_too(
    project: Project, workspace: Workspace, image_id: str
) -> None:
    key = f"annotations/{image_id}.json"
    workspace.put(key, old_document("a.png"))
    opened = project.stored_document(image_id)
    changed = with_status(opened.document, Status.DONE)
    project.save_document(image_id, changed, opened, "ana@example.com")
    _, before, *_ = project.history.versions(image_id)
    assert (before.rects, before.saved_by) == (2, "")
    assert project.history.read(image_id, before.version) == old_document("a.png")
    workspace.put(key, b"{")
    assert all(one.status for one in project.history.versions(image_id))


def test_an_image_without_a_document_has_no_states(project: Project) -> None:
    assert project.history.versions("0" * 32) == []


# --- the folder's bound -----------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path / "data"))


def kept(folder: Workspace, image_id: str) -> list[Path]:
    return sorted(Path(folder.place, "history", image_id).iterdir())


def test_a_folder_keeps_so_many_states_and_no_more(
    folder: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_history, "MOST_STATES", 5)
    project = folder.open()
    image_id = project.add_image("a.png", png()).image_id
    for _ in range(12):
        draw(project, image_id, "ana@example.com")
    assert len(kept(folder, image_id)) == 5
    assert [one.rects for one in project.history.versions(image_id)] == [12, 11, 10, 9, 8, 7]


def test_a_folder_lets_go_of_what_was_replaced_long_ago(
    folder: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = folder.open()
    image_id = project.add_image("a.png", png()).image_id
    for _ in range(3):
        draw(project, image_id, "ana@example.com")
    monkeypatch.setattr(local_history, "MOST_AGE_S", 0)
    draw(project, image_id, "ana@example.com")
    # The state that was replaced just now stays, however old it is.
    assert [one.rects for one in project.history.versions(image_id)] == [4, 3]


def test_keeping_costs_no_second_copy(folder: Workspace) -> None:
    project = folder.open()
    image_id = project.add_image("a.png", png()).image_id
    path = Path(folder.place, "annotations", f"{image_id}.json")
    before = path.stat()
    draw(project, image_id, "ana@example.com")
    (only,) = kept(folder, image_id)
    assert (only.stat().st_ino, only.stat().st_nlink) == (before.st_ino, 1)
    assert path.stat().st_ino != before.st_ino


def test_a_file_system_without_links_gets_copies(
    folder: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = folder.open()
    image_id = project.add_image("a.png", png()).image_id
    state = bytes_of(project, image_id)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    draw(project, image_id, "ana@example.com")
    draw(project, image_id, "ana@example.com")
    found = project.history.versions(image_id)
    assert [one.rects for one in found] == [2, 1, 0]
    assert project.history.read(image_id, found[-1].version) == state


def test_where_nothing_can_be_kept_saving_goes_on(
    folder: Workspace, caplog: pytest.LogCaptureFixture
) -> None:
    project = folder.open()
    image_id = project.add_image("a.png", png()).image_id
    Path(folder.place, "history").write_text("a file in the way")
    draw(project, image_id, "ana@example.com")
    assert len(project.stored_document(image_id).document.rects) == 1
    assert "can't be kept" in caplog.text


def test_a_save_that_comes_too_late_keeps_nothing_wrong(folder: Workspace) -> None:
    project, other = folder.open(), folder.open()
    image_id = project.add_image("a.png", png()).image_id
    opened = other.open_document(image_id)
    draw(project, image_id, "ana@example.com")
    draw(project, image_id, "ana@example.com")
    other.save_document(image_id, with_boxes(opened, OTHER), opened, "ben@example.com")
    found = project.history.versions(image_id)
    assert [(one.rects, one.saved_by) for one in found] == [
        (3, "ben@example.com"), (2, "ana@example.com"), (1, "ana@example.com"), (0, ""),
    ]  # fmt: skip
    for one in found:
        data = project.history.read(image_id, one.version)
        assert data.count(b'"left"') == one.rects
