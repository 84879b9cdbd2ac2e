"""What is asked for: the same fields everywhere, and a split that stays."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.datasets.selection import ALL, FIELDS, Part, Selection, has_result, parse_selection
from labeler.errors import InvalidRequest
from labeler.model.document import AnnotationDocument, Rect, Status
from labeler.model.labels import LabelSet
from tests.strategies import LABELS

BOX = Rect(left=1, top=2, width=3, height=4, label="car", id="r")
IDS = [f"{number:032x}" for number in range(3000)]
PATTERN = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
SPLITS = st.lists(st.integers(0, 100), min_size=2, max_size=3).filter(any).map(tuple)


@st.composite
def choices(draw: st.DrawFn) -> Selection:
    split = draw(st.just(()) | SPLITS)
    parts = [part for part, share in zip(Part, split, strict=False) if share]
    return Selection(
        statuses=draw(st.frozensets(st.sampled_from(Status))),
        labels=tuple(draw(st.lists(LABELS, max_size=3, unique=True))),
        names=tuple(draw(st.lists(PATTERN, max_size=2, unique=True))),
        split=split,
        seed=draw(st.sampled_from(["0", "7", "é"])) if split else "0",
        part=draw(st.none() | st.sampled_from(parts)) if parts else None,
    )


@given(choices())
def test_the_fields_of_a_choice_give_it_back(choice: Selection) -> None:
    assert parse_selection(choice.fields()) == choice
    assert set(choice.fields()) <= set(FIELDS)


def test_nothing_given_is_the_default() -> None:
    assert (
        parse_selection({})
        == parse_selection({name: [""] for name in FIELDS})
        == ALL
        == Selection()
    )
    assert ALL.fields() == {}


def test_statuses_may_stand_in_one_value() -> None:
    choice = parse_selection({"status": ["done,approved", " skipped"]})
    assert choice.statuses == {Status.DONE, Status.APPROVED, Status.SKIPPED}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"labels": ["car"]}, "labels is not known.*label, name"),
        ({"status": ["finished"]}, "'finished' must be one of unlabeled"),
        ({"label": ["\x00"]}, "label="),
        ({"label": ["x" * 200]}, "label="),
        ({"name": ["x" * 301]}, "name is longer"),
        ({"name": ["a", "\udcff*"]}, "name=.* holds half of a character"),
        ({"split": ["80/20"], "seed": ["\ud800"]}, "seed=.* holds half of a character"),
        ({"label": ["car"] * 1001}, "more than 1000"),
        ({"split": ["80"]}, "80/10/10"),
        ({"split": ["0/0"]}, "80/10/10"),
        ({"split": ["1/2/3/4"]}, "80/10/10"),
        ({"split": ["-1/2"]}, "80/10/10"),
        ({"split": ["80/20"], "part": ["test"]}, "one of train, val: .* split 80/20"),
        ({"split": ["80/0/20"], "part": ["val"]}, "one of train, test"),
        ({"split": ["80/20", "70/30"]}, "split can be given once"),
        ({"part": ["train"]}, "belong to a split"),
        ({"seed": ["1"]}, "belong to a split"),
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, list[str]], words: str) -> None:
    with pytest.raises(InvalidRequest, match=words):
        parse_selection(given)


@pytest.mark.parametrize(
    ("status", "with_rect", "without"),
    [
        (None, True, False),
        ("unlabeled", True, False),
        ("in_progress", True, False),
        ("done", True, True),
        ("approved", True, True),
        ("returned", True, False),
        ("skipped", False, False),
        ("from-a-later-version", True, False),
    ],
)
def test_default_choice(status: str | None, with_rect: bool, without: bool) -> None:
    def document(*rects: Rect) -> AnnotationDocument:
        metadata = {} if status is None else {"status": status}
        return AnnotationDocument.model_validate(
            {"rects": rects, "image_path": "a.jpg", "metadata": metadata}
        )

    assert has_result(document(BOX)) is with_rect
    assert has_result(document()) is without


def test_chosen_statuses_are_exported_with_and_without_rects() -> None:
    choice = parse_selection({"status": ["skipped,unlabeled"]})
    taken = {(status, rects) for status in Status for rects in (True, False)}
    taken = {one for one in taken if choice.takes(*one)}
    assert taken == {(one, rects) for one in choice.statuses for rects in (True, False)}


@pytest.mark.parametrize(
    ("patterns", "name", "matches"),
    [
        (["street/*.jpg"], "street/a.jpg", True),
        (["street/*.jpg"], "street/night/a.jpg", True),
        (["street/*.jpg"], "street/a.jpg.png", False),
        (["street/*.jpg"], "my/street/a.jpg", False),
        (["*.JPG"], "a.jpg", False),
        (["a?.jpg", "b*"], "b/c\n.png", True),
        (["[ab].jpg"], "b.jpg", True),
        (["(+"], "(+", True),
    ],
)
def test_names(patterns: list[str], name: str, matches: bool) -> None:
    assert parse_selection({"name": patterns}).names_file(name) is matches


def test_labels_are_found_by_their_names_in_the_set() -> None:
    labels = LabelSet().added(["car", "Bus", "dog"])
    assert parse_selection({"label": [" CAR ", "bus"]}).numbers(labels) == frozenset({1, 2})
    assert ALL.numbers(labels) is None
    with pytest.raises(InvalidRequest, match="no label 'cat'"):
        parse_selection({"label": ["cat"]}).numbers(labels)


# --- the split ----------------------------------------------------------------------------


@given(SPLITS, st.sampled_from(["0", "1"]))
def test_every_image_falls_into_one_part_with_a_share(split: tuple[int, ...], seed: str) -> None:
    choice = Selection(split=split, seed=seed)
    found = Counter(choice.part_of(one) for one in IDS[:200])
    shares = dict(zip(Part, split, strict=False))
    assert all(part is not None and shares[part] for part in found)
    scopes = [{one for one in IDS[:200] if c.has_place_for(one, "a")} for c in choice.parts()]
    assert sum(map(len, scopes)) == 200 == len(set().union(*scopes))


def test_parts_have_their_shares() -> None:
    found = Counter(Selection(split=(80, 10, 10)).part_of(one) for one in IDS)
    assert {part: pytest.approx(found[part] / 30, abs=2) for part in found} == {
        Part.TRAIN: 80, Part.VAL: 10, Part.TEST: 10,
    }  # fmt: skip


def test_the_split_is_the_same_on_every_machine_for_good() -> None:
    choice = Selection(split=(2, 1, 1), seed="7")
    found = " ".join((choice.part_of(one) or "none")[:2] for one in IDS[:12])
    assert found == "va tr va te tr te va tr tr te va tr"


def test_another_seed_is_another_split() -> None:
    parts = [[Selection(split=(1, 1), seed=seed).part_of(one) for one in IDS] for seed in "01"]
    same = sum(one is other for one, other in zip(*parts, strict=True))
    assert 0.4 < same / len(IDS) < 0.6


def test_a_part_is_a_file_of_its_own() -> None:
    assert ALL.parts() == (ALL,)
    choice = parse_selection({"split": ["80/0/20"]})
    assert [one.part for one in choice.parts()] == [Part.TRAIN, Part.TEST]
    assert choice.parts()[1].parts() == (choice.parts()[1],)
