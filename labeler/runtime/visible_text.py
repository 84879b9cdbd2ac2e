"""Texts of strangers on one line, with nothing in them that is obeyed instead of shown."""

from __future__ import annotations

import re
from typing import Final

_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What steers a terminal, ends a line or changes the direction of text, and what nobody sees."""
_STEERS: Final = re.compile(rf"(?![\t\n]){_UNSEEN.pattern}")


def visible(text: str) -> str:
    """The text on one line, with control and bidi characters shown as escapes."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def visible_lines(text: str) -> str:
    """The same, but with its lines and tabs. JSON stays the same JSON."""
    return _STEERS.sub(_json_escape, text)


def shortened(text: str, length: int) -> str:
    """At most `length` characters of `text`: its beginning and its end."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    tail = length - 1 - head
    return f"{text[:head]}…{text[len(text) - tail :]}"


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
