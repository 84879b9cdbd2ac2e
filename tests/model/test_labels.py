"""Labels and the label set: what a label may be, numbers that stay, files that are refused."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from labeler.errors import DamagedDocument, InvalidDocument, NewerDocument
from labeler.model import labels
from labeler.model.label_edits import recolored, renamed, replaced
from labeler.model.labels import (
    PALETTE,
    Label,
    LabelSet,
    check_label_set,
    clean_label,
    dump_label_set,
    label_key,
    new_label,
    parse_label_set,
)
from labeler.model.limits import MAX_LABEL_LENGTH
from tests.strategies import LABELS, UNKNOWN, label_sets

TWO = LabelSet().added(["person", "Car"])


def as_json(*labels: dict[str, Any], **values: Any) -> bytes:
    return json.dumps({"version": "1.0", "labels": labels} | values).encode()


def label(number: Any = 1, name: Any = "person", color: Any = "#000000", **more: Any) -> Any:
    return {"number": number, "name": name, "color": color} | more


# --- what a label may be ------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "person",
        'it\'s a "quoted" \\ `name`',
        "<script>alert('x')</script>",
        "**bold** :red[x] $x$ [a](b)",
        "../../etc/passwd",
        "=1+1",
        "%00 %s {0} {{x}}",
        "猫",
        "قطة سوداء",
        "می‌خواهم",  # with the joiner that Persian spelling needs
        "חתול",
        "🐈",
        "👩‍🚒",  # three characters and a joiner, one sign
        "❤️",
        "a\u200fb",
        "x" * 100,
        "\U0001fadf",  # newer than some Python's tables
        "null",
        "-1",
    ],
)
def test_labels_of_every_kind_are_kept_as_they_are(name: str) -> None:
    assert clean_label(name) == name
    assert parse_label_set(dump_label_set(TWO.added([name]))).find(name) is not None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("  person ", "person"),
        ("traffic \t\r\n light", "traffic light"),
        ("\u00a0a\u3000b\u2028c\u0085", "a b c"),
        ("e\u0301te\u0301", "été"),
        ("\ufb01re", "\ufb01re"),  # a ligature is another name: NFC, not NFKC
    ],
)
def test_labels_are_tidied(text: str, name: str) -> None:
    assert clean_label(text) == name


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "can't be empty"),
        ("   ", "can't be empty"),
        ("\t\n\u00a0", "can't be empty"),
        ("\u200b", "can't be empty"),
        (" \u200d\ufeff ", "can't be empty"),
        ("x" * 101, "has 101 characters; at most 100"),
        ("x" * 200, "has 200 characters; at most 100"),
        ("a\x00b", "control characters"),
        ("a\x07", "control characters"),
        ("\x7f", "control characters"),
        ("\x1b[31mred", "control characters"),
        ("a\x9fb", "control characters"),
        ("\ud800", "control characters"),
        ("a\u202eb", "change the direction"),
        ("\u2066a\u2069", "change the direction"),
    ],
)
def test_what_is_no_label(text: str, why: str) -> None:
    with pytest.raises(InvalidDocument, match=why):
        clean_label(text)
    with pytest.raises(InvalidDocument, match=why):
        TWO.added(["bus", text])


@pytest.mark.parametrize("char", ["\ufeff", "\ufffe", "\uffff"])
def test_what_is_no_character_comes_into_no_label_and_is_read_where_it_is_one(char: str) -> None:
    name = f"a{char}b"
    why = f"U\\+{ord(char):04X}, which is no character"
    for attempt in (
        lambda: new_label(name),
        lambda: TWO.added([name]),
        lambda: renamed(TWO, 1, name),
        lambda: replaced(TWO, TWO.having([*TWO.labels, TWO.labels[0].model_copy(
            update={"number": len(TWO.labels) + 1, "name": name})])),
    ):  # fmt: skip
        with pytest.raises(InvalidDocument, match=why):
            attempt()
    old = parse_label_set(dump_label_set(TWO).replace(b'"Car"', f'"{name}"'.encode()))
    assert old.find(name) is not None
    # The set can be edited as before.
    assert replaced(old, recolored(old, 1, "#000000")).labels[0].color == "#000000"
    assert clean_label(name) == name


def test_the_length_counts_after_tidying() -> None:
    assert len(clean_label(" " * 500 + "e\u0301" * 100)) == MAX_LABEL_LENGTH


@given(st.text(max_size=120))
def test_whatever_is_typed_is_a_clean_label_or_a_clear_error(text: str) -> None:
    try:
        name = clean_label(text)
    except InvalidDocument:
        return
    assert clean_label(name) == name == name.strip() == unicodedata.normalize("NFC", name)
    assert 1 <= len(name) <= MAX_LABEL_LENGTH
    assert not {unicodedata.category(char) for char in name} & {"Cc", "Cs", "Zl", "Zp"}
    assert "  " not in name
    assert label_key(name) == label_key(text)


@given(LABELS)
def test_one_label_in_every_case(name: str) -> None:
    assert label_key(name) == label_key(name.casefold()) == label_key(f" {name}\n")


# --- the set ------------------------------------------------------------------------------


def test_labels_get_the_next_numbers_and_the_colors_of_their_numbers() -> None:
    labels = LabelSet().added(f"label {number}" for number in range(1, 20))
    assert [one.number for one in labels.labels] == list(range(1, 20))
    assert [one.color for one in labels.labels] == [*PALETTE, *PALETTE[:3]]
    assert len(set(PALETTE)) == len(PALETTE)


def test_a_label_that_is_there_is_not_added_again() -> None:
    assert TWO.added(["Person", " CAR ", "car"]) is TWO
    assert [one.name for one in TWO.added(["bus", "Bus", "truck"]).labels] == [
        "person", "Car", "bus", "truck",
    ]  # fmt: skip


def test_a_gap_in_the_numbers_is_never_filled() -> None:
    labels = parse_label_set(as_json(label(7), label(3, "car")))
    assert labels.added(["bus"]).labels[-1].number == 8


def test_find_and_color() -> None:
    assert TWO.find("PERSON") == TWO.labels[0]
    assert TWO.find(" car\n") == TWO.labels[1]
    assert TWO.find("bus") is None
    assert TWO.find("") is None
    assert (TWO.color("car"), TWO.color("bus")) == (PALETTE[1], "#6b7280")
    assert LabelSet().added(["Straße"]).find("STRASSE") is not None
    assert LabelSet().added(["ÉTÉ"]).find("e\u0301te\u0301") is not None


@given(label_sets(), st.lists(LABELS, max_size=5))
def test_adding_keeps_what_is_there_and_settles(labels: LabelSet, names: list[str]) -> None:
    more = labels.added(names)
    assert more.labels[: len(labels.labels)] == labels.labels
    assert more.added(names) is more
    assert all(more.find(name) for name in names)
    keys = [label_key(one.name) for one in more.labels]
    assert len(set(keys)) == len(keys)
    assert [one.number for one in more.labels] == list(range(1, len(keys) + 1))


# --- the file -----------------------------------------------------------------------------


@given(label_sets(), UNKNOWN, UNKNOWN)
def test_what_is_written_is_read_back_unknown_keys_too(
    labels: LabelSet, unknown: dict[str, Any], unknown_in_label: dict[str, Any]
) -> None:
    changed = [one.model_dump() | unknown_in_label for one in labels.labels]
    wide = LabelSet.model_validate({"labels": changed} | unknown)
    data = dump_label_set(wide)
    assert parse_label_set(data) == wide
    assert dump_label_set(parse_label_set(data)) == data
    assert json.loads(data) == {"version": "1.0", "labels": changed} | unknown


def test_what_is_not_set_is_not_in_the_file() -> None:
    """So a set without renames is, byte for byte, what earlier versions write."""
    text = b"""{
  "version": "1.0",
  "labels": [
    {
      "number": 1,
      "name": "person",
      "color": "#e6194b"
    }
  ]
}
"""
    assert dump_label_set(LabelSet().added(["person"])) == text
    assert dump_label_set(parse_label_set(text)) == text
    told = {"former": ["human"], "retired": True}
    found = json.loads(dump_label_set(parse_label_set(as_json(label(**told)))))
    assert found["labels"] == [label(**told)]


def test_the_file_is_for_people_too() -> None:
    data = dump_label_set(LabelSet().added(["猫"])).decode()
    assert '"name": "猫"' in data
    assert data.endswith("}\n")


def test_a_hand_written_file_is_put_in_order_and_tidied() -> None:
    labels = parse_label_set(as_json(label(2, " traffic  light "), label(1, "car")))
    assert labels.labels == (
        Label(number=1, name="car", color="#000000"),
        Label(number=2, name="traffic light", color="#000000"),
    )
    assert parse_label_set(b"{}") == LabelSet()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "EOF"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'{"labels": [', "EOF"),
        (b'{"labels": []} x', "trailing"),
        (b'\xff{"labels": []}', "Invalid JSON"),
        (as_json(label(0)), r"labels\[0\].number"),
        (as_json(label(2**31)), r"labels\[0\].number"),
        (as_json(label(1.5)), r"labels\[0\].number"),
        (as_json(label(True)), r"labels\[0\].number"),
        (as_json(label("1")), r"labels\[0\].number"),
        (as_json(label(), label(2, 5)), r"labels\[1\].name"),
        (as_json(label(name=" ")), r"labels\[0\].name: A label can't be empty"),
        (as_json(label(name="x" * 101)), r"labels\[0\].name: This label has 101"),
        (as_json(label(color="red")), r"labels\[0\].color"),
        (as_json(label(color="#12345")), r"labels\[0\].color"),
        (as_json(label(color="#123456\n")), r"labels\[0\].color"),
        (as_json(label(color="#000000;x:url(y)")), r"labels\[0\].color"),
        (as_json({"number": 1, "name": "a"}), r"labels\[0\].color"),
        (as_json(label(), label(1, "car")), "the number 1 is given twice"),
        (as_json(label(), label(2, "PERSON ")), "the name 'person' is given twice"),
        (as_json(label(former="car")), r"labels\[0\].former"),
        (as_json(label(former=[" "])), r"labels\[0\].former\[0\]: A label can't be empty"),
        (as_json(label(former=["Person"])), "the name 'person' is given twice"),
        (as_json(label(former=["car"]), label(2, "CAR")), "the name 'car' is given twice"),
        (as_json(label(retired="yes")), r"labels\[0\].retired"),
        (as_json(label(merged_into=0)), r"labels\[0\].merged_into"),
        (as_json(label(merged_into=2)), "'person' is merged into number 2, which is not there"),
        (as_json(label(merged_into=1)), "'person' is merged into itself"),
        (
            as_json(
                label(merged_into=2), label(2, "car", merged_into=3), label(3, "bus", merged_into=2)
            ),
            "'person' is merged into itself",
        ),
        (as_json(version=1), "version"),
        (as_json(version="one"), "'one' is not a format version"),
        (b'{"x": NaN}', "damaged at x: it is not a finite number"),
        (b'{"x": ' + b"[" * 150 + b"]" * 150 + b"}", "levels deep"),
    ],
)
def test_damaged_files_are_refused_in_one_line(data: bytes, why: str) -> None:
    with pytest.raises(DamagedDocument, match=why) as caught:
        parse_label_set(data)
    assert not isinstance(caught.value, NewerDocument)
    assert "left as it is" in caught.value.message
    assert "labels.json" in caught.value.message
    assert "\n" not in caught.value.message
    assert "pydantic" not in caught.value.message


def test_versions() -> None:
    assert parse_label_set(as_json(label(), version="1.7")).version == "1.7"
    with pytest.raises(NewerDocument, match=r"format 2\.0"):
        parse_label_set(as_json(label(), version="2.0"))


def test_a_text_that_no_label_can_have_is_compared_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    long = "e\u0301" * 10_000
    composed: list[str] = []
    monkeypatch.setattr(labels, "nfc", composed.append)
    assert label_key(long) == long
    assert not composed


@pytest.mark.parametrize("label", [{}, {"number": 1, "name": "a", "color": "#000000", "x": []}])
def test_after_the_first_wrong_label_no_other_is_looked_at(label: dict[str, Any]) -> None:
    wrong = {**label, "former": [1] * 20}
    with pytest.raises(InvalidDocument) as raised:
        check_label_set(json.dumps({"labels": [wrong] * 10_000}).encode())
    assert isinstance(raised.value.__cause__, ValidationError)
    assert raised.value.__cause__.error_count() <= 4
