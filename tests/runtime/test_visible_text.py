"""No text of a stranger ends a line, steers a terminal or turns text round, wherever it goes."""

from __future__ import annotations

import io
import json
import logging
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from labeler.cli.terminal import print_message, print_result
from labeler.runtime.events import Audit
from labeler.runtime.logs import JsonLines, LogSource, TextLines
from labeler.runtime.visible_text import visible, visible_lines
from labeler.ui.text import plain as markdown

EVIL = (
    "a\n12:00:00 WARNING All is well", "\x1b[2J\x1b]0;title\x07", "\x9b31mred", "\r\r\rcovered",
    "\u202egpj.exe", "\u2066a\u2069", "\u2028next", "\u200fx\u061c", "\ud800", "\x00\x7f\ufeff",
    "\U000e0041hidden",
)  # fmt: skip
BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

texts = st.one_of(
    st.sampled_from(EVIL),
    st.text(),
    st.text(st.sampled_from("".join(EVIL) + "".join(sorted(BIDI)))),
)


def obeyed(text: str, *, but: str = "") -> list[str]:
    """The characters of the text that are obeyed and not shown."""
    return [
        char
        for char in text
        if (unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in BIDI)
        and char not in but
    ]


def record(message: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("x", logging.WARNING, __file__, 1, message, args, None)


@given(texts)
@example("plain text: äöü 漢字 👩‍👩‍👧")
def test_what_is_seen_is_kept_and_what_is_obeyed_is_shown(text: str) -> None:
    shown = visible(text)
    assert obeyed(shown) == []
    if not obeyed(text) and "\ufeff" not in text and not any(c >= "\U000e0000" for c in text):
        assert shown == text


@given(texts)
def test_a_log_for_people_has_one_line_per_message(text: str) -> None:
    for line in (TextLines().format(record("%s", text)), TextLines().format(record(text))):
        assert obeyed(line) == []


@given(texts)
def test_a_log_for_programs_has_one_line_of_ascii_per_message(text: str) -> None:
    entry = record("Audit: %s", text)
    entry.event = Audit(
        action="save", person=text, target=text, old_version="", new_version="", code=""
    )
    line = JsonLines(LogSource()).format(entry)
    assert line.isascii()
    assert obeyed(line) == []
    assert json.loads(line)["target"] == text


def test_a_traceback_keeps_its_lines_and_nothing_else() -> None:
    try:
        raise ValueError("\x1b[31m\u202e")
    except ValueError as error:
        entry = record("It failed")
        entry.exc_info = (ValueError, error, error.__traceback__)
    text = TextLines().format(entry)
    assert obeyed(text, but="\n") == []
    assert "Traceback" in text


@given(texts)
def test_a_terminal_gets_nothing_to_obey(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        out, err = io.StringIO(), io.StringIO()
        patch.setattr("sys.stdout", out)
        patch.setattr("sys.stderr", err)
        print_message(text)
        print_result(text)
    assert obeyed(err.getvalue().removesuffix("\n")) == []
    assert obeyed(out.getvalue(), but="\n\t") == []


@given(texts)
def test_json_on_a_terminal_stays_the_same_json(text: str) -> None:
    shown = visible_lines(json.dumps({"name": text}, ensure_ascii=False, indent=2))
    assert obeyed(shown, but="\n\t") == []
    assert json.loads(shown) == {"name": text}


@given(texts)
def test_a_page_gets_text_without_markup(text: str) -> None:
    shown = markdown(text)
    assert obeyed(shown) == []
    unescaped = shown.replace("\\\\", "")
    for mark in "`*_[]<>":
        assert unescaped.count(mark) == unescaped.count(f"\\{mark}")
