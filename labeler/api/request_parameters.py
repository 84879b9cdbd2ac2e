"""Parameters of a request, the name of an upload, and the check of a body's first bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from labeler.errors import InvalidRequest
from labeler.model.layout import document_key
from labeler.model.unicode_text import has_half_character

NAME_HEADER: Final = "X-File-Name"
HEAD_BYTES: Final = 2048
_ENCODED: Final = re.compile(r"(?:[\x21-\x24\x26-\x7e ]|%[0-9A-Fa-f]{2})+")


def file_name(request: Request) -> str:
    """The name of the upload, from the header; InvalidRequest if it is missing or malformed."""
    text = request.headers.get(NAME_HEADER)
    if text is None:
        if request.headers.get("Content-Type", "").lower().startswith("multipart/"):
            raise _form(request, "The file")
        raise InvalidRequest(
            f"The header {NAME_HEADER} is missing: send the file's name in it, percent-encoded "
            "as UTF-8."
        )
    name = b""
    if _ENCODED.fullmatch(text):
        name = unquote_to_bytes(text)
    try:
        if name:
            return name.decode()
    except UnicodeDecodeError:
        pass
    raise InvalidRequest(
        f"{NAME_HEADER}: {text!r} is not a percent-encoded name in UTF-8, such as caf%C3%A9.jpg."
    )


def check_is_file(request: Request, head: bytes, what: str) -> None:
    """Raise InvalidRequest if the body is a form with the file in it, as `curl -F` sends it.

    `head` is the body's first bytes: the media type alone does not distinguish a form from a file.
    """
    if head.startswith(b"--") and b"content-disposition:" in head[:HEAD_BYTES].lower():
        raise _form(request, what)


def _form(request: Request, what: str) -> InvalidRequest:
    return InvalidRequest(
        f"{what} came within a form (multipart/form-data). Send the file itself as the body: "
        f"curl --data-binary @FILE -H 'X-Labeler-Client: me' -H '{NAME_HEADER}: NAME' "
        f"{request.url.path}"
    )


def image_id_of(request: Request) -> str:
    """The image ID in the path; NotFound if it can't be one, without a request to the store."""
    image_id: str = request.path_params["image_id"]
    document_key(image_id)
    return image_id


def number_parameter(request: Request, name: str, most: int) -> int | None:
    """The parameter as a number from 1 to `most`, None if missing; raises InvalidRequest."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most):
        raise InvalidRequest(f"{name}={text!r} must be a whole number from 1 to {most}.")
    return int(text)


def offset_parameter(request: Request) -> int | None:
    """`offset` as a number from 0 on, None if missing; raises InvalidRequest."""
    text = request.query_params.get("offset")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidRequest(f"offset={text!r} must be a whole number from 0 on.")
    return int(text)


def flag_parameter(request: Request, name: str) -> bool:
    """Whether the parameter is 1 or true; InvalidRequest if it is neither true nor false."""
    given = request.query_params.getlist(name) or ["0"]
    if len(given) > 1 or given[0] not in ("0", "1", "false", "true"):
        raise InvalidRequest(f"{name}={', '.join(given)} must be 1 or 0.")
    return given[0] in ("1", "true")


def json_fields(body: bytes, known: Collection[str] = ()) -> dict[str, Any]:
    """The fields of the JSON object in a body; an empty body has none.

    With `known` no other field may be there. Raises InvalidRequest, also for numbers that JSON does
    not have, such as NaN, and for lone surrogates: no value that is returned fails to be stored.
    """
    if not body.strip():
        return {}
    try:
        given = json.loads(body, parse_constant=_no_number)
        text = json.dumps(given, ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        raise InvalidRequest("The body is not JSON: send an object, or nothing at all.") from error
    if has_half_character(text):
        raise InvalidRequest(
            "The body holds half of a character (a lone surrogate): send whole characters."
        )
    if not isinstance(given, dict):
        raise InvalidRequest("The body must be a JSON object.")
    for name in given:
        if known and name not in known:
            raise InvalidRequest(f"{name!r} is not known here: a body has {', '.join(known)}.")
    return given


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")
