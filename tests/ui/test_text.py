"""Text of people and programs made safe to show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.model.document import Status
from labeler.runtime.visible_text import visible
from labeler.ui.text import (
    STATUS_ICONS,
    STATUS_NAMES,
    clock_time,
    counted,
    plain,
    shortened,
    time_left,
)

NOON = datetime(2024, 3, 10, 12, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "**bold**", "_x_", "# head", "[a](http://b)", "![a](b)", "<script>alert(1)</script>",
        ":material/delete:", ":red[x]", "$x^2$", "`code`", "a | b", "~~x~~", "1. x", "- x", "&lt;",
        'a"b\'c', "\\*",
    ],
)  # fmt: skip
def test_no_mark_is_left_to_mean_anything(text: str) -> None:
    shown = plain(text)
    assert re.sub(r"\\(.)", r"\1", shown) == text
    assert not re.search(r"(?<!\\)(\\\\)*[*_`\[\]()#<>~:$&|]", shown)


@given(st.text())
def test_marks_are_escaped_and_nothing_is_lost(text: str) -> None:
    assert re.sub(r"\\(.)", r"\1", plain(text)) == visible(text.replace("\n", " "))


def test_words_stay_as_they_are() -> None:
    assert plain("street scene 12 猫 قطة") == "street scene 12 猫 قطة"


@given(st.text(), st.integers(1, 40))
def test_a_short_form_has_the_beginning_and_the_end(text: str, length: int) -> None:
    short = shortened(text, length)
    assert len(short) <= length
    if len(text) <= length:
        assert short == text
    else:
        head, _, tail = short.partition("…")
        assert text.startswith(head)
        assert text.endswith(tail)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (None, ""), (0.2, ", about 1 s left"), (89, ", about 89 s left"),
        (90, ", about 2 min left"), (831, ", about 14 min left"), (7000, ", about 2 h left"),
    ],
)  # fmt: skip
def test_the_time_left_is_shown_in_units_of_its_size(seconds: float | None, told: str) -> None:
    assert time_left(seconds) == told


def test_counts_are_shown_with_their_noun() -> None:
    assert counted(1, "box", "boxes") == "1 box"
    assert counted(30000, "box", "boxes") == "30,000 boxes"


def test_the_extension_stays_in_sight() -> None:
    assert shortened("a_very_long_name_of_a_photo_0001.jpg", 20).endswith("01.jpg")


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        (None, "12:00:05"),
        ("", "12:00:05"),
        ("Europe/Berlin", "13:00:05"),
        ("Asia/Kolkata", "17:30:05"),
        ("No/Such_Place", "12:00:05"),
        ("../../etc/passwd", "12:00:05"),
    ],
)
def test_the_time_is_that_of_the_person(zone: str | None, shown: str) -> None:
    assert clock_time(NOON, zone, now=NOON) == shown


def test_another_day_is_named() -> None:
    later = NOON + timedelta(days=1)
    assert clock_time(NOON, "UTC", now=later) == "2024-03-10 12:00:05"
    # It is the person's day that counts, not the one of Greenwich.
    evening = datetime(2024, 3, 10, 23, 30, tzinfo=UTC)
    assert clock_time(evening, "Asia/Tokyo", now=NOON) == "2024-03-11 08:30:00"
    assert clock_time(evening, "Asia/Tokyo", now=evening + timedelta(hours=1)) == "08:30:00"


def test_a_time_with_another_offset_is_the_same_time() -> None:
    there = NOON.astimezone(timezone(timedelta(hours=-7)))
    assert clock_time(there, "Europe/Berlin", now=NOON) == "13:00:05"


def test_every_status_can_be_shown() -> None:
    assert set(STATUS_ICONS) == set(STATUS_NAMES) == set(Status)
