"""Names in other programs' files and the images that they mean."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.matching import Ambiguous, Match, NameIndex

INDEX = NameIndex([
    ("a.jpg", "1"), ("b/a.jpg", "2"), ("c/x.png", "3"), ("c/d/y.png", "4"), ("e/d/y.png", "5"),
    ("café.jpg", "6"), ("t.jpg", "7"), ("t.png", "8"), ("f/z.jpg", "9"), ("g/z.jpg", "10"),
    ("noext", "11"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.jpg", Match("1", True)),
        ("b/a.jpg", Match("2", True)),
        ("images/train/b/a.jpg", Match("2", True)),
        ("x.png", Match("3", False)),
        ("train/x.png", Match("3", False)),
        ("train/a.jpg", Match("1", False)),
        ("images/5/y.png", Match("5", True)),
        ("/abs/../c/x.png", Match("3", True)),
        ("d/y.png", Ambiguous(("c/d/y.png", "e/d/y.png"))),
        ("c/d/y.png", Match("4", True)),
        ("z.jpg", Ambiguous(("f/z.jpg", "g/z.jpg"))),
        ("h/z.jpg", Ambiguous(("f/z.jpg", "g/z.jpg"))),
        ("no.jpg", None),
        ("a", None),
        (unicodedata.normalize("NFD", "café.jpg"), Match("6", True)),
        ("A.jpg", None),
        ("half\ud800.jpg", None),
        ("", None),
    ],
)
def test_names(name: str, expected: object) -> None:
    assert INDEX.find(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("b/a", Match("2", True)),
        ("images/c/x", Match("3", True)),
        ("t", Ambiguous(("t", "t"))),
        ("noext", Match("11", True)),
        ("x.png", Match("3", False)),
        ("q", None),
    ],
)
def test_names_without_their_extension(name: str, expected: object) -> None:
    assert INDEX.find(name, any_extension=True) == expected


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)


@given(st.lists(PATHS, max_size=6, unique=True), PATHS)
def test_a_path_that_is_there_is_found_and_no_other_base_name(paths: list[str], name: str) -> None:
    index = NameIndex((path, path) for path in paths)
    for path in paths:
        assert index.find(path) == Match(path, True)
    found = index.find(name)
    alike = [path for path in paths if path.split("/")[-1] == name.split("/")[-1]]
    if not alike:
        assert found is None
    elif isinstance(found, Match):
        assert found.image_id in alike
        if not found.whole:
            assert alike == [found.image_id] or "/" not in found.image_id
    else:
        assert len(alike) > 1


def test_an_image_listed_twice_is_one() -> None:
    index = NameIndex([("x/a.jpg", "1"), ("1/a.jpg", "1")])
    assert index.find("a.jpg") == Match("1", False)
    assert index.of_base_name("any/a.jpg") == ["1", "1"]
