"""The label set: the project's labels with their numbers and colours, and what a label may be."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from labeler.errors import DamagedDocument, InvalidDocument, NewerDocument

LABELS_KEY: Final = "labels.json"
MAX_LABEL_LENGTH: Final = 100
PALETTE: Final = (
    "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#f032e6", "#9a6324",
    "#808000", "#000075", "#d4a017", "#46b4c8", "#800000", "#5b8c5a", "#7b68ee", "#c71585",
)  # fmt: skip
"""Colours that stay apart on photos and carry white text, given out by a label's number."""


def clean_label(text: str) -> str:
    """The label in `text`: trimmed, NFC, inner white space as single spaces.

    Raises InvalidDocument where nothing is left, where it has more than 100 characters, or where
    it holds control characters. Quotes, markup, emoji and every script are labels like others.
    """
    label = " ".join(unicodedata.normalize("NFC", text).split())
    if not label:
        raise InvalidDocument("A label can't be empty: type a name.")
    if len(label) > MAX_LABEL_LENGTH:
        raise InvalidDocument(
            f"This label has {len(label)} characters; at most {MAX_LABEL_LENGTH} are allowed: "
            "choose a shorter name."
        )
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in label):
        raise InvalidDocument("A label can't hold control characters: type it again without them.")
    return label


class Label(BaseModel):
    """One label. Its number never changes and is never given to another one."""

    model_config = ConfigDict(extra="allow", frozen=True)

    number: Annotated[StrictInt, Field(ge=1)]
    name: StrictStr
    color: Annotated[StrictStr, Field(pattern=r"^#[0-9a-fA-F]{6}$")]


class LabelSet(BaseModel):
    """The project's labels, in the order of their numbers; names are unique ignoring case."""

    model_config = ConfigDict(extra="allow", frozen=True)

    version: StrictStr = "1.0"
    labels: tuple[Label, ...] = ()

    def find(self, name: str) -> Label | None:
        """The label of that name, ignoring case, or None."""
        folded = name.casefold()
        return next((label for label in self.labels if label.name.casefold() == folded), None)

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
    """The label set in `data`; DamagedDocument where it is none, which is then left as it is."""
    try:
        found = LabelSet.model_validate_json(data)
        if found.version.split(".")[0] != "1":
            raise NewerDocument(
                f"{LABELS_KEY} was written by a newer Labeler (format {found.version}). It was "
                "left as it is: update Labeler."
            )
        _check_unique(found)
    except (ValidationError, ValueError) as error:
        raise DamagedDocument(
            f"{LABELS_KEY} is damaged: {error}. It was left as it is: restore an earlier version "
            "of it, or mend it by hand."
        ) from error
    return found.model_copy(
        update={"labels": tuple(sorted(found.labels, key=lambda label: label.number))}
    )


def dump_label_set(labels: LabelSet) -> bytes:
    """The label set as UTF-8 JSON, readable by people; the same set gives the same bytes."""
    return (labels.model_dump_json(indent=2) + "\n").encode()


def _check_unique(labels: LabelSet) -> None:
    for what, values in (
        ("number", [label.number for label in labels.labels]),
        ("name", [label.name.casefold() for label in labels.labels]),
    ):
        seen: set[Any] = set()
        for value in values:
            if value in seen:
                raise ValueError(f"the {what} {value!r} is given twice")
            seen.add(value)
