"""If-Match and If-None-Match by RFC 9110 (8.8.3, 13.1, 13.2). An ETag is a version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from labeler.errors import ConditionMissing, InvalidRequest

_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_ONE: Final = re.compile(_TAG)
_LIST: Final = re.compile(rf"[ \t,]*(?:{_TAG}(?:[ \t]*,[ \t,]*{_TAG})*[ \t,]*)?")


def etag(version: str) -> str:
    """The ETag of that version. It is strong, because equal versions have equal bytes."""
    return f'"{version}"'


@dataclass(frozen=True, slots=True)
class Tags:
    """The value of one of the two headers: `*`, or ETags."""

    star: bool
    tags: tuple[str, ...]

    def match_strongly(self, current: str | None) -> bool:
        """Whether the header names `current` (None: absent); an ETag with W/ never matches."""
        return current is not None and (self.star or current in self.tags)

    def match_weakly(self, current: str | None) -> bool:
        """Whether the header names `current` (None: absent); an ETag with W/ may match."""
        plain = (tag.removeprefix("W/") for tag in self.tags)
        return current is not None and (self.star or current in plain)


def parse_tags(name: str, values: Sequence[str]) -> Tags | None:
    """The header `name` from all its lines; None if it is missing. Raises InvalidRequest."""
    if not values:
        return None
    text = ", ".join(values)
    if text.strip() == "*":
        return Tags(True, ())
    if not _LIST.fullmatch(text):
        raise InvalidRequest(
            f"{name}: {text!r} is neither * nor ETags in double quotes. Send the ETag as it was "
            "answered, quotes included."
        )
    return Tags(False, tuple(_ONE.findall(text)))


@dataclass(frozen=True, slots=True)
class Condition:
    """The version that a write names."""

    match: Tags | None
    none_match: Tags | None

    def holds(self, current: str | None) -> bool:
        """Whether the write may proceed on the version with that ETag; None: absent."""
        if self.match is not None and not self.match.match_strongly(current):
            return False
        return self.none_match is None or not self.none_match.match_weakly(current)


def match_condition(match: Sequence[str], change: str) -> Condition:
    """The condition of a call that makes `change` to a document that is there.

    Raises ConditionMissing if there is no If-Match.
    """
    tags = parse_tags("If-Match", match)
    if tags is None:
        raise ConditionMissing(
            f"Say which state of the document is {change}: If-Match with the ETag that you read, "
            "or * for whichever is there. Nothing was changed."
        )
    return Condition(tags, None)


def write_condition(match: Sequence[str], none_match: Sequence[str]) -> Condition:
    """The condition of a write, from the lines of both headers.

    Raises ConditionMissing if there is neither If-Match nor If-None-Match: *.
    """
    condition = Condition(parse_tags("If-Match", match), parse_tags("If-None-Match", none_match))
    if condition.match is None and not (condition.none_match and condition.none_match.star):
        raise ConditionMissing(
            "Say which state this replaces: If-Match with the ETag that you read, or "
            "If-None-Match: * to create the document. Nothing was changed."
        )
    return condition
