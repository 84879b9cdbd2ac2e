"""Edits of the label set: nothing is lost by any of them, and what would damage is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.errors import InvalidDocument, LabelRefused
from labeler.model.label_edits import (
    acknowledged,
    merged,
    offered_again,
    recolored,
    renamed,
    replaced,
    retired,
    separated,
)
from labeler.model.labels import (
    Label,
    LabelSet,
    check_label_set,
    dump_label_set,
    label_key,
    parse_label_set,
    problems,
)
from tests.strategies import LABELS, label_sets

THREE = LabelSet().added(["person", "Car", "bus"])
Edit = Callable[[LabelSet], LabelSet]


def counts_as(labels: LabelSet, name: str) -> str | None:
    label = labels.find(name)
    return label.name if label else None


# --- rename -------------------------------------------------------------------------------


def test_a_renamed_label_keeps_its_number_its_color_and_its_boxes() -> None:
    labels = renamed(THREE, 2, " vehicle ")
    assert labels.labels[1] == Label(
        number=2, name="vehicle", color=THREE.labels[1].color, former=("Car",)
    )
    assert [counts_as(labels, name) for name in ("car", "VEHICLE", "bus")] == [
        "vehicle", "vehicle", "bus",
    ]  # fmt: skip
    assert labels.shown("car") == "vehicle"
    assert labels.color("car") == THREE.color("car")


def test_renaming_on_and_back() -> None:
    labels = renamed(renamed(THREE, 2, "vehicle"), 2, "auto")
    assert labels.labels[1].former == ("vehicle", "Car")
    back = renamed(labels, 2, "Car")
    assert (back.labels[1].name, back.labels[1].former) == ("Car", ("auto", "vehicle"))
    assert renamed(back, 2, "Car") is back


def test_another_spelling_is_no_former_name() -> None:
    labels = renamed(THREE, 2, "CAR")
    assert (labels.labels[1].name, labels.labels[1].former) == ("CAR", ())


def test_two_labels_never_come_to_have_one_name() -> None:
    with pytest.raises(LabelRefused, match=r"already \(number 3\).*merge 'Car' into 'bus'"):
        renamed(THREE, 2, "BUS")
    labels = renamed(THREE, 2, "vehicle")
    with pytest.raises(LabelRefused, match="'car' is a former name of 'vehicle'"):
        renamed(labels, 3, "car")
    with pytest.raises(InvalidDocument, match="can't be empty"):
        renamed(THREE, 2, " ")


def test_a_former_name_is_not_added_again() -> None:
    labels = retired(merged(renamed(THREE, 2, "vehicle"), 3, 2), 1)
    assert labels.added(["Car", "bus", "person", "VEHICLE"]) is labels
    assert labels.added(["tram"]).labels[-1].number == 4


# --- merge --------------------------------------------------------------------------------


def test_a_merged_label_counts_as_the_other_and_can_be_separated() -> None:
    labels = merged(renamed(THREE, 2, "vehicle"), 2, 3)
    assert [counts_as(labels, name) for name in ("car", "vehicle", "bus")] == ["bus"] * 3
    assert labels.color("car") == THREE.color("bus")
    assert [label.name for label in labels.labels] == ["person", "vehicle", "bus"]
    assert [label.name for label in labels.offered] == ["person", "bus"]
    assert merged(labels, 2, 3) is labels
    assert separated(labels, 2) == renamed(THREE, 2, "vehicle")
    assert separated(THREE, 2) is THREE


def test_merges_are_followed_to_the_end_and_come_apart_where_they_are_separated() -> None:
    labels = merged(merged(THREE, 1, 2), 2, 3)
    assert counts_as(labels, "person") == "bus"
    assert counts_as(separated(labels, 2), "person") == "Car"


@pytest.mark.parametrize(
    ("number", "into", "why"),
    [
        (3, 3, "'bus' can't be merged into itself"),
        (1, 3, "'person' is merged into 'Car' already: undo that merge first"),
        (2, 1, "'person' is itself merged into 'Car': undo that merge first"),
        (3, 1, "'person' is itself merged into 'Car': choose 'Car'"),
        (3, 9, "no label with the number 9"),
        (9, 3, "no label with the number 9"),
    ],
)
def test_merges_that_make_no_sense(number: int, into: int, why: str) -> None:
    labels = merged(THREE, 1, 2)
    with pytest.raises(LabelRefused, match=why):
        merged(labels, number, into)


# --- retire, recolor ---------------------------------------------------------------------


def test_a_retired_label_keeps_its_boxes_and_is_not_offered() -> None:
    labels = retired(THREE, 2)
    assert [label.name for label in labels.offered] == ["person", "bus"]
    assert counts_as(labels, "car") == "Car"
    assert retired(labels, 2) is labels
    assert offered_again(labels, 2) == THREE
    none = retired(retired(labels, 1), 3)
    assert none.offered == ()


def test_a_color_is_six_digits() -> None:
    assert recolored(THREE, 2, "#0A0b0C").labels[1].color == "#0A0b0C"
    for color in ("red", "#12345", "#123456\n", "123456", "#000000;x", ""):
        with pytest.raises(LabelRefused, match="is not a color"):
            recolored(THREE, 2, color)
    with pytest.raises(LabelRefused, match="no label with the number 4"):
        recolored(THREE, 4, "#000000")


def test_the_note_of_a_rebuilt_set_goes_when_it_was_seen() -> None:
    rebuilt = THREE.model_copy(update={"rebuilt_from": "exports/x.json"})
    assert rebuilt.added(["tram"]).rebuilt_from == "exports/x.json"
    assert acknowledged(rebuilt) == THREE
    assert acknowledged(THREE) is THREE


# --- the whole set at once ----------------------------------------------------------------


def test_a_set_that_is_sent_back_unchanged_is_the_same() -> None:
    labels = retired(merged(renamed(THREE, 2, "vehicle"), 3, 2), 1)
    assert replaced(labels, check_label_set(dump_label_set(labels))) == labels


def test_a_set_that_is_sent_keeps_every_name_that_boxes_may_have() -> None:
    labels = renamed(THREE, 2, "vehicle")
    wanted = THREE.having(
        [*THREE.labels[:1], THREE.labels[1].model_copy(update={"name": "auto"}), THREE.labels[2]]
    )
    found = replaced(labels, wanted.added(["tram"]))
    assert found.labels[1].former == ("vehicle", "Car")
    assert [label.number for label in found.labels] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (THREE.having(THREE.labels[1:]), r"number 1 \('person'\) is missing"),
        (
            THREE.having([*THREE.labels, Label(number=5, name="tram", color="#000000")]),
            r"numbered from 4 without gaps, not \[5\]",
        ),
        (
            THREE.having(
                [
                    Label(number=1, name="human", color="#000000"),
                    Label(number=2, name="person", color="#000000"),
                    THREE.labels[2],
                ]
            ),
            "the name 'person' is given twice",
        ),
    ],
)
def test_a_set_that_would_lose_something_is_refused(wanted: LabelSet, why: str) -> None:
    with pytest.raises(InvalidDocument, match=why) as caught:
        replaced(THREE, wanted)
    assert caught.value.field == "labels"


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (b"[]", ""),
        (b'{"labels": [{"number": 1, "name": "a"}]}', "labels[0].color"),
        (b'{"version": "2.0"}', "version"),
        (
            b'{"labels": [{"number": 1, "name": "a", "color": "#000000", "merged_into": 1}]}',
            "labels",
        ),
    ],
)
def test_what_is_no_label_set_is_refused_with_the_field(data: bytes, field: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        check_label_set(data)
    assert caught.value.field == field


# --- whatever is done ---------------------------------------------------------------------


@given(label_sets(), st.data())
def test_no_edit_loses_a_number_or_a_name(labels: LabelSet, data: st.DataObject) -> None:
    """And each leaves a set that can be stored and read again."""
    for _ in range(data.draw(st.integers(0, 8))):
        number, other = data.draw(st.tuples(*[st.integers(1, 6)] * 2))
        name = data.draw(LABELS)
        edits: list[Edit] = [
            partial(renamed, number=number, name=name),
            partial(merged, number=number, into=other),
            partial(separated, number=number),
            partial(retired, number=number),
            partial(offered_again, number=number),
            partial(LabelSet.added, names=[name]),
        ]
        before = labels
        try:
            labels = data.draw(st.sampled_from(edits))(before)
        except LabelRefused:
            continue
        assert not list(problems(labels))
        assert parse_label_set(dump_label_set(labels)) == labels
        assert replaced(before, labels) == labels
        numbers = [label.number for label in labels.labels]
        assert numbers == list(range(1, len(numbers) + 1))
        for old in before.labels:
            new = labels.get(old.number)
            assert new is not None
            assert {label_key(one) for one in old.names} <= {label_key(one) for one in new.names}
            assert labels.find(old.name) is not None
