"""What a process keeps while it runs has a bound, whatever it is asked for."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labeler.errors import NotFound
from labeler.maintenance import copy
from labeler.model.layout import document_key
from labeler.project import image_listing, originals, store_index
from labeler.project import project as project_module
from labeler.project.originals import HeldOriginals
from labeler.project.store_index import StoreIndex
from labeler.runtime import logs
from tests.pictures import png
from tests.projects import Workspace, old_document


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace(str(tmp_path / "data"))
    yield made
    made.close()


def test_images_that_are_held_stay_within_the_bytes_that_they_may_take(
    workspace: Workspace,
) -> None:
    info = workspace.open().image_info(workspace.open().add_image("a.png", png()).image_id)
    held = HeldOriginals(max_bytes=100)
    for number in range(50):
        held.keep(f"image {number}", "a.png", bytes(30), info, None)
        held.read("image 0" if number < 10 else f"image {number}", None, None)
    here = []
    for number in range(50):
        try:
            here.append(len(held.read(f"image {number}", None, None)))
        except NotFound:
            continue
    assert here == [30] * 3


def test_one_image_is_held_however_large_it_is(workspace: Workspace) -> None:
    info = workspace.open().image_info(workspace.open().add_image("a.png", png()).image_id)
    held = HeldOriginals(max_bytes=100)
    for name in ("one", "two"):
        held.keep(name, "a.png", bytes(1000), info, None)
        assert held.read(name, None, None) == bytes(1000)
    with pytest.raises(NotFound):
        held.read("one", None, None)


def test_an_image_index_remembers_what_is_there_and_little_that_is_gone(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (originals, image_listing):
        monkeypatch.setattr(module, "MAX_REMEMBERED", 5)
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    workspace.environ["IMAGE_ID"] = "sha256"
    opened = workspace.open()
    found = opened.image_index
    assert isinstance(found, StoreIndex)
    read = found._lists._from_documents
    ids = found._original_ids._ids
    for number in range(12):
        workspace.put(document_key(f"{number:032}"), old_document(f"{number}.png"))
        workspace.put(f"uploads/original {number}.png", png() + bytes(number))
        listed = opened.list_images()
        assert len(listed) == 2 * (number + 1)
        assert sum(bool(entry.rects) for entry in listed) == number + 1
        assert len(read) == len(ids) == number + 1
    for number in range(12):
        workspace.remove(document_key(f"{number:032}"))
        workspace.remove(f"uploads/original {number}.png")
    assert opened.list_images() == []
    assert not found._entries
    workspace.put("uploads/last.png", png())
    assert len(opened.list_images()) == 1
    assert max(len(read), len(ids)) <= 5


def test_own_saves_that_are_listed_are_noted_no_longer(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_index, "CACHE_SECONDS", -1.0)
    opened = workspace.open()
    for number in range(5):
        opened.add_image(f"{number}.png", png())
    opened.list_images()
    assert isinstance(opened.image_index, StoreIndex)
    assert not opened.image_index._noted


def test_what_is_known_of_images_is_bounded(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_module, "_MAX_INFOS", 3)
    opened = workspace.open()
    for number in range(10):
        image_id = opened.add_image(f"{number}.png", png()).image_id
        assert opened.image_info(image_id).width == 64
        assert len(opened._infos) <= 3


def test_of_a_line_that_never_ends_as_much_is_kept_as_is_logged() -> None:
    printed = logs.Printed("stdout", logging.INFO)
    for _ in range(200):
        printed.write("x" * 1000)
    assert len(printed._local.rest) <= logs.MAX_TEXT + 1


def test_a_copy_begins_no_more_than_it_can_soon_tell_of() -> None:
    taken = 0

    def keys() -> Iterator[int]:
        nonlocal taken
        for number in range(1000):
            taken += 1
            yield number

    with ThreadPoolExecutor(4) as pool:
        found = copy._in_order(pool, lambda number: number + 1, keys())
        assert next(found) == 1
        assert taken == copy._AHEAD
        assert list(found) == list(range(2, 1001))
