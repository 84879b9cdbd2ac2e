"""NFC in bounded work, and whoever asks for it."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.datasets.imports.match import ImageNames, Stated
from labeler.errors import InvalidDocument
from labeler.image_names import safe_file_name, safe_path
from labeler.model.labels import LabelSet, clean_label, label_key
from labeler.model.unicode_text import nfc

MARKS = "\u0300\u0316\u0327\u0345\u0f71\u0f73\u0f81\u0344\u1161\u11a8"
WORST = "a" + "\u0300\u0316" * 50_000
"""Python's own NFC takes 20 s for it."""

texts = st.text(st.one_of(st.characters(), st.sampled_from("aA\u1100\uac00 " + MARKS)))


@given(texts, st.integers(1, 120))
def test_it_is_what_unicodedata_says(text: str, times: int) -> None:
    assert nfc(text * times) == unicodedata.normalize("NFC", text * times)


def test_every_character_that_is_composed_or_comes_apart() -> None:
    for char in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.combining(char) or unicodedata.decomposition(char):
            text = f"a\u0316{char}\u0327\u0301" * 50
            assert nfc(text) == unicodedata.normalize("NFC", text)


def no_label(text: str) -> None:
    with pytest.raises(InvalidDocument, match="at most 100"):
        clean_label(text)


@pytest.mark.parametrize(
    "ask",
    [
        no_label,
        label_key,
        LabelSet().shown,
        safe_file_name,
        safe_path,
        lambda text: safe_path(f"{text}/a.png"),
        lambda text: ImageNames([("a.png", "1")]).find(Stated(f"{text}/a.png", f"{text}.txt")),
        lambda text: ImageNames([("a.png", "1")]).find(Stated(text, any_extension=True)),
    ],
)
@pytest.mark.parametrize("worst", [WORST, "\u0f73" * 50_000, "a" + " ." * 50_000 + "a"])
def test_nobody_hands_python_what_it_sorts_slowly(
    ask: Callable[[str], object], worst: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = 0
    normalize = unicodedata.normalize

    def counted(form: str, text: str) -> str:
        nonlocal steps
        before = 0
        for char in text:
            mark = unicodedata.combining(char)
            steps += 1 if mark >= before or not mark else len(text)
            before = mark
        return normalize(form, text)  # type: ignore[arg-type]

    monkeypatch.setattr(unicodedata, "normalize", counted)
    ask(worst)
    assert steps < 20 * len(worst)


def test_white_space_and_dots_around_a_name_go() -> None:
    around = "." + "".join(char for char in map(chr, range(sys.maxunicode + 1)) if char.isspace())
    assert safe_file_name(f"{around}a. b{around}") == "a. b"
