"""Deleted images: gone everywhere, restored as they were, and never lost in between."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest

from labeler.errors import (
    Deleted,
    NotAllowed,
    NotDeleted,
    NotFound,
    Unavailable,
    VersionConflict,
)
from labeler.maintenance.check import ConsistencyCheck
from labeler.maintenance.check_trash import trash_problems
from labeler.project.originals import Uploads
from labeler.project.project import Project
from labeler.project.trash import Trash
from labeler.storage import Store
from tests.gcs_server import GcsServer
from tests.pictures import png
from tests.projects import BOX, Workspace, old_document, with_boxes


@pytest.fixture
def project(workspace: Workspace) -> Project:
    return workspace.open()


@pytest.fixture
def image_id(project: Project) -> str:
    image_id = project.add_image("cam/a.png", png()).image_id
    opened = project.open_document(image_id)
    project.save_document(image_id, with_boxes(opened, BOX), opened, "ana@example.com")
    return image_id


def live(workspace: Workspace) -> dict[str, bytes]:
    """The bytes that the project consists of."""
    kept = ("annotations/", "uploads/")
    return {key: data for key, (data, _) in workspace.objects().items() if key.startswith(kept)}


def trashed(workspace: Workspace) -> list[str]:
    return [key for key in workspace.objects() if key.startswith("trash/")]


def delete(project: Project, image_id: str) -> None:
    project.trash.delete(image_id, project.stored_version(image_id))


def test_a_deleted_image_is_gone_and_comes_back_as_it_was(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    other = project.add_image("b.png", png(9, 9)).image_id
    before = live(workspace)
    metadata = project.store.info(f"annotations/{image_id}.json").metadata
    delete(project, image_id)
    assert [key for key in live(workspace) if image_id in key or "cam" in key] == []
    assert len(trashed(workspace)) == 2
    for view in (project, workspace.open()):
        assert [entry.image_id for entry in view.list_images()] == [other]
    project.trash.restore(image_id)
    assert live(workspace) == before
    assert project.store.info(f"annotations/{image_id}.json").metadata == metadata
    assert not trashed(workspace)
    for view in (project, workspace.open()):
        assert {entry.image_id for entry in view.list_images()} == {image_id, other}
        assert view.find_image(image_id).rects == 1
        assert view.image_bytes(image_id) == png()
    project.trash.restore(image_id)  # the answer was lost
    assert live(workspace) == before


def test_everybody_is_told_that_it_was_deleted(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    elsewhere = workspace.open()
    opened = elsewhere.open_document(image_id)
    elsewhere.list_images()
    elsewhere.image_info(image_id)
    delete(project, image_id)
    wanted = with_boxes(opened, BOX, BOX.model_copy(update={"id": "new"}))
    calls: list[Callable[[], Any]] = [
        lambda: elsewhere.open_document(image_id),
        lambda: elsewhere.stored_document(image_id),
        lambda: elsewhere.stored_version(image_id),
        lambda: elsewhere.image_bytes(image_id),
        lambda: elsewhere.save_document(image_id, wanted, opened, "ben@example.com"),
        lambda: project.find_image(image_id),
        lambda: project.open_document(image_id),
        lambda: project.display_image(image_id, 10),
        lambda: project.trash.delete(image_id, opened.version),  # type: ignore[arg-type]
    ]
    for call in calls:
        with pytest.raises(NotFound) as caught:
            call()
        assert isinstance(caught.value, Deleted) or call is calls[-1]
    assert not live(workspace)


def test_one_that_only_has_an_original_is_deleted_too(
    workspace: Workspace, project: Project
) -> None:
    for place in ("uploads/new.png", "uploads/twice/new.png"):
        workspace.put(place, png(7, 5))
    (entry,) = project.list_images()
    before = live(workspace)
    project.trash.delete(entry.image_id, None)
    assert not live(workspace)
    assert workspace.open().list_images() == []
    with pytest.raises(Deleted):
        workspace.open().open_document(entry.image_id)
    project.trash.restore(entry.image_id)
    assert live(workspace) == before
    assert [one.image_id for one in workspace.open().list_images()] == [entry.image_id]


def test_somebody_who_saves_meanwhile_wins(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    version = project.stored_version(image_id)
    opened = project.open_document(image_id)
    project.save_document(image_id, with_boxes(opened), opened, "ben@example.com")
    before = live(workspace)
    with pytest.raises(VersionConflict):
        project.trash.delete(image_id, version)
    assert live(workspace) == before
    assert project.open_document(image_id).document.metadata.saved_by == "ben@example.com"


def test_an_image_that_was_added_again_is_not_replaced(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    delete(project, image_id)
    assert project.add_image("cam/a.png", png()).created
    assert project.open_document(image_id).document.rects == ()
    before = live(workspace)
    with pytest.raises(NotDeleted, match="in the project again"):
        project.trash.restore(image_id)
    assert live(workspace) == before
    # Both states are in the trash then, and the newest comes back first.
    delete(project, image_id)
    project.trash.restore(image_id)
    assert project.open_document(image_id).document.rects == ()
    assert len(trashed(workspace)) == 1


def test_a_name_that_another_image_has_by_now_gives_a_place_of_its_own(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    delete(project, image_id)
    workspace.put("uploads/cam/a.png", png(5, 5))
    project.trash.restore(image_id)
    assert project.image_bytes(image_id) == png()
    assert workspace.objects()["uploads/cam/a.png"][0] == png(5, 5)


def test_a_damaged_document_goes_and_comes_back_as_it_is(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    workspace.put(f"annotations/{image_id}.json", b"{")
    before = live(workspace)
    delete(project, image_id)
    project.trash.restore(image_id)
    assert live(workspace) == before


def test_what_is_not_in_the_trash_can_not_be_restored(project: Project) -> None:
    for unknown in ("0" * 32, "../labels"):
        with pytest.raises(NotFound):
            project.trash.restore(unknown)


def test_the_trash_is_emptied_after_thirty_days(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    delete(project, image_id)
    now = project.clock()
    moments = {2: now + timedelta(days=29), 0: now + timedelta(days=31)}
    for left in (2, 0):
        clock = partial(moments.__getitem__, left)
        Trash(project.store, project.uploads, project.image_index, clock).tidy()
        assert len(trashed(workspace)) == left
    with pytest.raises(NotFound) as caught:
        project.open_document(image_id)
    assert not isinstance(caught.value, Deleted)


# --- cut off --------------------------------------------------------------------------------


class Failing:
    """A store in which everything from the change number `left` on fails."""

    def __init__(self, store: Store, left: list[int]) -> None:
        self._store = store
        self._left = left

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._changing(found) if name in ("write", "delete") else found

    def _changing(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def changing(*arguments: Any, **more: Any) -> Any:
            self._left[0] -= 1
            if self._left[0] < 0:
                raise Unavailable("the store went away")
            return call(*arguments, **more)

        return changing


def failing(project: Project, after: int) -> Trash:
    left = [after]
    assert project.uploads
    store = cast(Store, Failing(project.store, left))
    uploads = Uploads(cast(Store, Failing(project.uploads.store, left)), project.uploads.prefix)
    return Trash(store, uploads, project.image_index, project.clock)


def everything(workspace: Workspace) -> set[bytes]:
    return {data for data, _ in workspace.objects().values()}


def repaired(workspace: Workspace) -> int:
    """How many problems `check --repair` finds; afterwards there is none."""
    project = workspace.open()
    problems = list(trash_problems(project.trash))
    for problem in problems:
        assert problem.repair
        assert problem.repair()
    store = project.store
    check = ConsistencyCheck(workspace.settings, store, project.uploads, b"0123456789abcdef")
    assert not [problem.what for problem in check.problems() if problem.fault]
    return len(problems)


@pytest.mark.parametrize("after", range(4))
def test_a_deletion_that_is_cut_off_loses_nothing(
    workspace: Workspace, project: Project, image_id: str, after: int
) -> None:
    before = live(workspace)
    with pytest.raises(Unavailable):
        failing(project, after).delete(image_id, project.stored_version(image_id))
    assert everything(workspace) >= set(before.values())
    # It is repaired: the image is whole, or in the trash.
    assert repaired(workspace) == (1 if after else 0)
    project.image_index.expire()
    if live(workspace) != before:
        assert (live(workspace), len(trashed(workspace))) == ({}, 2)
        project.trash.restore(image_id)
    assert live(workspace) == before
    assert not trashed(workspace)


@pytest.mark.parametrize("after", range(4))
def test_a_deletion_that_is_cut_off_is_simply_asked_for_again(
    workspace: Workspace, project: Project, image_id: str, after: int
) -> None:
    before = live(workspace)
    with pytest.raises(Unavailable):
        failing(project, after).delete(image_id, project.stored_version(image_id))
    again = workspace.open()
    try:
        delete(again, image_id)
    except NotFound:
        again.trash.delete(image_id, None)
    assert not live(workspace)
    again.trash.restore(image_id)
    assert live(workspace) == before


@pytest.mark.parametrize("after", range(4))
@pytest.mark.parametrize("by_check", [True, False])
def test_a_restoration_that_is_cut_off_loses_nothing(
    workspace: Workspace, project: Project, image_id: str, after: int, by_check: bool
) -> None:
    before = live(workspace)
    delete(project, image_id)
    with pytest.raises(Unavailable):
        failing(project, after).restore(image_id)
    assert everything(workspace) >= set(before.values())
    if by_check and after:
        assert repaired(workspace) == 1
    else:
        project.trash.restore(image_id)
    assert live(workspace) == before
    assert not trashed(workspace)


def test_where_originals_can_not_be_removed_the_image_stays(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    class Kept(Failing):
        def __getattr__(self, name: str) -> Any:
            return super().__getattr__(name) if name == "delete" else getattr(self._store, name)

    assert project.uploads
    before = live(workspace)
    uploads = Uploads(cast(Store, Kept(project.uploads.store, [0])), project.uploads.prefix)
    trash = Trash(project.store, uploads, project.image_index, project.clock)
    with pytest.raises(Unavailable):
        trash.delete(image_id, project.stored_version(image_id))
    assert live(workspace) == before
    assert project.open_document(image_id).document.rects


def test_a_document_of_another_program_is_deleted_by_its_bytes(
    workspace: Workspace, project: Project, image_id: str
) -> None:
    workspace.put(f"annotations/{image_id}.json", old_document("cam/a.png"))
    before = live(workspace)
    delete(project, image_id)
    project.trash.restore(image_id)
    assert live(workspace) == before


RULES: dict[str, dict[str, Any]] = {
    "retention policy": {"retentionPolicy": {"retentionPeriod": "3600"}},
    "hold": {"defaultEventBasedHold": True},
}


@pytest.mark.parametrize("workspace", ["bucket"], indirect=True)
@pytest.mark.parametrize("rule", RULES)
def test_what_the_bucket_keeps_is_neither_deleted_nor_lost(
    workspace: Workspace, project: Project, image_id: str, server: GcsServer, rule: str
) -> None:
    before = live(workspace)
    settings = server.bucket("labels").settings
    settings.update(RULES[rule])
    with pytest.raises(NotAllowed, match=f"{rule}.*gcloud storage"):
        delete(project, image_id)
    opened = project.open_document(image_id)
    with pytest.raises(NotAllowed, match=f"{rule}.*gcloud storage"):
        project.save_document(image_id, with_boxes(opened), opened, "ana@example.com")
    assert live(workspace) == before
    for view in (project, workspace.open()):
        assert [entry.image_id for entry in view.list_images()] == [image_id]
    for name in RULES[rule]:
        del settings[name]
    delete(project, image_id)
    assert live(workspace) == {}
    settings.update(RULES[rule])
    with pytest.raises(NotAllowed, match=f"{rule}.*gcloud storage"):
        project.trash.restore(image_id)
    assert live(workspace) == before  # what can't be removed is the copy in the trash
    for name in RULES[rule]:
        del settings[name]
