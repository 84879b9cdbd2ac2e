"""Answers of calls that replace a stored document: the new document, or the one in the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse, Response

from labeler.api.preconditions import Condition, etag
from labeler.api.responses import ASK_AGAIN, error_body, headers
from labeler.errors import Deleted, NotFound, VersionConflict
from labeler.model.document import AnnotationDocument, dump_document
from labeler.project.project import OpenedDocument, Project
from labeler.storage import ABSENT

Change = Callable[[AnnotationDocument], tuple[AnnotationDocument, bytes | None]]
"""Returns the document to store, and its exact bytes if they matter."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """The result of a call: the bytes that are stored now, or for 412 the document in the way."""

    status: int
    tag: str | None
    body: bytes = b""
    document: AnnotationDocument | None = None


def tag_of(opened: OpenedDocument) -> str | None:
    """The ETag of the document; None if it is not stored."""
    return None if opened.version is ABSENT else etag(opened.version)


def current_state(opened: OpenedDocument) -> Replaced:
    """412 with the document as it is stored."""
    tag = tag_of(opened)
    return Replaced(412, tag, document=opened.document if tag else None)


def document_answer(status: int, body: bytes, tag: str | None, **more: str) -> Response:
    """The document as JSON, with its ETag."""
    return Response(
        body,
        status,
        headers(ASK_AGAIN, ETag=tag or "", **more),
        media_type="application/json",
    )


def short_answer(put: Replaced) -> Response:
    """The ETag alone, for a caller who has the document."""
    more = {"ETag": put.tag or "", "Preference_Applied": "return=minimal"}
    return Response(b"", put.status, headers(ASK_AGAIN, **more))


def prefers_short(values: Iterable[str]) -> bool:
    """Whether these Prefer headers ask for `return=minimal` (RFC 7240); the first return counts."""
    for preference in ",".join(values).split(","):
        name, _, value = preference.partition(";")[0].partition("=")
        if name.strip().lower() == "return":
            return value.strip().strip('"').lower() == "minimal"
    return False


def is_same_but_stamp(sent: bytes, stored: bytes) -> bool:
    """Whether two documents as JSON differ at most in when and by whom they were saved."""
    one, other = (json.loads(text) for text in (sent, stored))
    for document in (one, other):
        for name in ("saved_at", "saved_by"):
            document.get("metadata", {}).pop(name, None)
    return bool(one == other)


def changed_answer(put: Replaced) -> Response:
    """412, with everything that the caller needs to merge and to try again."""
    happened = "has changed since you read it" if put.tag else "is not stored"
    error = VersionConflict(
        f"The document {happened}; nothing was saved. Merge with `document`, then save over `etag`."
    )
    document = put.document.model_dump(exclude_unset=True) if put.document else None
    body: dict[str, Any] = {**error_body(error), "document": document, "etag": put.tag}
    more = {"ETag": put.tag} if put.tag else {}
    return JSONResponse(body, 412, headers(ASK_AGAIN, **more))


def state_in_the_way(project: Project, image_id: str) -> Replaced:
    """412 with the document that somebody else has stored meanwhile."""
    try:
        return current_state(project.stored_document(image_id))
    except Deleted:
        raise
    except NotFound:  # deleted in between by another program
        return Replaced(412, None)


def change_stored(
    project: Project, image_id: str, condition: Condition, change: Change
) -> Replaced:
    """Store the result of `change` on the stored document, if the condition holds.

    Writes nothing if nothing changes. Raises the errors of `change`, and NotFound.
    """
    opened = project.stored_document(image_id)
    if not condition.holds(tag_of(opened)):
        return current_state(opened)
    wanted, data = change(opened.document)
    if wanted is opened.document:
        return Replaced(200, tag_of(opened), dump_document(wanted))
    try:
        saved = project.put_document(image_id, wanted, opened.version, data)
    except VersionConflict:
        return state_in_the_way(project, image_id)
    return Replaced(200, etag(saved.version), dump_document(saved.document))
