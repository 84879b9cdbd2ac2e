"""Common rules of the JSON objects in the store: unknown keys, versions, error messages."""

from __future__ import annotations

import math
import re
from itertools import islice
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from labeler.errors import DamagedDocument, InvalidDocument, NewerDocument
from labeler.model.limits import MAX_DEPTH, MAX_JSON_VALUES
from labeler.model.unicode_text import has_half_character

_BEGINNINGS: Final = (b",", b"[", b"{")
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.?)*+"?|[,\[{]', re.DOTALL)
"""A text, which may lack its end, or the beginning of a value."""
SUPPORTED_MAJOR: Final = 1
MAX_INTEGER_BITS: Final = 13_000
"""Slightly below the longest number that JSON readers accept (4,300 digits)."""


def _check_scalar(value: Any) -> None:
    """Raise ValueError for text and numbers that JSON does not preserve."""
    match value:
        case None | bool():
            pass
        case str():
            if has_half_character(value):
                raise ValueError("it has half of a character (a lone surrogate)")
        case int():
            if value.bit_length() > MAX_INTEGER_BITS:
                raise ValueError("it is too large a number")
        case float():
            if not math.isfinite(value):
                raise ValueError("it is not a finite number")
        case _:
            raise ValueError(f"JSON has no {type(value).__name__}")


def _kept(value: Any, depth: int = 0) -> Any:
    """The value itself if JSON preserves it; ValueError otherwise.

    NaN, for example, would become null, so our save would damage a key that is not ours.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    match value:
        case list():
            for item in value:
                _kept(item, depth + 1)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise ValueError("it has a key that is not text")
                _kept(key)
                _kept(item, depth + 1)
        case _:
            _check_scalar(value)
    return value


class _NotKept(ValueError):
    """The value of this key can't be kept."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key


class StoredModel(BaseModel):
    """An immutable part of a stored object; unknown keys are kept as they are."""

    # The text of an error may be logged, and the log must hold no label and no box.
    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    # Not a validator of each value: all errors of a hostile text would take gigabytes.
    @model_validator(mode="after")
    def _keeps_unknown_keys(self) -> Self:
        for key, value in (self.__pydantic_extra__ or {}).items():
            try:
                _kept(value)
            except ValueError as error:
                raise _NotKept(key, str(error)) from error
        return self


def check_value_count(data: bytes | str, what: str) -> None:
    """Raise InvalidDocument if the JSON text has more values than a parser should hold at once.

    The number is that of commas and opening brackets outside of texts. Nothing is parsed for it,
    and counting stops at the limit.
    """
    text = data if isinstance(data, bytes) else data.encode("utf-8", "replace")
    if sum(map(text.count, _BEGINNINGS)) <= MAX_JSON_VALUES:
        return
    found = (1 for match in _TOKEN.finditer(text) if match[0][:1] != b'"')
    if sum(islice(found, MAX_JSON_VALUES + 1)) > MAX_JSON_VALUES:
        raise InvalidDocument(f"{what} has more than {MAX_JSON_VALUES} values in its JSON.", "")


def check_version(version: str | None, key: str, newest: int = SUPPORTED_MAJOR) -> None:
    """Raise NewerDocument for a newer major version, DamagedDocument for an invalid one."""
    if version is None:
        return
    match = re.fullmatch(r"([0-9]{1,9})(\.[0-9]+)*", version)
    if match is None:
        raise DamagedDocument(f"{key}: {version!r} is not a format version. It was left as it is.")
    if int(match[1]) > newest:
        raise NewerDocument(
            f"{key} was written by a newer Labeler (format {version}; this one reads "
            f"{newest}.x). It was left as it is: update Labeler to open it."
        )


def first_problem(error: ValidationError) -> tuple[str, str]:
    """The first problem: its place (`rects[3].left`, empty for the whole) and its description."""
    first = error.errors(include_url=False, include_input=False)[0]
    field, place = "", first["loc"]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, _NotKept):
        place = (*place, cause.key)
    for part in place:
        field += f"[{part}]" if isinstance(part, int) else f".{part}" if field else str(part)
    if first["type"] == "too_long":
        count, most = first["ctx"]["actual_length"], first["ctx"]["max_length"]
        return field, f"there are {count}; at most {most} are allowed"
    return field, str(first["msg"]).removeprefix("Value error, ")


def refusal(what: str, error: ValidationError) -> InvalidDocument:
    """The error for `what` somebody wants to store; it names the first field that is wrong."""
    field, reason = first_problem(error)
    return InvalidDocument(f"{field or what}: {reason}.", field)


def damage(key: str, error: ValidationError) -> str:
    """The message for a person that the object `key` can't be understood."""
    field, reason = first_problem(error)
    where = f" at {field}" if field else ""
    return (
        f"{key} is damaged{where}: {reason}. It was left as it is: restore an earlier version of "
        "it, or repair it by hand."
    )
