"""The walk through the folder store in the order of keys."""

from __future__ import annotations

import random
import unicodedata
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from labeler.storage.local_tree import Tree


class CountedNames(list[str]):
    """Names of a folder that count how often one of them is looked at."""

    looks = 0

    def __getitem__(self, at: Any) -> Any:
        CountedNames.looks += len(range(*at.indices(len(self)))) if isinstance(at, slice) else 1
        return super().__getitem__(at)


def test_a_walk_page_by_page_costs_in_proportion_to_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = CountedNames(f"{number:06d}.json" for number in range(20_000))
    monkeypatch.setattr(Tree, "_names", lambda _tree, _folder: names)
    tree = Tree(tmp_path, lambda _path: False)
    found: list[str] = []
    while page := list(islice(tree.keys("", found[-1] if found else ""), 1001))[:1000]:
        found += page
    assert found == names
    assert CountedNames.looks < 2 * len(names)


ODD_NAMES = (
    "a", "a-", "a0", "b", "b.c", ".hidden", ".labeler", "\u00e9", "\u0418\u0300x", "字", "c\n",
    unicodedata.normalize("NFD", "\u00e9"), unicodedata.normalize("NFD", "\u00fcb"),
)  # fmt: skip


def files_of(tree: Tree, prefix: str, few: int = 0) -> list[str]:
    """The keys of files: a walk may meet a file and a folder of one name, composed and not."""
    return [key for key in tree.keys(prefix, "", few) if tree.path(key).is_file()]


@pytest.mark.parametrize("seed", range(20))
def test_the_first_keys_are_those_of_the_whole_walk(tmp_path: Path, seed: int) -> None:
    source = random.Random(seed)
    for name in source.sample(ODD_NAMES, 8):
        place = tmp_path / name
        if source.random() < 0.5:
            place.mkdir()
            for inner in source.sample(ODD_NAMES, source.randint(0, 3)):
                (place / inner).touch()
        else:
            place.touch()
    tree = Tree(tmp_path, lambda path: "a" in path)
    for prefix in ("", "a", "b/", "\u00e9", "字/"):
        every = files_of(tree, prefix)
        assert every == sorted(set(every))
        for few in range(1, 10):
            assert files_of(tree, prefix, few) == every, (prefix, few)


def test_the_first_keys_do_not_wait_until_all_names_are_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(50):
        (tmp_path / f"{number:02d}.jpg").touch()
    tree = Tree(tmp_path, lambda _path: False)
    monkeypatch.setattr(Tree, "_names", lambda *_: pytest.fail("all names were put in order"))
    assert list(islice(tree.keys("", "", 3), 3)) == ["00.jpg", "01.jpg", "02.jpg"]


def test_names_that_are_known_are_not_read_again_for_the_first_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = Tree(tmp_path, lambda _path: False)
    known = ["a.jpg", "b.jpg", "c.jpg"]
    monkeypatch.setattr(Tree, "_cached", lambda *_: known)
    assert list(islice(tree.keys("", "", 2), 2)) == known[:2]
