"""Unicode's composed form (NFC) in linear time, and text that UTF-8 can't hold. Pure."""

from __future__ import annotations

import unicodedata
from itertools import groupby
from typing import Final

_SHORT: Final = 200


def nfc(text: str) -> str:
    """The text in NFC, in time that grows with its length alone.

    Python's own function sorts combining marks by insertion and holds the interpreter lock: 56,000
    marks behind one letter stop the whole process for 9 s. Here they are sorted first.
    """
    if len(text) <= _SHORT or text.isascii():
        return unicodedata.normalize("NFC", text)
    apart = "".join(unicodedata.normalize("NFD", char) for char in text)
    ordered: list[str] = []
    for are_marks, run in groupby(apart, _is_mark):
        chars = list(run)
        ordered += sorted(chars, key=unicodedata.combining) if are_marks else chars
    return unicodedata.normalize("NFC", "".join(ordered))


def has_half_character(text: str) -> bool:
    """Whether the text has a lone surrogate, which JSON can state and UTF-8 can't hold."""
    return any("\ud800" <= char <= "\udfff" for char in text)


def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) > 0
