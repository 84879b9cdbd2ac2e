"""The three-way merge: laws for any two edits of any document, and the rules one by one."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.errors import InvalidDocument
from labeler.model.document import (
    AnnotationDocument,
    Rect,
    Status,
    check_document,
    dump_document,
    parse_document,
)
from labeler.model.limits import MAX_RECTS
from labeler.model.merge import Choice, Merge, RectConflict, merge, resolve, with_landed
from tests.strategies import UNKNOWN_PLAIN, documents, edited

GEOMETRY = ("left", "top", "width", "height")


@st.composite
def histories(
    draw: st.DrawFn, *, disjoint: bool = False
) -> tuple[AnnotationDocument, AnnotationDocument, AnnotationDocument]:
    """A document and what two people made of it; `disjoint`: never adding under the same id."""
    base = draw(documents(unknown=UNKNOWN_PLAIN))
    ours = draw(edited(base, new_ids=("n0", "n1", "n2")))
    return base, ours, draw(edited(base, new_ids=("m0", "n3") if disjoint else ("n0", "n1", "n3")))


def by_id(document: AnnotationDocument) -> dict[str, Rect]:
    return {rect.id: rect for rect in document.rects}


def ids(document: AnnotationDocument) -> list[str]:
    return [rect.id for rect in document.rects]


def parts(rect: Rect | None) -> dict[Any, Any]:
    """What merges one by one; the tests' own reading of it."""
    if rect is None:
        return {}
    place = tuple(getattr(rect, name) for name in GEOMETRY)
    return {GEOMETRY: place, "label": rect.label} | (rect.model_extra or {})


def same_parts(one: Rect | None, other: Rect | None) -> bool:
    """Equal, and true is not 1."""
    return repr(sorted(parts(one).items(), key=str)) == repr(sorted(parts(other).items(), key=str))


def carries(rect: Rect, wanted: Rect, base: Rect | None) -> bool:
    """All that `wanted` changed in `base` is in `rect`."""
    before, after, there = parts(base), parts(wanted), parts(rect)
    missing = object()
    return all(
        repr(there.get(key, missing)) == repr(after.get(key, missing))
        for key in before.keys() | after.keys()
        if repr(before.get(key, missing)) != repr(after.get(key, missing))
    )


# --- laws ---------------------------------------------------------------------------------


@given(histories())
def test_nothing_that_one_side_added_or_changed_disappears(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    merged = merge(base, ours, theirs)
    there = by_id(merged.document)
    copies = {conflict.id: conflict.kept_as for conflict in merged.conflicts}
    for side in (ours, theirs):
        for rect in side.rects:
            before = by_id(base).get(rect.id)
            if before is None or not same_parts(rect, before):
                under_id = carries(there[rect.id], rect, before)
                copy = there.get(copies.get(rect.id, ""))
                assert under_id or same_parts(copy, rect)


@given(histories())
def test_of_a_rect_in_conflict_both_versions_are_there_whole(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    merged = merge(base, ours, theirs)
    there = by_id(merged.document)
    for conflict in merged.conflicts:
        assert conflict.base == by_id(base).get(conflict.id)
        assert conflict.ours == by_id(ours).get(conflict.id)
        assert conflict.theirs == by_id(theirs).get(conflict.id)
        assert (conflict.kind == "added") == (conflict.base is None)
        if conflict.kind == "deleted":
            assert (conflict.ours is None) != (conflict.theirs is None)
            assert there[conflict.id] == (conflict.ours or conflict.theirs)
            assert conflict.kept_as == ""
        else:
            assert there[conflict.id] == conflict.theirs
            assert same_parts(there[conflict.kept_as], conflict.ours)
            assert conflict.kept_as != conflict.id


@given(histories())
def test_a_deletion_of_a_rect_that_the_other_left_alone_holds(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    there = by_id(merge(base, ours, theirs).document)
    for side, other in ((ours, theirs), (theirs, ours)):
        for rect in base.rects:
            if rect.id not in by_id(side) and same_parts(by_id(other).get(rect.id), rect):
                assert rect.id not in there


@given(histories())
def test_nothing_is_there_that_nobody_put_there(history: tuple[AnnotationDocument, ...]) -> None:
    base, ours, theirs = history
    merged = merge(base, ours, theirs)
    known = {*ids(ours), *ids(theirs), *(conflict.kept_as for conflict in merged.conflicts)}
    assert set(ids(merged.document)) <= known
    assert len(set(ids(merged.document))) == len(merged.document.rects)


@given(histories())
def test_rects_that_both_left_alone_stay_as_they_are(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    there = by_id(merge(base, ours, theirs).document)
    for rect in base.rects:
        if by_id(ours).get(rect.id) == by_id(theirs).get(rect.id) == rect:
            assert there[rect.id] == rect


@given(histories())
def test_whoever_saves_first_the_same_comes_out_but_for_the_conflicts(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    one, other = merge(base, ours, theirs), merge(base, theirs, ours)
    assert {(c.id, c.kind, c.base, c.ours, c.theirs) for c in one.conflicts} == {
        (c.id, c.kind, c.base, c.theirs, c.ours) for c in other.conflicts
    }
    assert without_conflicts(one) == without_conflicts(other)
    assert one.document.metadata.status == other.document.metadata.status
    if in_one_order(base, ours, theirs):
        assert [name for name in ids(one.document) if name in without_conflicts(one)] == [
            name for name in ids(other.document) if name in without_conflicts(other)
        ]


def in_one_order(*sides: AnnotationDocument) -> bool:
    """The rects that all three or two of them have stand in the same order everywhere."""
    return all(
        [name for name in ids(one) if name in by_id(other)]
        == [name for name in ids(other) if name in by_id(one)]
        for one in sides
        for other in sides
    )


def without_conflicts(merged: Merge) -> dict[str, Rect]:
    left_out = {conflict.id for conflict in merged.conflicts}
    left_out |= {conflict.kept_as for conflict in merged.conflicts}
    return {rect.id: rect for rect in merged.document.rects if rect.id not in left_out}


@given(histories())
def test_merging_with_what_did_not_change_changes_nothing(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    for merged, expected in (
        (merge(base, ours, ours), ours),
        (merge(base, base, theirs), theirs),
        (merge(base, ours, base), ours),
    ):
        assert merged == Merge(expected)
        assert dump_document(merged.document) == dump_document(expected)


@given(histories())
def test_merging_again_changes_nothing(history: tuple[AnnotationDocument, ...]) -> None:
    base, ours, theirs = history
    merged = merge(base, ours, theirs)
    result = merged.document
    assert merge(base, ours, theirs) == merged
    again = merge(base, ours, result)
    assert again.document == result
    assert {c.kept_as for c in again.conflicts} >= {c.kept_as for c in merged.conflicts} - {""}
    assert merge(base, theirs, result).document == result
    assert merge(ours, ours, result) == merge(theirs, theirs, result) == Merge(result)
    if not merged.conflicts:
        assert by_id(merge(base, result, ours).document) == by_id(result)
        assert by_id(merge(base, result, theirs).document) == by_id(result)


@given(histories())
def test_the_result_can_be_stored_and_read(history: tuple[AnnotationDocument, ...]) -> None:
    result = merge(*history).document
    assert parse_document(dump_document(result), "k") == result
    assert dump_document(merge(*history).document) == dump_document(result)


@given(histories())
def test_rects_stand_in_the_order_of_the_side_that_moved_them(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    shared = [name for name in ids(base) if name in by_id(ours) and name in by_id(theirs)]
    our_order, their_order, order = (
        [name for name in ids(document) if name in shared]
        for document in (ours, theirs, merge(base, ours, theirs).document)
    )
    assert order == (our_order if their_order == shared else their_order)


@given(histories())
def test_every_other_key_is_taken_from_the_side_that_changed_it(
    history: tuple[AnnotationDocument, ...],
) -> None:
    base, ours, theirs = history
    result = merge(base, ours, theirs).document
    for read in (other_keys, metadata_keys):
        before, our, their, there = map(read, (base, ours, theirs, result))
        for key in before.keys() | our.keys() | their.keys():
            value = their.get(key) if their.get(key) != before.get(key) else our.get(key)
            if key != "status":
                assert there.get(key) == value


def other_keys(document: AnnotationDocument) -> dict[str, Any]:
    values = document.model_dump(exclude={"rects", "metadata"}, exclude_unset=True)
    size = (values.pop("image_width", None), values.pop("image_height", None))
    return {key: repr(value) for key, value in (values | {"size": size}).items()}


def metadata_keys(document: AnnotationDocument) -> dict[str, Any]:
    values = document.metadata.model_dump(exclude_unset=True)
    return {key: repr(value) for key, value in values.items()}


@given(documents())
def test_any_number_of_people_who_only_add_get_the_same_in_any_order(
    base: AnnotationDocument,
) -> None:
    new = [rect(f"n{number}", left=number) for number in range(3)]
    drafts = [base.model_copy(update={"rects": (*base.rects, one)}) for one in new]
    for order in permutations(drafts):
        stored = base
        for draft in order:
            merged = merge(base, draft, stored)
            assert not merged.conflicts
            stored = merged.document
        assert by_id(stored) == by_id(base) | {one.id: one for one in new}


# --- the rules, one by one ----------------------------------------------------------------


def rect(name: str = "r", **values: Any) -> Rect:
    plain = {"left": 1, "top": 2, "width": 3, "height": 4, "label": "car", "id": name}
    return Rect.model_validate(plain | values)


def document(
    *rects: Rect, metadata: dict[str, Any] | None = None, **values: Any
) -> AnnotationDocument:
    plain = {"image_path": "a.jpg", "image_width": 100, "image_height": 60}
    dumped = [one.model_dump(exclude_unset=True) for one in rects]
    return check_document(plain | {"rects": dumped, "metadata": metadata or {}} | values)


def test_one_moves_a_box_the_other_renames_it_a_third_key_is_kept() -> None:
    base = document(rect(x_old=1))
    ours = document(rect(label="bus", x_new=None))
    theirs = document(rect(x_old=1, left=9, width=5))
    merged = merge(base, ours, theirs)
    assert merged == Merge(document(rect(label="bus", x_new=None, left=9, width=5)))
    assert dump_document(merged.document) == dump_document(merge(base, theirs, ours).document)


def test_a_box_moved_by_both_is_kept_twice() -> None:
    base, ours, theirs = (document(rect(left=left), rect("s")) for left in (1, 5, 9))
    merged = merge(base, ours, theirs)
    (conflict,) = merged.conflicts
    copy = rect(conflict.kept_as, left=5)
    assert merged.document == document(rect(left=9), copy, rect("s"))
    assert conflict == RectConflict(
        "r", "changed", rect(left=1), rect(left=5), rect(left=9), conflict.kept_as
    )


def test_left_and_width_changed_apart_do_not_make_a_box_that_nobody_drew() -> None:
    merged = merge(document(rect()), document(rect(left=5)), document(rect(width=9)))
    assert [c.kind for c in merged.conflicts] == ["changed"]
    assert {(one.left, one.width) for one in merged.document.rects} == {(5, 3), (1, 9)}


def test_added_by_both_under_one_id() -> None:
    merged = merge(document(), document(rect(label="bus")), document(rect()))
    (conflict,) = merged.conflicts
    assert conflict.kind == "added"
    assert merged.document == document(rect(), rect(conflict.kept_as, label="bus"))
    assert not merge(document(), document(rect(x=1)), document(rect(y=2))).conflicts


@pytest.mark.parametrize("we_delete", [True, False])
def test_deleted_by_one_and_changed_by_the_other_stays(we_delete: bool) -> None:
    deleted, changed = document(), document(rect(left=5))
    sides = (deleted, changed) if we_delete else (changed, deleted)
    merged = merge(document(rect()), *sides)
    assert merged.document == changed
    (conflict,) = merged.conflicts
    assert (conflict.ours is None, conflict.theirs is None) == (we_delete, not we_delete)


def test_true_is_not_one_and_one_is_one_point_zero() -> None:
    base, ours = document(rect(x=1), y=1), document(rect(x=True), y=True)
    theirs = document(rect(x=1.0, label="bus"), y=1.0)
    expected = document(rect(x=True, label="bus"), y=True)
    for sides in ((ours, theirs), (theirs, ours)):
        merged = merge(base, *sides)
        assert not merged.conflicts
        assert dump_document(merged.document) == dump_document(expected)


def test_objects_in_unknown_keys_merge_key_by_key() -> None:
    base = document(x={"a": 1, "b": {"c": 1}}, metadata={"y": {"gone": 1}})
    ours = document(x={"a": 2, "b": {"c": 1}}, metadata={"y": {}})
    theirs = document(x={"a": 1, "b": {"c": 1, "d": 0}}, metadata={"y": {"gone": 1, "z": None}})
    merged = merge(base, ours, theirs).document
    assert merged.model_extra == {"x": {"a": 2, "b": {"c": 1, "d": 0}}}
    assert merged.metadata.model_extra == {"y": {"z": None}}


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "expected"),
    [
        ("in_progress", "done", "in_progress", "done"),
        ("in_progress", "in_progress", "done", "done"),
        ("in_progress", "done", "skipped", "skipped"),
        ("done", "approved", "returned", "returned"),
        ("done", "approved", "in_progress", "in_progress"),
        ("done", "approved", "unlabeled", "approved"),
        (None, "approved", "done", "done"),
        ("done", None, "approved", "approved"),
        ("done", None, "done", None),
        ("done", "from-a-later-version", "approved", "from-a-later-version"),
        ("done", "from-a-later-version", "returned", "returned"),
        ("done", "unlabeled", "done", "in_progress"),
    ],
)
def test_status(
    base: str | None, ours: str | None, theirs: str | None, expected: str | None
) -> None:
    def side(status: str | None, *rects: Rect) -> AnnotationDocument:
        metadata = {} if status is None else {"status": status}
        plain = document(*rects).model_dump(exclude_unset=True)
        return AnnotationDocument.model_validate(plain | {"metadata": metadata})

    sides = side(base), side(ours, rect("n")), side(theirs, rect("m"))
    assert merge(*sides).document.metadata.status == expected
    assert merge(sides[0], sides[2], sides[1]).document.metadata.status == expected


@pytest.mark.parametrize("base", [None, "unlabeled"])
@pytest.mark.parametrize("said", ["done", "skipped", "approved", "returned"])
def test_the_first_boxes_of_one_side_leave_the_status_that_the_other_gave(
    base: str | None, said: str
) -> None:
    """Two instances read one box off one canvas, and one of them heard the click after it."""
    before = document(metadata={"status": base} if base else {})
    drew = document(rect("n"), metadata={"status": "in_progress"})
    also = document(rect("n"), metadata={"status": said})
    assert merge(before, drew, also).document.status == said
    assert merge(before, also, drew).document.status == said


def test_in_progress_by_hand_is_a_status() -> None:
    before = document(metadata={"status": "unlabeled"})
    opened = document(metadata={"status": "in_progress"})
    done = document(metadata={"status": "done"})
    assert merge(before, opened, done).document.status is Status.IN_PROGRESS
    assert merge(before, done, opened).document.status is Status.IN_PROGRESS


def test_done_stays_done_when_the_other_adds_a_box_without_a_word_on_status() -> None:
    said = document(rect(), metadata={"status": "done"})
    drew = document(rect(), rect("n"))
    assert merge(document(rect()), drew, said).document.status is Status.DONE
    assert merge(document(rect()), said, drew).document.status is Status.DONE


def test_the_size_is_one_key() -> None:
    base, ours = document(), document(image_width=200)
    theirs = document(image_height=300, x=1)
    merged = merge(base, ours, theirs).document
    assert (merged.image_width, merged.image_height) == (100, 300)


def test_a_known_key_that_is_null_is_as_good_as_missing() -> None:
    base, ours = document(), document(rect(), metadata={"content_md5": "0" * 32})
    theirs = document(rect("s"), metadata={"content_md5": None})
    assert merge(base, ours, theirs).document.metadata.content_md5 == "0" * 32


def test_rects_that_one_side_has_stay_behind_the_rect_that_they_followed() -> None:
    base = document(rect("a"), rect("b"))
    ours = document(rect("y"), rect("a"), rect("z"), rect("x"), rect("b"), rect("o"))
    theirs = document(rect("a"), rect("w"), rect("b"), rect("p"))
    for merged in (merge(base, ours, theirs), merge(base, theirs, ours)):
        assert ids(merged.document) == ["y", "a", "w", "z", "x", "b", "o", "p"]


def test_the_same_version_in_two_conflicts_gets_two_copies() -> None:
    base = document(rect("a"), rect("b"))
    ours = document(rect("a", left=5), rect("b", left=5))
    theirs = document(rect("a", left=9), rect("b", left=9))
    merged = merge(base, ours, theirs)
    assert len({c.kept_as for c in merged.conflicts}) == 2
    assert len(merged.document.rects) == 4


def test_a_copy_that_somebody_edited_since_is_kept_beside_a_new_one() -> None:
    base, ours, theirs = (document(rect(left=left)) for left in (1, 5, 9))
    first = merge(base, ours, theirs)
    edit = rect(first.conflicts[0].kept_as, left=7)
    merged = merge(base, ours, document(rect(left=9), edit))
    assert {one.left for one in merged.document.rects} == {9, 5, 7}
    assert edit in merged.document.rects


def test_rects_without_ids_are_matched_by_what_parsing_calls_them() -> None:
    bare = AnnotationDocument(rects=(rect(""), rect("", left=5)), image_path="a.jpg")
    merged = merge(bare, bare, bare.model_copy(update={"image_path": "b.jpg"}))
    assert len(set(ids(merged.document))) == 2
    twice = AnnotationDocument(rects=(rect("r"), rect("r", left=5)), image_path="a.jpg")
    assert len(merge(document(), twice, document(rect("s"))).document.rects) == 3


def test_more_rects_than_a_document_may_hold() -> None:
    def many(first: str, count: int) -> AnnotationDocument:
        rects = tuple(rect(f"{first}{number}") for number in range(count))
        return AnnotationDocument(rects=rects, image_path="a.jpg")

    empty, half = many("", 0), MAX_RECTS // 2
    assert len(merge(empty, many("a", half), many("b", half)).document.rects) == MAX_RECTS
    with pytest.raises(InvalidDocument, match="10001 boxes") as caught:
        merge(empty, many("a", half), many("b", half + 1))
    assert caught.value.field == "rects"


# --- a person chooses ---------------------------------------------------------------------


@given(histories(), st.data())
def test_a_choice_leaves_just_what_was_chosen(
    history: tuple[AnnotationDocument, ...], data: st.DataObject
) -> None:
    merged = merge(*history)
    result = merged.document
    for conflict in merged.conflicts:
        choice: Choice = data.draw(st.sampled_from(["ours", "theirs", "both"]))
        before, result = result, resolve(result, conflict, choice)
        there = by_id(result)
        if choice == "both":
            assert result == before
            continue
        chosen = conflict.ours if choice == "ours" else conflict.theirs
        assert conflict.kept_as not in there
        assert same_parts(there.get(conflict.id), chosen)
        gone = {conflict.id, conflict.kept_as}
        others = [one for one in before.rects if one.id not in gone]
        assert [one for one in result.rects if one.id not in gone] == others
        assert resolve(result, conflict, choice) == result or conflict.kept_as == ""
    assert set(ids(result)) <= set(ids(merged.document))


def test_a_choice_made_after_another_changes_nothing() -> None:
    base, ours, theirs = (document(rect(left=left)) for left in (1, 5, 9))
    merged = merge(base, ours, theirs)
    (conflict,) = merged.conflicts
    chosen = resolve(merged.document, conflict, "ours")
    assert chosen == ours
    assert resolve(chosen, conflict, "theirs") == ours
    only_copy = document(rect(conflict.kept_as, left=5))
    for choice in ("ours", "theirs", "both"):
        assert resolve(only_copy, conflict, choice) == only_copy
        assert resolve(document(), conflict, choice) == document()


def test_a_choice_keeps_what_was_edited_since() -> None:
    base, ours, theirs = (document(rect(left=left)) for left in (1, 5, 9))
    merged = merge(base, ours, theirs)
    (conflict,) = merged.conflicts
    edited_since = document(rect(left=9), rect(conflict.kept_as, left=6))
    assert resolve(edited_since, conflict, "ours") == document(rect(left=6))


def test_choosing_between_a_change_and_a_deletion() -> None:
    changed = document(rect(left=5), rect("s"))
    merged = merge(document(rect(), rect("s")), document(rect("s")), changed)
    (conflict,) = merged.conflicts
    assert resolve(merged.document, conflict, "theirs") == changed
    assert resolve(merged.document, conflict, "both") == changed
    assert resolve(merged.document, conflict, "ours") == document(rect("s"))


def test_what_landed_is_recognized_by_values_and_keeps_the_order_of_the_try() -> None:
    rects = [
        {"left": 1.0, "top": 1.0, "width": 1.0, "height": 1.0, "label": "a", "id": f"r{number}"}
        for number in range(20)
    ]
    tried = check_document({"image_path": "a.jpg", "rects": [rect | {"x": 1} for rect in rects]})
    base = check_document({"image_path": "a.jpg", "rects": []})
    landed = with_landed(base, [tried], tried)
    assert [rect.id for rect in landed.rects] == [rect["id"] for rect in rects]
    others = check_document({"image_path": "a.jpg", "rects": [r | {"x": True} for r in rects]})
    assert with_landed(base, [tried], others).rects == ()
