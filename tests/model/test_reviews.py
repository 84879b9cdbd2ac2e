"""Verdicts and comments on documents."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from labeler.errors import DocumentApproved, InvalidDocument
from labeler.model.document import AnnotationDocument, Status, dump_document, parse_document
from labeler.model.merge import merge
from labeler.model.reviews import (
    NewComment,
    Verdict,
    as_saved,
    check_not_approved,
    gives_verdict,
    read_comment,
    reviewed,
)

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
LATER = datetime(2026, 11, 29, 13, tzinfo=UTC)
AT = "2026-11-29T12:00:00.000000+00:00"
ROB = "rob@example.com"


def document(status: str | None = "done", **more: Any) -> AnnotationDocument:
    rect = {"left": 1, "top": 2, "width": 3, "height": 4, "label": "car", "id": "r"}
    metadata = {"status": status, "saved_by": "lea@example.com", "saved_at": "2026-11-28T00:00:00"}
    whole = {"rects": [rect], "image_path": "a.png", "image_width": 64, "image_height": 48}
    return parse_document(json.dumps({**whole, "metadata": metadata, **more}).encode(), "a")


def plain(document: AnnotationDocument) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dump_document(document))
    return found


@pytest.mark.parametrize(
    ("status", "verdict", "after"),
    [
        ("done", Verdict.APPROVE, "approved"),
        ("returned", Verdict.APPROVE, "approved"),
        ("done", Verdict.RETURN, "returned"),
        ("skipped", Verdict.RETURN, "returned"),
        (None, Verdict.APPROVE, "approved"),
        ("approved", Verdict.REOPEN, "done"),
    ],
)
def test_a_verdict_says_who_and_when_and_leaves_who_labeled_it(
    status: str | None, verdict: Verdict, after: str
) -> None:
    before = document(status)
    metadata = plain(reviewed(before, verdict, ROB, NOW))["metadata"]
    assert metadata == {
        **plain(before)["metadata"],
        "status": after,
        "review": {"by": ROB, "at": AT, "verdict": verdict.value},
    }


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("approved", Verdict.APPROVE), ("returned", Verdict.RETURN), ("done", Verdict.REOPEN),
        ("returned", Verdict.REOPEN),
    ],
)  # fmt: skip
def test_a_verdict_that_holds_already_changes_nothing(status: str, verdict: Verdict) -> None:
    before = document(status)
    assert reviewed(before, verdict, ROB, NOW) is before


@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.RETURN])
def test_an_approved_one_is_reopened_before_it_is_changed(verdict: Verdict) -> None:
    approved = document("approved")
    with pytest.raises(DocumentApproved, match=r"a\.png is approved"):
        reviewed(approved, verdict, ROB, NOW, NewComment("no"))
    with pytest.raises(DocumentApproved):
        check_not_approved(approved)
    check_not_approved(reviewed(approved, Verdict.REOPEN, ROB, NOW))


def test_a_comment_is_added_behind_those_that_there_are() -> None:
    known = {"id": "c", "text": "here", "color": "red"}
    once = reviewed(
        document(comments=[known]), Verdict.RETURN, ROB, NOW, NewComment("wheel", rect="r")
    )
    twice = reviewed(once, Verdict.RETURN, ROB, NOW, NewComment("wheel", x=1.5, y=2.0))
    first, second, third = plain(twice)["comments"]
    assert first == known
    assert second == {"id": second["id"], "text": "wheel", "by": ROB, "at": AT, "rect": "r"}
    assert third == {"id": third["id"], "text": "wheel", "by": ROB, "at": AT, "x": 1.5, "y": 2.0}
    assert len({"c", second["id"], third["id"]}) == 3
    assert parse_document(dump_document(twice), "a") == twice


def test_what_another_program_keeps_there_is_not_overwritten() -> None:
    with pytest.raises(InvalidDocument, match="comments"):
        reviewed(document(comments="many"), Verdict.RETURN, ROB, NOW, NewComment("no"))
    assert plain(reviewed(document(comments="many"), Verdict.RETURN, ROB, NOW))["comments"] == (
        "many"
    )


@pytest.mark.parametrize(
    ("given", "comment"),
    [
        (None, None),
        (" a wheel ", NewComment("a wheel")),
        ({"text": "a", "rect": "r"}, NewComment("a", "r")),
        ({"text": "a", "x": 63.999, "y": 48, "rect": None}, NewComment("a", None, 64.0, 48.0)),
    ],
)
def test_a_comment_of_a_call(given: Any, comment: NewComment | None) -> None:
    assert read_comment(given, document()) == comment


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ("", "comment.text"), ("  ", "comment.text"), ("x" * 2001, "comment.text"),
        ("\ud800", "comment.text"), (5, "comment"), ([], "comment"), ({}, "comment.text"),
        ({"text": "a", "by": "boss"}, "comment"), ({"text": "a", "rect": "none"}, "comment.rect"),
        ({"text": "a", "x": 1}, "comment"), ({"text": "a", "x": -1, "y": 1}, "comment.x"),
        ({"text": "a", "x": 1, "y": 49}, "comment.y"),
        ({"text": "a", "x": True, "y": 1}, "comment.x"),
        ({"text": "a", "x": float("nan"), "y": 1}, "comment.x"),
        ({"text": "a", "x": 10**400, "y": 1}, "comment.x"),
        ({"text": "a", "x": 1, "y": float("inf")}, "comment.y"),
    ],
)  # fmt: skip
def test_a_comment_that_is_wrong_names_the_field(given: Any, field: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_comment(given, document())
    assert caught.value.field == field


@pytest.mark.parametrize("x", [10**400, -(10**400), float("inf"), float("nan"), 2**31])
def test_a_place_on_an_image_of_unknown_size_is_one_that_an_image_may_have(x: float) -> None:
    unsized = document(image_width=None, image_height=None)
    with pytest.raises(InvalidDocument, match="x: it lies outside"):
        read_comment({"text": "a", "x": x, "y": 1}, unsized)
    assert read_comment({"text": "a", "x": 9.999, "y": 1}, unsized) == NewComment("a", None, 10, 1)


# --- what people save -----------------------------------------------------------------------


def test_nobody_speaks_in_anothers_name_or_takes_the_review_away() -> None:
    stored = reviewed(document(), Verdict.RETURN, ROB, NOW, NewComment("wheel"))
    mine = plain(stored)
    (comment,) = mine["comments"]
    mine["comments"] = [
        {**comment, "by": "boss", "at": "x", "resolved": True}, {"id": "new", "text": "done"},
        {"id": "newer", "text": "!", "by": "boss"},
    ]  # fmt: skip
    mine["metadata"] |= {"status": "in_progress", "review": {"verdict": "approve"}}
    wanted = AnnotationDocument.model_validate(mine)
    assert not gives_verdict(wanted, stored)
    saved = plain(as_saved(wanted, stored, "lea@example.com", LATER))
    written = {"by": "lea@example.com", "at": "2026-11-29T13:00:00.000000+00:00"}
    assert saved["comments"] == [
        {**comment, "resolved": True},
        {"id": "new", "text": "done", **written},
        {"id": "newer", "text": "!", **written},
    ]
    assert saved["metadata"]["review"] == plain(stored)["metadata"]["review"]


def test_a_review_that_nobody_gave_is_not_stored() -> None:
    mine = plain(document())
    mine["metadata"]["review"] = {"by": ROB}
    saved = as_saved(AnnotationDocument.model_validate(mine), document(), "", LATER)
    assert plain(saved) == plain(document())


@pytest.mark.parametrize(("status", "verdict"), [("approved", "approve"), ("returned", "return")])
def test_saving_a_reviewers_status_is_a_verdict(status: str, verdict: str) -> None:
    assert gives_verdict(document(status), document())
    saved = plain(as_saved(document(status), document(), ROB, NOW))
    assert saved["metadata"]["review"] == {"by": ROB, "at": AT, "verdict": verdict}
    assert not gives_verdict(document(status), document(status))
    assert not gives_verdict(document("done"), document("approved"))


# --- merge ----------------------------------------------------------------------------------


def comments(*given: Any) -> AnnotationDocument:
    return document(comments=list(given))


A, B, C = ({"id": name, "text": name} for name in "abc")


def test_comments_of_two_people_are_both_kept() -> None:
    merged = merge(comments(A), comments(A, B), comments(A, C))
    assert plain(merged.document)["comments"] == [A, B, C]
    assert not merged.conflicts
    assert plain(merge(document(), comments(A), comments(B)).document)["comments"] == [A, B]


def test_a_comment_is_merged_key_by_key() -> None:
    resolved, longer = {**A, "resolved": True}, {**A, "text": "longer"}
    both = plain(merge(comments(A), comments(resolved), comments(longer)).document)["comments"]
    assert both == [{**A, "text": "longer", "resolved": True}]
    ours = {**A, "text": "ours"}
    assert plain(merge(comments(A), comments(ours), comments(longer)).document)["comments"] == (
        [longer]
    )


def test_a_deleted_comment_is_gone_unless_somebody_changed_it() -> None:
    changed = {**A, "resolved": True}
    assert plain(merge(comments(A, B), comments(B), comments(A, B, C)).document)["comments"] == (
        [B, C]
    )
    for ours, theirs in ((comments(B), comments(changed)), (comments(changed), comments(B))):
        assert plain(merge(comments(A), ours, theirs).document)["comments"] in (
            [B, changed], [changed, B],
        )  # fmt: skip


@pytest.mark.parametrize("other", ["text", [1], [A, A], [{"text": "no id"}], {"a": 1}])
def test_what_is_no_list_of_comments_merges_like_any_key(other: Any) -> None:
    merged = merge(comments(A), comments(A, B), document(comments=other))
    assert plain(merged.document)["comments"] == other


def test_a_return_wins_over_being_done() -> None:
    base = document("in_progress")
    returned = reviewed(base, Verdict.RETURN, ROB, NOW, NewComment("wheel"))
    merged = merge(base, document("done"), returned).document
    assert merged.status is Status.RETURNED
    assert plain(merged)["comments"][0]["text"] == "wheel"
