"""Documents of other programs get the metadata of a save, so that no later process reads them."""

from __future__ import annotations

from typing import Any

import pytest

from labeler.errors import NotAllowed, Unavailable
from labeler.model.document import parse_document
from labeler.model.layout import document_key
from labeler.project import sealing
from labeler.project.image_entry import document_metadata
from labeler.project.project import Project
from labeler.project.sealing import Sealing
from labeler.project.store_index import StoreIndex
from labeler.storage import ABSENT, ObjectInfo, list_all
from tests.pictures import png
from tests.projects import BOX, Workspace, old_document, with_boxes
from tests.waiting import settled


def image_ids(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def documents(workspace: Workspace) -> dict[str, ObjectInfo]:
    store = workspace.store()
    found = {info.key: info for info in list_all(store, "annotations/")}
    store.close()
    return found


def is_sealed(workspace: Workspace) -> bool:
    return all("seal" in info.metadata for info in documents(workspace).values())


def serve(workspace: Workspace) -> Project:
    """The project as a process opens it that serves pages, all images listed."""
    project = workspace.open()
    assert settled(lambda: project.image_index.is_listed(1))
    return project


def is_idle(project: Project) -> bool:
    index = project.image_index
    assert isinstance(index, StoreIndex)
    return not index._sealing._workers


def test_what_was_read_once_is_read_by_no_later_process(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for image_id in image_ids(30):
        workspace.put(document_key(image_id), old_document(f"{image_id}.png"))
    before = workspace.objects()
    serve(workspace)
    assert settled(lambda: is_sealed(workspace))
    assert workspace.objects() == before  # bytes and versions
    store = workspace.store()
    for key, (data, _) in before.items():
        assert store.info(key).metadata == document_metadata(parse_document(data, key), data)
    store.close()

    later = workspace.open()
    read: list[str] = []

    def read_many(keys: Any) -> Any:
        read.extend(keys)
        return iter(())

    monkeypatch.setattr(later.store, "read_many", read_many)
    assert [entry.rects for entry in later.list_images()] == [2] * 30
    assert read == []


def test_the_first_images_of_the_page_are_not_left_out(workspace: Workspace) -> None:
    for image_id in image_ids(3):
        workspace.put(document_key(image_id), old_document(f"{image_id}.png"))
    project = workspace.open()
    assert len(project.image_index.first_images(3).entries) == 3
    assert settled(lambda: project.image_index.is_listed(1))
    assert settled(lambda: is_sealed(workspace))


def test_a_command_writes_nothing(workspace: Workspace) -> None:
    workspace.put(document_key("a"), old_document("a.png"))
    project = workspace.open()
    assert len(project.list_images()) == 1
    assert is_idle(project)
    assert not is_sealed(workspace)


def test_metadata_of_others_and_documents_of_a_newer_labeler_stay(workspace: Workspace) -> None:
    newer = {"metadata": {"status": "translated", "version": "1.0"}}
    store = workspace.store()
    for image_id, data, metadata in (
        ("theirs", old_document("theirs.png"), {"camera": "north"}),
        ("newer", old_document("newer.png", **newer), {}),
        ("damaged", b"{", {}),
    ):
        store.write(document_key(image_id), data, replaces=ABSENT, metadata=metadata)
    store.close()
    workspace.put(document_key("ours"), old_document("ours.png"))
    before = documents(workspace)
    project = serve(workspace)
    key = document_key("ours")
    assert settled(lambda: "seal" in documents(workspace)[key].metadata and is_idle(project))
    after = documents(workspace)
    del before[key], after[key]
    assert after == before


def test_a_save_meanwhile_wins(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    project = workspace.open()
    image_id = project.add_image("a.png", png()).image_id
    workspace.put(document_key(image_id), old_document("a.png"))
    store = project.store
    set_metadata = store.set_metadata

    def late(key: str, *given: Any, **named: Any) -> None:
        opened = project.open_document(image_id)
        project.save_document(image_id, with_boxes(opened, BOX), opened, "ana@example.com")
        set_metadata(key, *given, **named)

    monkeypatch.setattr(store, "set_metadata", late)
    one = Sealing(store)
    one.begin([image_id])
    assert settled(lambda: not one._workers)
    info = documents(workspace)[document_key(image_id)]
    assert (info.metadata["rects"], info.metadata["saved_by"]) == ("1", "ana@example.com")


@pytest.mark.parametrize("refused", [NotAllowed("read-only"), Unavailable("away")])
def test_a_store_that_takes_nothing_is_left_alone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, refused: Exception
) -> None:
    monkeypatch.setattr(sealing, "_WORKERS", 1)
    for image_id in image_ids(20):
        workspace.put(document_key(image_id), old_document(f"{image_id}.png"))
    store, tried = workspace.store(), 0

    def refuse(*_: Any, **__: Any) -> None:
        nonlocal tried
        tried += 1
        raise refused

    monkeypatch.setattr(store, "set_metadata", refuse)
    one = Sealing(store)
    one.begin(image_ids(20))
    assert settled(lambda: not one._workers)
    assert tried == 1
    store.close()


def test_it_ends_with_the_program(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "_REST", 1_000_000)
    for image_id in image_ids(20):
        workspace.put(document_key(image_id), old_document(f"{image_id}.png"))
    store = workspace.store()
    one = Sealing(store)
    one.begin(image_ids(20))
    assert settled(lambda: any("seal" in info.metadata for info in documents(workspace).values()))
    one.close()
    assert not one._workers
    assert not is_sealed(workspace)
    one.begin(image_ids(20))
    assert not one._workers
    store.close()
