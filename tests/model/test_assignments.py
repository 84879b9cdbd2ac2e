"""Assignments: whose queue an image is in, and who put it there."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from labeler.errors import InvalidRequest
from labeler.model.assignments import (
    assigned,
    assigned_to,
    assigned_when,
    read_person,
    with_assignment_of,
)
from labeler.model.document import AnnotationDocument, dump_document, parse_document
from labeler.model.merge import merge
from labeler.model.reviews import as_saved
from tests.projects import old_document

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
OLD = parse_document(old_document("a.png"), "annotations/a.json")
ANA = assigned(OLD, "ana@example.com", "kim@example.com", NOW)


def with_keys(**metadata: Any) -> AnnotationDocument:
    data = json.loads(old_document("a.png"))
    data["metadata"] |= metadata
    return parse_document(json.dumps(data).encode(), "annotations/a.json")


def test_an_image_is_put_into_a_queue_and_taken_out() -> None:
    assert (assigned_to(OLD), assigned_when(OLD)) == ("", ("", ""))
    assert assigned_to(ANA) == "ana@example.com"
    assert assigned_when(ANA) == ("2026-11-29T12:00:00.000000+00:00", "kim@example.com")
    out = assigned(ANA, "", "rob@example.com", NOW + timedelta(hours=1))
    assert assigned_to(out) == ""
    assert assigned_when(out) == ("2026-11-29T13:00:00.000000+00:00", "rob@example.com")
    assert "assigned_to" not in json.loads(dump_document(out))["metadata"]


def test_what_holds_already_changes_nothing() -> None:
    assert assigned(ANA, "ana@example.com", "rob@example.com", NOW) is ANA
    assert assigned(OLD, "", "rob@example.com", NOW) is OLD


def test_an_assignment_changes_no_other_byte() -> None:
    out = assigned(ANA, "", "", NOW)
    kept = json.loads(dump_document(out))
    del kept["metadata"]["assigned_at"]
    assert json.dumps(kept) == json.dumps(json.loads(dump_document(OLD)))


def test_a_save_keeps_the_assignment_that_is_stored() -> None:
    assert as_saved(OLD, ANA, "ana@example.com", NOW) == ANA
    assert as_saved(ANA, OLD, "ana@example.com", NOW) == OLD
    assert dump_document(with_assignment_of(OLD, OLD)) == dump_document(OLD)


def test_a_merge_keeps_the_assignment_and_the_work() -> None:
    drawn = OLD.model_copy(update={"rects": ()})
    for ours, theirs in ((drawn, ANA), (ANA, drawn)):
        merged = merge(OLD, ours, theirs).document
        assert (assigned_to(merged), merged.rects) == ("ana@example.com", ())


@pytest.mark.parametrize("value", [7, None, ["ana@example.com"], {"to": "ana@example.com"}, True])
def test_what_another_program_keeps_under_the_key_is_nobody(value: Any) -> None:
    assert assigned_to(with_keys(assigned_to=value)) == ""


def test_the_name_of_a_person() -> None:
    assert [read_person(given) for given in (None, " Kim  Lee ", "x" * 200)] == [
        "", "Kim Lee", "x" * 200,
    ]  # fmt: skip


@pytest.mark.parametrize("given", ["", "  ", "x" * 201, "*", "-", 7, ["ana"], "a\x00b", "a\u202eb"])
def test_what_is_no_name_is_refused(given: Any) -> None:
    with pytest.raises(InvalidRequest, match="person must be a name"):
        read_person(given)
