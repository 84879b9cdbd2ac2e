"""Comments on a document: a list under the key `comments`, each with an ID (see reviews.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def comments_by_id(value: Any) -> dict[str, Mapping[str, Any]] | None:
    """The comments of a document by their IDs; None where the value is no list of comments."""
    if value is None:
        return {}
    if not isinstance(value, list):
        return None
    found: dict[str, Mapping[str, Any]] = {}
    for comment in value:
        if not isinstance(comment, dict) or not isinstance(comment.get("id"), str):
            return None
        found[comment["id"]] = comment
    return found if len(found) == len(value) else None
