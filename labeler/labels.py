"""The label set: the project's labels with their numbers and colours, and what a label may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StrictInt, StrictStr, ValidationError

from labeler.errors import DamagedDocument, InvalidDocument
from labeler.stored import StoredModel, check_version, damage

LABELS_KEY: Final = "labels.json"
MAX_LABEL_LENGTH: Final = 100
MAX_NUMBER: Final = 2**31 - 1
"""What readers of data sets hold in four bytes."""
PALETTE: Final = (
    "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#f032e6", "#9a6324",
    "#808000", "#000075", "#d4a017", "#46b4c8", "#800000", "#5b8c5a", "#7b68ee", "#c71585",
)  # fmt: skip
"""Colours that stay apart on photos and carry white text, given out by a label's number."""


_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates: they would turn round the text that stands beside a label."""


def clean_label(text: str) -> str:
    """The label in `text`: trimmed, NFC, inner white space as single spaces.

    Raises InvalidDocument where nothing that can be seen is left, where it has more than 100
    characters, or where it holds control characters or ones that change the direction of text.
    Quotes, markup, emoji and every script are labels like others; so the joiners and the
    direction marks that emoji and scripts need are kept.
    """
    label = _tidy(text)
    if all(unicodedata.category(char) == "Cf" for char in label):
        raise InvalidDocument("A label can't be empty: type a name.")
    if len(label) > MAX_LABEL_LENGTH:
        raise InvalidDocument(
            f"This label has {len(label)} characters; at most {MAX_LABEL_LENGTH} are allowed: "
            "choose a shorter name."
        )
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in label):
        raise InvalidDocument("A label can't hold control characters: type it again without them.")
    if _DIRECTIONS.search(label):
        raise InvalidDocument(
            "A label can't hold characters that change the direction of text: type it again "
            "without them."
        )
    return label


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _name(text: str) -> str:
    """`clean_label` for pydantic, which takes only a ValueError for an answer."""
    try:
        return clean_label(text)
    except InvalidDocument as error:
        raise ValueError(error.message.rstrip(".")) from error


@lru_cache(maxsize=4096)
def label_key(name: str) -> str:
    """What two spellings of one label have in common: tidy, ignoring case."""
    return unicodedata.normalize("NFC", _tidy(name).casefold())


class Label(StoredModel):
    """One label. Its number never changes and is never given to another one."""

    number: Annotated[StrictInt, Field(ge=1, le=MAX_NUMBER)]
    name: Annotated[StrictStr, AfterValidator(_name)]
    color: Annotated[StrictStr, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class LabelSet(StoredModel):
    """The project's labels, in the order of their numbers; names are unique ignoring case."""

    version: StrictStr = "1.0"
    labels: tuple[Label, ...] = ()

    def find(self, name: str) -> Label | None:
        """The label of that name, ignoring case and stray white space, or None."""
        key = label_key(name)
        return next((label for label in self.labels if label_key(label.name) == key), None)

    def color(self, name: str) -> str:
        """The label's colour; grey for a name that is not in the set."""
        label = self.find(name)
        return label.color if label else "#6b7280"

    def added(self, names: Iterable[str]) -> LabelSet:
        """The set with the labels that it lacks, each under the next free number.

        Raises InvalidDocument for a name that is no label.
        """
        result = self
        for name in map(clean_label, names):
            if result.find(name) is None:
                number = max((label.number for label in result.labels), default=0) + 1
                color = PALETTE[(number - 1) % len(PALETTE)]
                label = Label(number=number, name=name, color=color)
                result = result.model_copy(update={"labels": (*result.labels, label)})
        return result


def parse_label_set(data: bytes) -> LabelSet:
    """The label set in `data`, in the order of the numbers, names tidied.

    Raises NewerDocument for a newer major version, DamagedDocument where it is no label set. It is
    then left as it is.
    """
    try:
        found = LabelSet.model_validate_json(data)
    except ValidationError as error:
        raise DamagedDocument(damage(LABELS_KEY, error)) from error
    check_version(found.version, LABELS_KEY)
    _check_unique(found)
    return found.model_copy(
        update={"labels": tuple(sorted(found.labels, key=lambda label: label.number))}
    )


def dump_label_set(labels: LabelSet) -> bytes:
    """The label set as UTF-8 JSON, readable by people; the same set gives the same bytes."""
    return (labels.model_dump_json(indent=2) + "\n").encode()


def _check_unique(labels: LabelSet) -> None:
    for what, values in (
        ("number", [label.number for label in labels.labels]),
        ("name", [label_key(label.name) for label in labels.labels]),
    ):
        seen: set[Any] = set()
        for value in values:
            if value in seen:
                raise DamagedDocument(
                    f"{LABELS_KEY} is damaged: the {what} {value!r} is given twice. It was left "
                    "as it is: restore an earlier version of it, or mend it by hand."
                )
            seen.add(value)
