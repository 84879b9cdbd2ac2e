"""A document told as a change of a stored one: a merge patch that names rects by their IDs.

    {"rects": {"k3v9x2ma": {"left": 12.5}, "p0q1r2s3": null, "n4e5w6id": {"left", ...}},
     "metadata": {"status": "done"}}

The rules are those of JSON Merge Patch (RFC 7396): a value replaces, an object changes what it
names, null removes. The lists of things with IDs (`rects`, `comments`) are objects by ID here. A
new ID goes to the end of its list.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import ConfigDict, TypeAdapter, ValidationError

from labeler.errors import BodyTooLarge, InvalidDocument
from labeler.model.comments import comments_by_id
from labeler.model.document import AnnotationDocument, dump_document
from labeler.model.limits import DOCUMENT_BYTES, size_text
from labeler.model.stored_json import check_value_count, first_problem

CHANGE_TYPE: Final = "application/vnd.labeler.change+json"
"""The media type of such a change."""
_OBJECT: Final = TypeAdapter(
    dict[str, Any],
    config=ConfigDict(hide_input_in_errors=True, ser_json_inf_nan="constants"),
)


def changed_document(stored: AnnotationDocument, change: bytes) -> bytes:
    """The document that results from the change, as JSON that nobody has checked yet.

    `stored` has an ID on each rect. Raises InvalidDocument if `change` is not a change, and
    BodyTooLarge if many changes have made the document larger than one that is sent may be.
    """
    check_value_count(change, "The change")
    try:
        given = _OBJECT.validate_json(change)
    except ValidationError as error:
        raise InvalidDocument(f"The change: {first_problem(error)[1]}.") from error
    document = _OBJECT.validate_json(dump_document(stored))
    for name, by_id in (
        ("rects", {rect["id"]: rect for rect in document["rects"]}),
        ("comments", comments_by_id(document.get("comments"))),
    ):
        if given.get(name) is None:
            continue
        if by_id is None:
            raise InvalidDocument(
                f"{name}: another program keeps something else there. Send the whole document.",
                name,
            )
        document[name] = _changed_list(name, by_id, given.pop(name))
    data = _OBJECT.dump_json(_patched(document, given))
    if len(data) > DOCUMENT_BYTES:
        raise BodyTooLarge(
            f"The document would be larger than {size_text(DOCUMENT_BYTES)}, which is the limit."
        )
    return data


def _changed_list(
    name: str, by_id: Mapping[str, Mapping[str, Any]], change: Any
) -> list[dict[str, Any]]:
    if not isinstance(change, dict):
        raise InvalidDocument(f"{name}: a change must be an object with IDs as its keys.", name)
    found = {key: dict(item) for key, item in by_id.items()}
    for key, part in change.items():
        if part is None:
            found.pop(key, None)
        elif isinstance(part, dict):
            found[key] = {**_patched(found.get(key, {}), part), "id": key}
        else:
            field = f"{name}.{key}"
            raise InvalidDocument(f"{field}: a change must be an object, or null.", field)
    return list(found.values())


def _patched(value: Any, change: Mapping[str, Any]) -> dict[str, Any]:
    """The value after the merge patch. The change comes from a parser that limits its depth."""
    patched = dict(value) if isinstance(value, dict) else {}
    for key, part in change.items():
        if part is None:
            patched.pop(key, None)
        elif isinstance(part, dict):
            patched[key] = _patched(patched.get(key), part)
        else:
            patched[key] = part
    return patched
