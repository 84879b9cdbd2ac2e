"""Review: what a reviewer decides about a document, and comments pinned to a box or a place.

    "metadata": {"review": {"by", "at", "verdict"}}
    "comments": [{"id", "text", "by", "at", "rect"?, "x"?, "y"?, "resolved"?}]

Both are written by the server alone: a document that somebody saves keeps the review that is
stored, and whoever adds a comment is named by the server. A document of another program that has
other values under these keys keeps them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from labeler.errors import DocumentApproved, InvalidDocument
from labeler.model.assignments import with_assignment_of
from labeler.model.comments import comments_by_id
from labeler.model.document import (
    MAX_SIDE,
    AnnotationDocument,
    Status,
    derived_id,
    iso_time,
    with_metadata,
)
from labeler.model.edits import with_status
from labeler.model.limits import MAX_COMMENT_LENGTH, MAX_COMMENTS
from labeler.model.unicode_text import has_half_character

REVIEWED: Final = (Status.APPROVED, Status.RETURNED)
"""The statuses that only a reviewer gives."""


class Verdict(StrEnum):
    """What a reviewer decides. `reopen` takes an approval back: the image is done, no more."""

    APPROVE = "approve"
    RETURN = "return"
    REOPEN = "reopen"


_STATUS: Final = {Verdict.APPROVE: Status.APPROVED, Verdict.RETURN: Status.RETURNED}


@dataclass(frozen=True, slots=True)
class NewComment:
    """A comment to be added, on the rect with the ID `rect`, at a place in pixels, or neither."""

    text: str
    rect: str | None = None
    x: float | None = None
    y: float | None = None


def check_not_approved(document: AnnotationDocument) -> None:
    """Raises DocumentApproved where a reviewer has approved the document: it is read-only."""
    if document.status is Status.APPROVED:
        raise DocumentApproved(
            f"{document.image_path} is approved and can't be changed. A reviewer can reopen it."
        )


def reviewed(
    document: AnnotationDocument,
    verdict: Verdict,
    by: str,
    now: datetime,
    comment: NewComment | None = None,
) -> AnnotationDocument:
    """The document after the verdict, with the comment.

    Who labeled it and when (saved_by, saved_at) stays. A verdict that holds already changes
    nothing without a comment. Reopening a document that is not approved changes nothing either.
    Raises DocumentApproved where an approved document is returned or commented: it is reopened
    first.
    """
    holds = document.status is _STATUS.get(verdict, document.status)
    if verdict is Verdict.REOPEN and document.status is Status.APPROVED:
        holds = False
    if holds and comment is None:
        return document
    if verdict is not Verdict.REOPEN:
        check_not_approved(document)
    changed = document if holds else with_status(document, _STATUS.get(verdict, Status.DONE))
    if not holds:
        changed = with_metadata(changed, review=_review(verdict, by, now))
    return changed if comment is None else _with_comment(changed, comment, by, now)


def as_saved(
    wanted: AnnotationDocument, stored: AnnotationDocument, by: str | None, now: datetime
) -> AnnotationDocument:
    """What somebody wants to save over `stored`: its review, its queue, and authors of comments.

    `by` is None where nobody is asked who they are: new comments keep the author that they state.
    A status that only a reviewer gives counts as their verdict; whoever calls has checked that
    they are one where `gives_verdict` says so.
    """
    review = (stored.metadata.model_extra or {}).get("review")
    if gives_verdict(wanted, stored):
        verdict = Verdict.APPROVE if wanted.status is Status.APPROVED else Verdict.RETURN
        review = _review(verdict, by or "", now)
    wanted = with_assignment_of(with_metadata(wanted, review=review), stored)
    return _with_authors(wanted, stored, by, now)


def with_labeler(
    wanted: AnnotationDocument, stored: AnnotationDocument, by: str
) -> AnnotationDocument:
    """What `by` wants to save over `stored`, still the work of the person who had done it.

    `metadata.labeled_by` names that person where somebody else changes a finished image, or answers
    a comment on a returned one, and `labeled_at` says when they saved it. Both go with the next
    work on the image.
    """
    extra = stored.metadata.model_extra or {}
    labeler = extra.get("labeled_by") or stored.metadata.saved_by
    is_theirs = stored.status is wanted.status or wanted.status in REVIEWED
    is_kept = is_theirs and stored.status in (Status.DONE, Status.RETURNED)
    if not is_kept or not isinstance(labeler, str) or labeler in ("", by):
        return with_metadata(wanted, labeled_by=None, labeled_at=None)
    at = extra.get("labeled_at") or stored.metadata.saved_at
    return with_metadata(wanted, labeled_by=labeler, labeled_at=at)


def gives_verdict(wanted: AnnotationDocument, stored: AnnotationDocument) -> bool:
    """Whether saving `wanted` over `stored` gives it a status that only a reviewer gives."""
    return wanted.status in REVIEWED and wanted.status is not stored.status


def read_comment(given: Any, document: AnnotationDocument) -> NewComment | None:
    """The comment of a call: a text, or an object with text and rect, or x and y; None for none.

    Raises InvalidDocument that names the field.
    """
    if given is None:
        return None
    fields = {"text": given} if isinstance(given, str) else given
    if not isinstance(fields, dict) or not fields.keys() <= {"text", "rect", "x", "y"}:
        raise _wrong("comment", "it must be a text, or have text, rect, x and y only")
    text = _check_text(fields.get("text"))
    if has_half_character(text):
        raise _wrong("comment.text", "it holds half of a character (a lone surrogate)")
    rect = fields.get("rect")
    if rect is not None and rect not in [one.id for one in document.rects]:
        raise _wrong("comment.rect", "the document has no rect with this id")
    x, y = (
        _coordinate(fields.get(name), name, size)
        for name, size in (("x", document.image_width), ("y", document.image_height))
    )
    if (x is None) != (y is None):
        raise _wrong("comment", "x and y go together")
    return NewComment(text.strip(), rect, x, y)


def _review(verdict: Verdict, by: str, now: datetime) -> dict[str, str]:
    return {"by": by, "at": iso_time(now), "verdict": verdict.value}


def _with_comment(
    document: AnnotationDocument, comment: NewComment, by: str, now: datetime
) -> AnnotationDocument:
    stored = _extra(document).get("comments")
    known = comments_by_id(stored)
    if known is None:
        raise _wrong("comments", "another program keeps something else there")
    _check_count(len(known) + 1)
    seed = f"{by}|{iso_time(now)}|{comment.text}"
    while (comment_id := derived_id(seed)) in known:
        seed += "|"
    more = {"rect": comment.rect, "x": comment.x, "y": comment.y}
    made: dict[str, Any] = {"id": comment_id, "text": comment.text, "by": by, "at": iso_time(now)}
    made |= {name: value for name, value in more.items() if value is not None}
    return document.model_copy(update={"comments": [*(stored or []), made]})


def _with_authors(
    wanted: AnnotationDocument, stored: AnnotationDocument, by: str | None, now: datetime
) -> AnnotationDocument:
    """The document in which nobody speaks in another's name, and no author is changed."""
    given = comments_by_id(_extra(wanted).get("comments"))
    known = comments_by_id(_extra(stored).get("comments")) or {}
    if not given:
        return wanted
    if len(given) > len(known):
        _check_count(len(given))
    signed = []
    for comment_id, comment in given.items():
        before = known.get(comment_id)
        text = comment.get("text")
        if isinstance(text, str) and text != (before or {}).get("text"):
            _check_text(text)
        author = {"by": comment.get("by", "") if by is None else by, "at": iso_time(now)}
        if before is not None:
            author = {name: before[name] for name in ("by", "at") if name in before}
        signed.append({**comment, **author})
    return wanted.model_copy(update={"comments": signed})


def _check_count(count: int) -> None:
    if count > MAX_COMMENTS:
        raise _wrong("comments", f"there would be {count}; at most {MAX_COMMENTS} are allowed")


def _check_text(text: Any) -> str:
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_COMMENT_LENGTH:
        raise _wrong("comment.text", f"it must be a text of 1 to {MAX_COMMENT_LENGTH} characters")
    return text


def _extra(document: AnnotationDocument) -> Mapping[str, Any]:
    return document.model_extra or {}


def _coordinate(value: Any, name: str, size: int | None) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(f"comment.{name}", "it must be a number of pixels")
    # An integer of 400 digits can't become a float, and NaN is never within.
    if not 0 <= value <= (MAX_SIDE if size is None else size):
        raise _wrong(f"comment.{name}", f"it lies outside the image, which goes from 0 to {size}")
    return round(float(value), 2)


def _wrong(field: str, reason: str) -> InvalidDocument:
    return InvalidDocument(f"{field}: {reason}.", field)
