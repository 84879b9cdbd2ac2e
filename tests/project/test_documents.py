"""Documents: opened without writing, and never covered when not understood."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from labeler.errors import (
    DamagedDocument,
    NewerDocument,
)
from labeler.image_names import name_size_id
from labeler.model.document import Status
from labeler.model.layout import document_key
from labeler.storage import ABSENT
from tests.pictures import (
    png,
)
from tests.projects import BOX, OTHER, Workspace, old_document, with_boxes


def test_opening_and_showing_writes_nothing(workspace: Workspace) -> None:
    data = png()
    workspace.open().add_image("new.png", data)
    workspace.put("uploads/pipeline.png", png(32, 32))
    workspace.put(document_key(name_size_id("old.png", 9)), old_document("old.png"))
    workspace.put("annotations/damaged.json", b"{")
    project = workspace.open()
    project.labels.read()  # stores the first labels of a project, so that everybody sees the same
    before = workspace.objects()
    for entry in project.list_images():
        if not entry.problem:
            opened = project.open_document(entry.image_id)
            if opened.version is not ABSENT:
                unchanged = project.save_document(entry.image_id, opened.document, opened, by="x")
                assert unchanged.document == opened.document
    project.labels.read()
    assert len(list(project.list_documents())) == 4
    assert workspace.objects() == before


def test_an_old_document_is_opened_edited_and_keeps_what_we_do_not_know(
    workspace: Workspace,
) -> None:
    image_id = name_size_id("a.png", len(png()))
    workspace.put(document_key(image_id), old_document("a.png"))
    project = workspace.open()
    assert not project.add_image("a.png", png()).created
    opened = project.open_document(image_id)
    assert len({rect.id for rect in opened.document.rects}) == 2
    assert workspace.open().open_document(image_id).document == opened.document
    [entry] = project.list_images()
    assert (entry.status, entry.rects) == (Status.IN_PROGRESS, 2)
    project.save_document(
        image_id, with_boxes(opened, opened.document.rects[0], OTHER), opened, by="ana@example.com"
    )
    stored = json.loads(workspace.objects()[document_key(image_id)][0])
    assert stored["camera"] == {"name": "north", "lens": [1, 2.5, None]}
    assert stored["metadata"]["source"] == "import"
    assert stored["rects"][0].pop("id") == opened.document.rects[0].id
    assert stored["rects"][0] == json.loads(old_document("a.png"))["rects"][0]
    assert stored["metadata"]["saved_by"] == "ana@example.com"
    assert stored["metadata"]["image_id"] == image_id
    assert datetime.fromisoformat(stored["metadata"]["saved_at"]).utcoffset() is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"image_width": None, "image_height": None},
        {"metadata": None},
        {"metadata": {"status": "of another program"}},
        {"rects": []},
        {"rects": [{"left": -5, "top": 0, "width": 900, "height": 1, "label": ""}]},
        {"metadata": {"version": "1.9", "saved_at": "yesterday"}},
    ],
)
def test_old_documents_of_every_kind_are_listed_and_opened(
    workspace: Workspace, changes: dict[str, object]
) -> None:
    image_id = name_size_id("a.png", len(png()))
    workspace.put(document_key(image_id), old_document("a.png", **changes))
    project = workspace.open()
    [entry] = project.list_images()
    opened = project.open_document(image_id)
    assert entry.problem == ""
    assert entry.rects == len(opened.document.rects)
    assert entry.image_path == "a.png"
    saved = project.save_document(image_id, with_boxes(opened, BOX), opened, by="")
    assert workspace.open().open_document(image_id).document == saved.document


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", DamagedDocument),
        (b"{", DamagedDocument),
        (b"null", DamagedDocument),
        (b"\xff\xfe", DamagedDocument),
        (b"[]", DamagedDocument),
        (old_document("a.png", rects=[{"left": "1"}]), DamagedDocument),
        (old_document("a.png", rects=None), DamagedDocument),
        (old_document("a.png", metadata={"version": "2.0"}), NewerDocument),
        (old_document("a.png", metadata={"version": "x"}), DamagedDocument),
        (b'{"shapes": [], "metadata": {"version": "3.1"}}', NewerDocument),
    ],
)
def test_a_document_that_can_not_be_understood_is_left_as_it_is(
    workspace: Workspace, data: bytes, error: type[DamagedDocument]
) -> None:
    image_id = name_size_id("a.png", len(png()))
    workspace.put(document_key(image_id), data)
    workspace.put("uploads/a.png", png())
    before = workspace.objects()
    project = workspace.open()
    [entry] = project.list_images()
    assert document_key(image_id) in entry.problem
    for attempt in (
        lambda: project.open_document(image_id),
        lambda: project.add_image("a.png", png()),
    ):
        with pytest.raises(error):
            attempt()
    assert workspace.objects() == before


@pytest.mark.parametrize("data", [b"{", old_document("a.png", metadata={"version": "2.0"})])
def test_a_save_never_covers_a_document_that_was_damaged_meanwhile(
    workspace: Workspace, data: bytes
) -> None:
    project = workspace.open()
    added = project.add_image("a.png", png())
    opened = project.open_document(added.image_id)
    workspace.put(document_key(added.image_id), data)
    before = workspace.objects()
    with pytest.raises(DamagedDocument):
        project.save_document(added.image_id, with_boxes(opened, BOX), opened, by="")
    assert workspace.objects() == before
