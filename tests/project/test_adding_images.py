"""Adding images: each once, under its ID, and two images are never mixed up."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

import pytest

from labeler.errors import (
    ImageConflict,
    ImageTooLarge,
    LabelerError,
    NotAnImage,
)
from labeler.image_names import name_size_id
from labeler.model.document import Status
from labeler.model.layout import document_key
from tests.pictures import (
    REAL,
    oriented,
    png,
    real_photos,
    same_size,
)
from tests.projects import BOX, Workspace, old_document, with_boxes

HEX = hashlib.md5
STRATEGIES = ("name-size", "content", "sha256", "uuid")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_added_image_is_there_under_its_id(workspace: Workspace, strategy: str) -> None:
    workspace.environ["IMAGE_ID"] = strategy
    data = png()
    added = workspace.open().add_image("photos/street.png", data, by="ana@example.com")
    wanted = {
        "name-size": HEX(f"street.png_{len(data)}".encode()).hexdigest(),
        "content": HEX(data).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "uuid": added.image_id,
    }
    assert added.image_id == wanted[strategy]
    assert (added.image_path, added.width, added.height) == ("photos/street.png", 64, 48)
    assert added.created
    later = workspace.open()
    [entry] = later.list_images()
    assert (entry.image_id, entry.image_path) == (added.image_id, "photos/street.png")
    assert (entry.status, entry.rects, entry.problem) == (Status.UNLABELED, 0, "")
    assert entry.saved_by == "ana@example.com"
    assert later.image_bytes(added.image_id) == data
    assert sorted(workspace.objects()) == [
        document_key(added.image_id),
        "uploads/photos/street.png",
    ]


def test_a_new_document_is_the_one_of_the_format(workspace: Workspace) -> None:
    data = oriented("JPEG", 6, 64, 48)
    image_id = workspace.open().add_image("é.jpg", data, by="ana@example.com").image_id
    document = json.loads(workspace.objects()[document_key(image_id)][0])
    saved_at = datetime.fromisoformat(document["metadata"].pop("saved_at"))
    assert saved_at.utcoffset() is not None
    assert document == {
        "rects": [],
        "image_path": "é.jpg",
        "image_width": 64,
        "image_height": 48,
        "metadata": {
            "image_path": "é.jpg",
            "image_id": image_id,
            "version": "1.0",
            "content_md5": HEX(data).hexdigest(),
            "status": "unlabeled",
            "saved_by": "ana@example.com",
        },
    }


@pytest.mark.parametrize("strategy", STRATEGIES[:3])
def test_adding_again_changes_nothing(workspace: Workspace, strategy: str) -> None:
    workspace.environ["IMAGE_ID"] = strategy
    first = workspace.open()
    added = first.add_image("a.png", png())
    opened = first.open_document(added.image_id)
    first.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    before = workspace.objects()
    for project in (first, workspace.open()):
        again = project.add_image("other folder/a.png", png())
        assert (again.image_id, again.created) == (added.image_id, False)
    assert workspace.objects() == before
    assert workspace.open().open_document(added.image_id).document.rects == (BOX,)


def test_with_uuids_each_upload_is_an_image_of_its_own(workspace: Workspace) -> None:
    workspace.environ["IMAGE_ID"] = "uuid"
    project = workspace.open()
    first, second = (project.add_image("a.png", png()) for _ in range(2))
    assert first.image_id != second.image_id
    assert len(workspace.open().list_images()) == 2
    for added in (first, second):
        assert workspace.open().image_bytes(added.image_id) == png()


@pytest.mark.parametrize("strategy", ["content", "sha256"])
def test_one_image_under_two_names_is_one_image(workspace: Workspace, strategy: str) -> None:
    workspace.environ["IMAGE_ID"] = strategy
    project = workspace.open()
    first = project.add_image("a.png", png())
    before = workspace.objects()
    again = project.add_image("b.png", png())
    assert (again.image_id, again.image_path, again.created) == (first.image_id, "a.png", False)
    assert workspace.objects() == before


def test_two_images_of_one_name_and_size_are_a_conflict(workspace: Workspace) -> None:
    one, other = same_size()
    project = workspace.open()
    added = project.add_image("a.bmp", one)
    opened = project.open_document(added.image_id)
    project.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    before = workspace.objects()
    for again in (project, workspace.open()):
        with pytest.raises(ImageConflict, match="LABELER_IMAGE_ID=content"):
            again.add_image("a.bmp", other)
    assert workspace.objects() == before
    assert workspace.open().image_bytes(added.image_id) == one


def test_a_conflict_is_seen_without_originals_too(workspace: Workspace) -> None:
    workspace.environ["UPLOADS"] = "off"
    one, other = same_size()
    workspace.open().add_image("a.bmp", one)
    before = workspace.objects()
    with pytest.raises(ImageConflict):
        workspace.open().add_image("a.bmp", other)
    assert workspace.objects() == before


def test_a_conflict_is_seen_by_the_size_in_an_old_document(workspace: Workspace) -> None:
    """Format 1.0 keeps no MD5: only an image of another shape can be told apart."""
    data = png(48, 64)
    key = document_key(name_size_id("a.png", len(data)))
    workspace.put(key, old_document("a.png"))
    before = workspace.objects()
    with pytest.raises(ImageConflict):
        workspace.open().add_image("a.png", data)
    assert workspace.objects() == before


def test_a_conflict_with_an_image_that_nobody_has_opened_yet(workspace: Workspace) -> None:
    """A pipeline put it there: the upload of another one may not take its place."""
    one, other = same_size()
    workspace.put("uploads/a.bmp", one)
    before = workspace.objects()
    with pytest.raises(ImageConflict):
        workspace.open().add_image("a.bmp", other)
    assert workspace.objects() == before


@pytest.mark.parametrize("strategy", ["content", "sha256", "uuid"])
def test_other_ids_tell_two_images_apart(workspace: Workspace, strategy: str) -> None:
    workspace.environ["IMAGE_ID"] = strategy
    pictures = same_size()
    ids = [workspace.open().add_image("a.bmp", data).image_id for data in pictures]
    assert len(set(ids)) == 2
    project = workspace.open()
    assert sorted(entry.image_id for entry in project.list_images()) == sorted(ids)
    assert [project.image_bytes(one) for one in ids] == list(pictures)


def test_the_same_name_with_another_size_goes_to_a_place_of_its_own(workspace: Workspace) -> None:
    small, large = png(64, 48), png(640, 480)
    project = workspace.open()
    first, second = (project.add_image("a.png", data) for data in (small, large))
    assert first.image_id != second.image_id
    names = [name for name in workspace.objects() if name.startswith("uploads/")]
    assert names == [f"uploads/{second.image_id}/a.png", "uploads/a.png"]
    for again in (project, workspace.open()):
        assert again.image_bytes(first.image_id) == small
        assert again.image_bytes(second.image_id) == large
        assert len(again.list_images()) == 2
    assert not workspace.open().add_image("a.png", large).created


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"", NotAnImage), (b"words", NotAnImage), (png() + bytes(2**21), ImageTooLarge)],
)
def test_what_is_refused_leaves_nothing(
    workspace: Workspace, data: bytes, error: type[LabelerError]
) -> None:
    workspace.environ["MAX_UPLOAD_MB"] = "1"
    project = workspace.open()
    with pytest.raises(error):
        project.add_image("a.png", data)
    assert workspace.objects() == {}
    assert project.list_images() == []


@pytest.mark.parametrize("name", ["../../a.png", "/etc/a.png", "..\\a.png", "a\x00\r\n.png"])
def test_a_name_can_not_leave_its_place(workspace: Workspace, name: str) -> None:
    added = workspace.open().add_image(name, png())
    assert added.image_path == "a.png"
    assert sorted(workspace.objects()) == [document_key(added.image_id), "uploads/a.png"]


@pytest.mark.parametrize(
    "name", ["猫" * 300 + ".png", "قطة.png", "👩‍🚒.png", "\ud800.png", "'\"<b>.png", "a#b?c.png"]
)
def test_any_name_can_be_added_and_found(workspace: Workspace, name: str) -> None:
    added = workspace.open().add_image(name, png())
    project = workspace.open()
    assert [entry.image_path for entry in project.list_images()] == [added.image_path]
    assert project.image_bytes(added.image_id) == png()
    assert not project.add_image(name, png()).created


@pytest.mark.skipif(not REAL.exists(), reason="no real photos beside the repository")
def test_real_photos_are_a_project(workspace: Workspace) -> None:
    photos = real_photos("exif_orientation") + real_photos("bccd80")[:5]
    project = workspace.open()
    for path in photos:
        assert project.add_image(path.name, path.read_bytes()).created
    later = workspace.open()
    entries = {entry.image_path: entry for entry in later.list_images()}
    assert sorted(entries) == sorted(path.name for path in photos)
    for path in photos:
        entry = entries[path.name]
        assert entry.image_id == name_size_id(path.name, path.stat().st_size)
        assert later.image_bytes(entry.image_id) == path.read_bytes()
        opened = later.open_document(entry.image_id).document
        info = later.image_info(entry.image_id)
        assert (opened.image_width, opened.image_height) == (info.width, info.height)
