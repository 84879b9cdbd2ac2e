"""Assignments: in whose queue an image is.

    "metadata": {"assigned_to", "assigned_by", "assigned_at"}

The server alone writes these keys: a document that somebody saves keeps the assignment that is
stored. An image that was taken out of a queue keeps who did that and when.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from labeler.errors import InvalidRequest
from labeler.model.document import AnnotationDocument, iso_time, with_metadata

ANYBODY: Final = "*"
NOBODY: Final = "-"
"""In filters: all images that are assigned, or that are not. No person has these names."""
MAX_NAME: Final = 200
_KEYS: Final = ("assigned_to", "assigned_by", "assigned_at")


def assigned_to(document: AnnotationDocument) -> str:
    """The name of the person in whose queue the image is; empty if it is in nobody's."""
    return _texts(document)[0]


def assigned_when(document: AnnotationDocument) -> tuple[str, str]:
    """When the image was last given to somebody or taken from them, and who did that."""
    _, by, at = _texts(document)
    return at, by


def assigned(document: AnnotationDocument, to: str, by: str, now: datetime) -> AnnotationDocument:
    """The document in the queue of that person, or with "" in nobody's.

    Who labeled it and when (saved_by, saved_at) stays. What holds already changes nothing.
    """
    if assigned_to(document) == to:
        return document
    return with_metadata(
        document, assigned_to=to or None, assigned_by=by or None, assigned_at=iso_time(now)
    )


def with_assignment_of(
    wanted: AnnotationDocument, stored: AnnotationDocument
) -> AnnotationDocument:
    """What somebody wants to save, in the queue in which the stored document is."""
    kept: dict[str, Any] = {name: (stored.metadata.model_extra or {}).get(name) for name in _KEYS}
    return with_metadata(wanted, **kept)


def read_person(given: Any) -> str:
    """The person in a call: a name, or "" for null. Raises InvalidRequest."""
    if given is None:
        return ""
    name = " ".join(given.split()) if isinstance(given, str) else ""
    if not name or len(name) > MAX_NAME or name in (ANYBODY, NOBODY) or not name.isprintable():
        raise InvalidRequest(
            f"person must be a name of 1 to {MAX_NAME} characters, or null for nobody; "
            f"{ANYBODY} and {NOBODY} are no names."
        )
    return name


def _texts(document: AnnotationDocument) -> tuple[str, str, str]:
    extra = document.metadata.model_extra or {}
    values = (extra.get(name) for name in _KEYS)
    to, by, at = (value if isinstance(value, str) else "" for value in values)
    return to, by, at
