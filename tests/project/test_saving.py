"""Saving: what several people do to one image is all kept."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from labeler.errors import (
    ImageConflict,
    InvalidDocument,
)
from labeler.image_names import name_size_id
from labeler.model.layout import document_key
from labeler.model.limits import MAX_RECTS
from labeler.project.originals import Uploads
from labeler.project.project import OpenedDocument, Project
from tests.pictures import (
    png,
    same_size,
)
from tests.projects import BOX, OTHER, Workspace, with_boxes

HEX = hashlib.md5


def test_a_save_is_there_for_everybody(workspace: Workspace) -> None:
    project = workspace.open()
    added = project.add_image("a.png", png())
    opened = project.open_document(added.image_id)
    saved = project.save_document(added.image_id, with_boxes(opened, BOX, OTHER), opened, by="ana")
    assert saved.conflicts == ()
    later = workspace.open()
    assert later.open_document(added.image_id).document == saved.document
    assert later.open_document(added.image_id).version == saved.version
    [entry] = later.list_images()
    assert (entry.rects, entry.saved_by) == (2, "ana")
    assert project.list_images() == [entry]


def test_a_save_without_a_change_writes_nothing(workspace: Workspace) -> None:
    project = workspace.open()
    added = project.add_image("a.png", png())
    opened = project.open_document(added.image_id)
    saved = project.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    before = workspace.objects()
    now = OpenedDocument(saved.document, saved.version)
    again = project.save_document(added.image_id, now.document, now, by="somebody else")
    assert (again.document, again.version) == (now.document, now.version)
    # Neither does one that arrives a second time from its first base, as after a lost answer.
    repeated = project.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    assert repeated.document.rects == (BOX,)
    assert workspace.objects() == before


def test_more_boxes_than_can_be_read_again_are_not_stored(workspace: Workspace) -> None:
    project = workspace.open()
    image_id = project.add_image("a.png", png()).image_id
    opened = project.open_document(image_id)
    before = workspace.objects()
    many = [BOX.model_copy(update={"id": f"n{number}"}) for number in range(MAX_RECTS + 1)]
    with pytest.raises(InvalidDocument, match="10001 boxes; at most 10000 are allowed"):
        project.save_document(image_id, with_boxes(opened, *many), opened, by="")
    assert workspace.objects() == before


def test_two_people_s_boxes_are_both_kept(workspace: Workspace) -> None:
    ana, ben = workspace.open(), workspace.open()
    image_id = ana.add_image("a.png", png()).image_id
    for_ana, for_ben = ana.open_document(image_id), ben.open_document(image_id)
    ana.save_document(image_id, with_boxes(for_ana, BOX), for_ana, by="ana")
    saved = ben.save_document(image_id, with_boxes(for_ben, OTHER), for_ben, by="ben")
    assert set(saved.document.rects) == {BOX, OTHER}
    assert saved.conflicts == ()
    assert workspace.open().open_document(image_id).document == saved.document


def test_a_box_that_both_changed_is_kept_twice_and_told(workspace: Workspace) -> None:
    ana, ben = workspace.open(), workspace.open()
    image_id = ana.add_image("a.png", png()).image_id
    empty = ana.open_document(image_id)
    first = ana.save_document(image_id, with_boxes(empty, BOX), empty, by="ana")
    base = ben.open_document(image_id)
    left, right = (BOX.model_copy(update={"left": left}) for left in (3.0, 9.0))
    ana.save_document(
        image_id, with_boxes(base, left), OpenedDocument(first.document, first.version), by="ana"
    )
    saved = ben.save_document(image_id, with_boxes(base, right), base, by="ben")
    assert [conflict.id for conflict in saved.conflicts] == ["a"]
    assert {rect.left for rect in saved.document.rects} == {3.0, 9.0}


def test_boxes_come_back_where_somebody_deleted_the_document(workspace: Workspace) -> None:
    project = workspace.open()
    image_id = project.add_image("a.png", png()).image_id
    opened = project.open_document(image_id)
    workspace.remove(document_key(image_id))
    project.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    assert workspace.open().open_document(image_id).document.rects == (BOX,)


def test_two_who_open_a_pipeline_s_image_at_once_share_its_document(workspace: Workspace) -> None:
    workspace.put("uploads/a.png", png())
    ana, ben = workspace.open(), workspace.open()
    [entry] = ana.list_images()
    for_ana, for_ben = (one.open_document(entry.image_id) for one in (ana, ben))
    ana.save_document(entry.image_id, with_boxes(for_ana, BOX), for_ana, by="ana")
    ben.save_document(entry.image_id, with_boxes(for_ben, OTHER), for_ben, by="ben")
    assert set(workspace.open().open_document(entry.image_id).document.rects) == {BOX, OTHER}


def test_many_who_save_at_once_lose_nothing(workspace: Workspace) -> None:
    image_id = workspace.open().add_image("a.png", png()).image_id
    datasets = [workspace.open() for _ in range(6)]
    bases = [project.open_document(image_id) for project in datasets]

    def save(number: int) -> None:
        box = BOX.model_copy(update={"id": f"n{number}", "left": float(number)})
        base = bases[number]
        datasets[number].save_document(image_id, with_boxes(base, box), base, by=f"n{number}")

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(save, range(6)))
    rects = workspace.open().open_document(image_id).document.rects
    assert {rect.id for rect in rects} == {f"n{number}" for number in range(6)}


def test_many_who_add_one_image_at_once_have_one(workspace: Workspace) -> None:
    with ThreadPoolExecutor(6) as pool:
        added = list(pool.map(lambda _: workspace.open().add_image("a.png", png()), range(6)))
    assert len({one.image_id for one in added}) == 1
    assert [one.created for one in added].count(True) == 1
    assert len(workspace.objects()) == 2


def test_of_two_who_add_two_images_of_one_id_at_once_one_is_reported(workspace: Workspace) -> None:
    def add(data: bytes) -> str:
        try:
            return workspace.open().add_image("a.bmp", data).image_id
        except ImageConflict:
            return "conflict"

    pictures = same_size()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(add, pictures))
    assert sorted(answers) == sorted(["conflict", name_size_id("a.bmp", len(pictures[0]))])
    winner = pictures[1 - answers.index("conflict")]
    [entry] = workspace.open().list_images()
    assert workspace.open().image_bytes(entry.image_id) == winner
    document = workspace.open().open_document(entry.image_id).document
    assert document.metadata.content_md5 == HEX(winner).hexdigest()


def test_a_save_is_stamped_with_the_clock_in_utc(tmp_path: Path) -> None:
    workspace = Workspace(str(tmp_path))
    image_id = workspace.open().add_image("a.png", png()).image_id
    moment = datetime(2031, 5, 6, 7, 8, 9, 123456, tzinfo=timezone(timedelta(hours=2)))
    store = workspace.store()
    project = Project(
        workspace.settings, store, Uploads(store, "uploads/"), b"secret", clock=lambda: moment
    )
    opened = project.open_document(image_id)
    saved = project.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    assert saved.document.metadata.saved_at == "2031-05-06T05:08:09.123456+00:00"
