"""Image numbers in several objects: no number changes, and none is given twice."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from labeler.datasets.exports import registry_shards
from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.exports.numbering import ImageNumbers
from labeler.errors import DamagedDocument, NewerDocument, Unavailable
from labeler.model.layout import REGISTRY, REGISTRY_KEY, registry_shard_key
from labeler.model.stored_json import check_version
from labeler.storage import Store, Version
from labeler.storage.local import LocalStore
from tests.projects import Workspace, old_document


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_shards, "SHARD_IDS", 3)


def nothing() -> tuple[dict[str, int], int]:
    return {}, 0


def give(store: Store, *image_ids: str) -> dict[str, int]:
    numbers = ImageNumbers(store, nothing)
    return dict(numbers.numbers(numbers.read(), image_ids)[0])


def give_in(workspace: Workspace, *image_ids: str) -> dict[str, int]:
    """Another process's view."""
    with closing(workspace.store()) as store:
        return give(store, *image_ids)


def stored(workspace: Workspace) -> dict[str, list[str]]:
    return {
        key: json.loads(data)["images"]
        for key, (data, _) in workspace.objects().items()
        if key.startswith(REGISTRY)
    }


def test_numbers_go_on_in_shards(workspace: Workspace) -> None:
    assert give_in(workspace, "a", "b") == {"a": 1, "b": 2}
    assert stored(workspace) == {REGISTRY_KEY: ["a", "b"]}
    assert give_in(workspace, *"cdefgh") == {
        one: number for number, one in enumerate("abcdefgh", 1)
    }
    assert stored(workspace) == {
        REGISTRY_KEY: ["a", "b", "c"],
        "registry/images/0000000004.json": ["d", "e", "f"],
        "registry/images/0000000007.json": ["g", "h"],
    }
    assert give_in(workspace) == give_in(workspace, "c", "h")


def test_only_the_last_shard_is_written_again(workspace: Workspace) -> None:
    give_in(workspace, *"abcdefgh")
    before = workspace.objects()
    give_in(workspace, "i", "j")
    after = workspace.objects()
    changed = {key for key in after if before.get(key) != after[key]}
    assert changed == {"registry/images/0000000007.json", "registry/images/0000000010.json"}


def test_a_single_list_is_taken_over_without_changing_a_number(workspace: Workspace) -> None:
    """An earlier program kept all numbers in one list, however long, and its own keys with it."""
    images = ["a", "", "b", "c", "d"]
    workspace.put(REGISTRY_KEY, json.dumps({"version": "1.1", "images": images, "x": 1}).encode())
    assert give_in(workspace) == {"a": 1, "b": 3, "c": 4, "d": 5}
    assert json.loads(workspace.objects()[REGISTRY_KEY][0])["version"] == "1.1"
    assert give_in(workspace, "e") == {"a": 1, "b": 3, "c": 4, "d": 5, "e": 6}
    sealed = json.loads(workspace.objects()[REGISTRY_KEY][0])
    assert sealed == {"version": "2.0", "images": images, "x": 1}
    assert stored(workspace)[registry_shard_key(6)] == ["e"]
    with pytest.raises(NewerDocument):  # a program that knows no shards gives no number again
        check_version(sealed["version"], REGISTRY_KEY)


def test_many_exports_at_once_give_each_number_once(workspace: Workspace) -> None:
    def work(one: int) -> dict[str, int]:
        return give_in(workspace, *(f"{one}-{place}" for place in range(5)), "shared")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(work, range(4)))
    final = give_in(workspace)
    assert sorted(final.values()) == list(range(1, 22))
    for one in found:
        assert one.items() <= final.items()


class Dying(LocalStore):
    """A store whose process ends after some writes."""

    left = 0

    def write(self, key: str, data: bytes | BinaryIO, **more: Any) -> Version:
        if not self.left:
            raise Unavailable("the process ends here")
        self.left -= 1
        return super().write(key, data, **more)


@pytest.mark.parametrize("writes", range(5))
@pytest.mark.parametrize("before", ["", "ab", "abc", "abcd"])
def test_a_process_that_is_killed_loses_no_number(tmp_path: Path, writes: int, before: str) -> None:
    dying = Dying(tmp_path)
    dying.left = 9
    was = give(dying, *before) if before else {}
    dying.left = writes
    ended = False
    try:
        give(dying, *"mnopqrst")
    except Unavailable:
        ended = True
    dying.left = 9
    between = give(dying)
    assert was.items() <= between.items()
    final = give(dying, "z", *"mnopqrst")
    assert between.items() <= final.items()
    assert sorted(final.values()) == list(range(1, len(before) + 10))
    assert ended is (len(final) > len(between) + 1)
    dying.close()


@pytest.fixture
def exported(workspace: Workspace) -> tuple[Workspace, dict[str, int]]:
    """A project of eight images and their numbers, with an export that knows them."""
    for one in "abcdefgh":
        workspace.put(f"annotations/{one}.json", old_document(f"{one}.jpg"))
    open_exporter(workspace.open()).write()
    return workspace, give_in(workspace)


@pytest.mark.parametrize("lost", [(1,), (4,), (7,), (4, 7), (1, 4), (1, 7), (1, 4, 7)])
def test_a_lost_shard_is_made_anew_from_the_exports(
    exported: tuple[Workspace, dict[str, int]], lost: tuple[int, ...]
) -> None:
    workspace, numbers = exported
    for first in lost:
        workspace.remove(registry_shard_key(first))
    workspace.put("annotations/0.json", old_document("0.jpg"))
    open_exporter(workspace.open()).write()
    assert give_in(workspace) == {**numbers, "0": 9}
    assert [one for images in stored(workspace).values() for one in images] == [*"abcdefgh", "0"]


def test_two_numbers_for_an_image_are_refused(workspace: Workspace) -> None:
    give_in(workspace, *"abcd")
    workspace.put(registry_shard_key(4), b'{"images":["d","a"]}')
    before = workspace.objects()
    with pytest.raises(DamagedDocument, match=r"0000000004\.json is damaged"):
        give_in(workspace, "e")
    assert workspace.objects() == before


def test_what_is_no_shard_is_left_alone(workspace: Workspace) -> None:
    give_in(workspace, *"abcd")
    workspace.put("registry/images/notes.txt", b"hello")
    assert give_in(workspace, "e")["e"] == 5
