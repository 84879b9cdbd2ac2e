"""The label set: the project's labels with their numbers and colors, and the rules for labels.

Documents keep the text that was stored with a box, and the set says which label that text counts
as. So a renamed label keeps its former names, and a merged label stays in the set under its
number. The edits of an admin are in label_edits.py.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    FailFast,
    Field,
    StrictBool,
    StrictInt,
    StrictStr,
    ValidationError,
)

from labeler.errors import DamagedDocument, InvalidDocument
from labeler.model.layout import LABELS_KEY
from labeler.model.limits import MAX_LABEL_LENGTH
from labeler.model.stored_json import (
    StoredModel,
    check_value_count,
    check_version,
    damage,
    refusal,
)
from labeler.model.unicode_text import nfc

_MOST_APART: Final = 4
"""The largest number of code points that NFC composes into one."""
MAX_NUMBER: Final = 2**31 - 1
"""The largest integer that readers of datasets hold in four bytes."""
PALETTE: Final = (
    "#e6194b", "#3cb44b", "#4363d8", "#f58231", "#911eb4", "#008080", "#f032e6", "#9a6324",
    "#808000", "#000075", "#d4a017", "#46b4c8", "#800000", "#5b8c5a", "#7b68ee", "#c71585",
)  # fmt: skip
"""Colors that are distinct on photos, with readable white text; the label's number selects one."""
COLOR: Final = r"^#[0-9a-fA-F]{6}$"
UNKNOWN_COLOR: Final = "#6b7280"
"""Gray, for a name that the set lacks."""


_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Embeddings, overrides and isolates: they would reverse the text beside a label."""
_NO_TEXT: Final = re.compile("[\ufeff\ufffe\uffff]")
"""XML can't hold the last two, so VOC and CVAT would make one label of several. The first one is
lost by each reader that takes it for the mark at the beginning of a file."""


def clean_label(text: str) -> str:
    """The label in `text`: trimmed, NFC, inner white space as single spaces.

    Raises InvalidDocument if no visible character is left, if there are more than 100 characters,
    or if `text` holds control characters or characters that override the direction of text.
    Quotes, markup, emoji and every script are allowed, so the joiners and direction marks that
    emoji and scripts need are kept.
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


def new_label(text: str) -> str:
    """`clean_label` for a label that comes into the project.

    Raises InvalidDocument also for characters that are no text. A label that has them already is
    still read, shown and exported.
    """
    label = clean_label(text)
    if found := _NO_TEXT.search(label):
        raise InvalidDocument(
            f"A label can't hold U+{ord(found[0]):04X}, which is no character: type it again "
            "without it."
        )
    return label


def _tidy(text: str) -> str:
    return _composed(" ".join(text.split()))


def _composed(text: str) -> str:
    """The text in NFC. One that can't be a label stays as it is: it is refused, or not found."""
    return text if len(text) > _MOST_APART * MAX_LABEL_LENGTH else nfc(text)


def _name(text: str) -> str:
    """`clean_label` for pydantic, which expects a ValueError."""
    try:
        return clean_label(text)
    except InvalidDocument as error:
        raise ValueError(error.message.rstrip(".")) from error


def label_key(name: str) -> str:
    """The key that all spellings of one label share: cleaned, ignoring case."""
    return _known_key(name) if len(name) <= _MOST_APART * MAX_LABEL_LENGTH else _key(name)


def _key(name: str) -> str:
    return _composed(_tidy(name).casefold())


_known_key = lru_cache(maxsize=4096)(_key)


def _unset(value: object) -> bool:
    return not value


Number = Annotated[StrictInt, Field(ge=1, le=MAX_NUMBER)]
Name = Annotated[StrictStr, AfterValidator(_name)]


class Label(StoredModel):
    """One label. Its number never changes and is never given to another one.

    A box whose stored label is one of the `former` names belongs to this label. A `retired` label
    keeps its boxes and is not offered for new ones. All boxes of a label that is `merged_into`
    another belong to the other one. Unset fields are not written to the file.
    """

    number: Number
    name: Name
    color: Annotated[StrictStr, Field(pattern=COLOR)]
    former: Annotated[tuple[Name, ...], FailFast(), Field(exclude_if=_unset)] = ()
    retired: Annotated[StrictBool, Field(exclude_if=_unset)] = False
    merged_into: Annotated[Number | None, Field(exclude_if=_unset)] = None

    @property
    def names(self) -> tuple[str, ...]:
        """The name and the former names."""
        return (self.name, *self.former)

    @property
    def offered(self) -> bool:
        """Whether new boxes may get this label."""
        return not self.retired and self.merged_into is None


class LabelSet(StoredModel):
    """The project's labels, in the order of their numbers.

    All names, former ones included, are unique ignoring case, and merges never form a circle.
    `rebuilt_from` names the export from which the set was rebuilt after labels.json was lost, until
    an admin dismisses the note.
    """

    version: StrictStr = "1.0"
    labels: Annotated[tuple[Label, ...], FailFast()] = ()
    rebuilt_from: Annotated[StrictStr, Field(exclude_if=_unset)] = ""

    def find(self, name: str) -> Label | None:
        """The label that a box with this stored label belongs to, or None.

        Looks up names and former names, ignoring case and extra white space, and follows merges.
        """
        label = self.named(name)
        while label is not None and label.merged_into is not None:
            label = self.get(label.merged_into)
        return label

    def named(self, name: str) -> Label | None:
        """The label that has or had that name, even if it is merged into another label."""
        return self._by_name.get(label_key(name))

    def get(self, number: int) -> Label | None:
        """The label with that number."""
        return self._by_number.get(number)

    @property
    def offered(self) -> tuple[Label, ...]:
        """The labels for new boxes: neither retired nor merged."""
        return tuple(label for label in self.labels if label.offered)

    def shown(self, name: str) -> str:
        """The text that people see for a box with this stored label: its label's current name."""
        label = self.find(name)
        return label.name if label else name

    def color(self, name: str) -> str:
        """The label's color; gray for a name that the set lacks."""
        label = self.find(name)
        return label.color if label else UNKNOWN_COLOR

    def added(self, names: Iterable[str]) -> LabelSet:
        """The set with those of `names` that it lacks, each under the next free number.

        Former names and names of retired or merged labels are not lacking. Raises InvalidDocument
        for a text that can't be a label.
        """
        known = set(self._by_name)
        number = max(self._by_number, default=0)
        more = []
        for name in map(new_label, names):
            if label_key(name) not in known:
                known.add(label_key(name))
                number += 1
                color = PALETTE[(number - 1) % len(PALETTE)]
                more.append(Label(number=number, name=name, color=color))
        return self.having((*self.labels, *more)) if more else self

    def having(self, labels: Iterable[Label]) -> LabelSet:
        """The set with these labels instead of its own, and everything else unchanged."""
        # Not model_copy: it would also copy the look-up tables of the old labels.
        rest = {"rebuilt_from": self.rebuilt_from} if self.rebuilt_from else {}
        more = self.model_extra or {}
        return LabelSet(version=self.version, labels=tuple(labels), **rest, **more)

    @cached_property
    def _by_name(self) -> dict[str, Label]:
        return {label_key(name): label for label in self.labels for name in label.names}

    @cached_property
    def _by_number(self) -> dict[int, Label]:
        return {label.number: label for label in self.labels}


def parse_label_set(data: bytes) -> LabelSet:
    """The label set in `data`, in the order of the numbers, with cleaned names.

    Raises NewerDocument for a newer major version, and DamagedDocument if `data` is no label set.
    The stored file is then left as it is.
    """
    try:
        found = LabelSet.model_validate_json(data)
    except ValidationError as error:
        raise DamagedDocument(damage(LABELS_KEY, error)) from error
    check_version(found.version, LABELS_KEY)
    for problem in problems(found):
        raise DamagedDocument(
            f"{LABELS_KEY} is damaged: {problem}. It was left as it is: restore an earlier "
            "version of it, or repair it by hand."
        )
    return found.having(sorted(found.labels, key=lambda label: label.number))


def check_label_set(data: bytes) -> LabelSet:
    """The label set that somebody wants to store; InvalidDocument names the first wrong field."""
    check_value_count(data, "The list of labels")
    try:
        found = LabelSet.model_validate_json(data)
    except ValidationError as error:
        raise refusal("The list of labels", error) from error
    try:
        check_version(found.version, "The list of labels")
    except DamagedDocument as error:
        raise InvalidDocument(error.message, "version") from error
    for problem in problems(found):
        raise InvalidDocument(f"labels: {problem}.", "labels")
    return found.having(sorted(found.labels, key=lambda label: label.number))


def dump_label_set(labels: LabelSet) -> bytes:
    """The label set as readable UTF-8 JSON; the same set gives the same bytes."""
    return (labels.model_dump_json(indent=2) + "\n").encode()


def problems(labels: LabelSet) -> Iterator[str]:
    """The violations of rules that concern several labels, a line each."""
    for what, values in (
        ("number", [label.number for label in labels.labels]),
        ("name", [label_key(name) for label in labels.labels for name in label.names]),
    ):
        seen: set[Any] = set()
        for value in values:
            if value in seen:
                yield f"the {what} {value!r} is given twice"
            seen.add(value)
    into = {label.number: label.merged_into for label in labels.labels}
    for label in labels.labels:
        passed: set[int] = set()
        number: int | None = label.number
        while number is not None and number in into and number not in passed:
            passed.add(number)
            number = into[number]
        if number in passed:
            yield f"the label {label.name!r} is merged into itself"
        elif number is not None:
            yield f"the label {label.name!r} is merged into number {number}, which is not there"
