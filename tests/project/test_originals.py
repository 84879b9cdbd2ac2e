"""Originals: kept once, found again, and shown only under their own boxes."""

from __future__ import annotations

from pathlib import Path

import pytest

from labeler.errors import (
    ImageConflict,
    NotFound,
)
from labeler.image_names import name_size_id
from labeler.model.document import Status
from labeler.model.layout import document_key
from labeler.storage import ABSENT
from tests.pictures import (
    corners,
    jpeg,
    oriented,
    png,
    same_colors,
    same_size,
)
from tests.projects import BOX, Workspace, old_document, with_boxes

STRATEGIES = ("name-size", "content", "sha256", "uuid")


def test_without_originals_the_image_is_there_for_who_brought_it(workspace: Workspace) -> None:
    workspace.environ["UPLOADS"] = "off"
    project = workspace.open()
    added = project.add_image("a.png", png())
    assert sorted(workspace.objects()) == [document_key(added.image_id)]
    assert project.image_bytes(added.image_id) == png()
    opened = project.open_document(added.image_id)
    project.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    later = workspace.open()
    with pytest.raises(NotFound, match="Upload the file again"):
        later.image_bytes(added.image_id)
    assert not later.add_image("a.png", png()).created
    assert later.image_bytes(added.image_id) == png()
    assert later.open_document(added.image_id).document.rects == (BOX,)


def test_a_held_image_is_not_shown_under_the_boxes_of_another(workspace: Workspace) -> None:
    workspace.environ["UPLOADS"] = "off"
    one, two = same_size()
    here, elsewhere = workspace.open(), workspace.open()
    image_id = here.add_image("a.png", one).image_id
    workspace.remove(document_key(image_id))
    assert elsewhere.add_image("a.png", two).created
    with pytest.raises(NotFound, match="Upload the file again"):
        here.image_bytes(image_id)
    assert elsewhere.image_bytes(image_id) == two


def test_originals_may_have_a_place_of_their_own(workspace: Workspace, tmp_path: Path) -> None:
    workspace.environ["UPLOADS"] = str(tmp_path / "originals")
    added = workspace.open().add_image("a.png", png())
    assert sorted(workspace.objects()) == [document_key(added.image_id)]
    assert (tmp_path / "originals" / "a.png").read_bytes() == png()
    project = workspace.open()
    assert project.image_bytes(added.image_id) == png()
    assert project.list_images()[0].original == "a.png"


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("name", ["a.png", "cam 1/a.png"])
def test_what_a_pipeline_puts_there_is_in_the_project(
    workspace: Workspace, strategy: str, name: str
) -> None:
    workspace.environ["IMAGE_ID"] = strategy
    workspace.put(f"uploads/{name}", png())
    before = workspace.objects()
    project = workspace.open()
    [entry] = project.list_images()
    assert (entry.image_path, entry.status, entry.rects) == (name, Status.UNLABELED, 0)
    opened = project.open_document(entry.image_id)
    assert opened.version is ABSENT
    assert opened.document.image_path == name
    assert (opened.document.image_width, opened.document.image_height) == (64, 48)
    assert project.image_bytes(entry.image_id) == png()
    assert workspace.objects() == before
    saved = project.save_document(entry.image_id, with_boxes(opened, BOX), opened, by="")
    later = workspace.open()
    [entry] = later.list_images()
    assert (entry.image_id, entry.rects) == (saved.document.metadata.image_id, 1)
    assert later.open_document(entry.image_id).document.rects == (BOX,)
    assert later.image_bytes(entry.image_id) == png()


def test_the_upload_of_what_a_pipeline_put_there_is_no_second_copy(workspace: Workspace) -> None:
    workspace.put("uploads/a.png", png())
    added = workspace.open().add_image("a.png", png())
    assert added.created
    assert sorted(workspace.objects()) == [document_key(added.image_id), "uploads/a.png"]


def test_an_original_that_was_replaced_is_not_shown_under_the_boxes(workspace: Workspace) -> None:
    one, other = same_size()
    added = workspace.open().add_image("a.bmp", one)
    workspace.put("uploads/a.bmp", other)
    with pytest.raises(ImageConflict, match=r"a\.bmp"):
        workspace.open().image_bytes(added.image_id)
    workspace.put("uploads/a.bmp", one)
    assert workspace.open().image_bytes(added.image_id) == one


def test_an_old_document_is_not_shown_on_another_image_of_its_name(workspace: Workspace) -> None:
    """Format 1.0 keeps no MD5; the ID still tells which name and size the image had."""
    gone, other = same_size()[0] + b"\0", same_size()[1]
    image_id = name_size_id("a.bmp", len(gone))
    workspace.put(document_key(image_id), old_document("a.bmp"))
    workspace.put("uploads/a.bmp", other)
    with pytest.raises(ImageConflict):
        workspace.open().image_bytes(image_id)
    workspace.put(f"uploads/{image_id}/a.bmp", gone)
    assert workspace.open().image_bytes(image_id) == gone


@pytest.mark.parametrize("image_path", ["../a.png", "/home/ana/a.png", "a//b.png", "e\u0301.png"])
def test_an_old_document_with_a_path_of_another_machine_opens(
    workspace: Workspace, image_path: str
) -> None:
    data = png()
    image_id = name_size_id("a.png", len(data))
    workspace.put(document_key(image_id), old_document(image_path))
    with pytest.raises(NotFound):
        workspace.open().image_bytes(image_id)
    workspace.put("uploads/a.png", data)
    project = workspace.open()
    assert project.image_bytes(image_id) == data
    assert project.open_document(image_id).document.image_path == image_path


def test_an_original_that_is_gone_is_missed(workspace: Workspace) -> None:
    added = workspace.open().add_image("a.png", png())
    workspace.remove("uploads/a.png")
    project = workspace.open()
    with pytest.raises(NotFound, match="Upload the file again"):
        project.image_bytes(added.image_id)
    project.add_image("a.png", png())
    assert project.image_bytes(added.image_id) == png()


@pytest.mark.parametrize("image_id", ["0" * 32, "no such", "../labels", "", "A" * 32, "x" * 200])
def test_an_image_that_is_not_there_is_not_found(workspace: Workspace, image_id: str) -> None:
    project = workspace.open()
    for ask in (project.image_bytes, project.open_document, project.stored_document):
        with pytest.raises(NotFound):
            ask(image_id)


def test_the_image_for_a_browser_stands_upright(workspace: Workspace) -> None:
    project = workspace.open()
    added = project.add_image("a.tif", oriented("TIFF", 6))
    data, media_type = project.display_image(added.image_id, width=32)
    assert media_type == "image/jpeg"
    assert same_colors(corners(data))
    info = project.image_info(added.image_id)
    assert (info.width, info.height) == (64, 48)


def test_a_jpeg_is_shown_as_it_is(workspace: Workspace) -> None:
    project = workspace.open()
    added = project.add_image("a.jpg", jpeg())
    assert project.display_image(added.image_id) == (jpeg(), "image/jpeg")
