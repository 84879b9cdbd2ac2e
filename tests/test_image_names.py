"""Filters of names."""

from __future__ import annotations

import fnmatch

import pytest

from labeler.image_names import name_filter


@pytest.mark.parametrize(
    ("text", "name", "fits"),
    [
        ("Cat", "a/CAT.png", True),
        ("*.PNG", "a/cat.png", True),
        ("c?t*", "cat.png", True),
        ("c?t", "cat.png", False),
        ("*a[b-d]*", "xac", True),
        ("*[", "a[", True),
        ("?\n*", "a\n\nb", True),
    ],
)
def test_a_name_with_the_text_or_of_the_pattern(text: str, name: str, fits: bool) -> None:
    assert name_filter(text)(name) is fits


def test_patterns_of_callers_are_not_kept() -> None:
    kept = fnmatch._compile_pattern  # type: ignore[attr-defined]
    before = kept.cache_info().currsize
    for number in range(100):
        assert name_filter(f"*{number}*")(f"a{number}.png")
    assert kept.cache_info().currsize == before
