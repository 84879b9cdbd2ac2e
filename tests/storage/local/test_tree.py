"""The walk through the folder store in the order of keys."""

from __future__ import annotations

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
