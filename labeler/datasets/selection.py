"""Which images and boxes go into a dataset, and into which part of it.

A choice is given as the same seven fields everywhere: in the address of an HTTP call, in a JSON
body and on the command line. Every format asks it the same questions.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import translate
from functools import lru_cache
from typing import Final

from labeler.errors import InvalidDocument, InvalidRequest
from labeler.model.document import AnnotationDocument, Status
from labeler.model.labels import LabelSet, clean_label
from labeler.model.layout import is_image_id
from labeler.model.limits import MAX_VALUES

FIELDS: Final = ("status", "label", "name", "image", "split", "seed", "part")
_MAX_LENGTH: Final = 300
_SPLIT: Final = re.compile(r"[0-9]{1,4}(/[0-9]{1,4}){1,2}")


class Part(StrEnum):
    """A part of a split dataset, in the order in which a split names their shares."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Selection:
    """What is asked for; without any field all images with a result, undivided.

    `statuses`: only images in one of these; empty means the default, see `takes`.
    `labels`: only boxes of these labels, and only images that have one.
    `names`: only images whose file name matches one of these patterns; `*` also matches `/`.
    `images`: only the images with these IDs.
    `split`: the shares of train, val and test; `seed` draws another split of the same shares;
    `part`: only the images of this part.
    """

    statuses: frozenset[Status] = frozenset()
    labels: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    images: frozenset[str] = frozenset()
    split: tuple[int, ...] = ()
    seed: str = "0"
    part: Part | None = None

    def takes(self, status: Status, has_rects: bool) -> bool:
        """Whether an image in that status is asked for.

        By default it is, if it is not skipped, and has rects or is done or approved without.
        """
        if self.statuses:
            return status in self.statuses
        if status is Status.SKIPPED:
            return False
        return has_rects or status in (Status.DONE, Status.APPROVED)

    def names_file(self, file_name: str) -> bool:
        """Whether the pattern asks for an image of that name."""
        return not self.names or _matcher(self.names).match(file_name) is not None

    def part_of(self, image_id: str) -> Part | None:
        """The part that the image falls into, None without a split.

        It depends on the seed, the shares and the image ID alone: what is added or removed
        besides moves no image.
        """
        if not self.split:
            return None
        digest = hashlib.sha256(f"{self.seed}\n{image_id}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") * sum(self.split) >> 64
        for part, share in zip(Part, self.split, strict=False):
            place -= share
            if place < 0:
                return part
        raise AssertionError("the shares add up to more than any place")

    def has_place_for(self, image_id: str, file_name: str) -> bool:
        """Whether name and part let the image in; its document need not be known."""
        if self.part is not None and self.part_of(image_id) is not self.part:
            return False
        return self.names_file(file_name)

    def parts(self) -> tuple[Selection, ...]:
        """A choice for each file that is to be written: one a part where a split names none."""
        if not self.split or self.part is not None:
            return (self,)
        shares = zip(Part, self.split, strict=False)
        return tuple(replace(self, part=part) for part, share in shares if share)

    def numbers(self, labels: LabelSet) -> frozenset[int] | None:
        """The numbers of the chosen labels, None where all are; InvalidRequest."""
        if not self.labels:
            return None
        found = []
        for name in self.labels:
            label = labels.find(name)
            if label is None:
                raise InvalidRequest(
                    f"There is no label {name!r}: choose one of the project's labels."
                )
            found.append(label.number)
        return frozenset(found)

    def fields(self) -> dict[str, list[str]]:
        """The choice as the fields that `parse_choice` takes, without those not given."""
        given: dict[str, list[str]] = {
            "status": sorted(self.statuses),
            "label": list(self.labels),
            "name": list(self.names),
            "image": sorted(self.images),
            "split": ["/".join(map(str, self.split))] if self.split else [],
            "seed": [self.seed] if self.split else [],
            "part": [self.part.value] if self.part else [],
        }
        return {name: values for name, values in given.items() if values}


ALL: Final = Selection()
"""The default choice."""


def parse_selection(given: Mapping[str, Sequence[str]]) -> Selection:
    """The choice in fields as text; status, label and name may be given more than once.

    Statuses may stand in one value with commas between them. Empty values count as not given.
    Raises InvalidRequest that names the field and what it takes.
    """
    for name in given:
        if name not in FIELDS:
            raise InvalidRequest(f"{name} is not known: a choice has {', '.join(FIELDS)}.")
    statuses = [text for value in _values(given, "status") for text in value.split(",") if text]
    split = _split(_one(given, "split"))
    seed, part = _one(given, "seed"), _one(given, "part")
    if (seed or part) and not split:
        raise InvalidRequest("seed and part belong to a split: give one, such as split=80/10/10.")
    return Selection(
        statuses=frozenset(_status(text.strip()) for text in statuses),
        labels=tuple(dict.fromkeys(_label(value) for value in _values(given, "label"))),
        names=tuple(dict.fromkeys(_values(given, "name"))),
        images=frozenset(map(_image, _values(given, "image"))),
        split=split,
        seed=seed or "0",
        part=_part(part, split) if part else None,
    )


def has_result(document: AnnotationDocument) -> bool:
    """The default choice, for a document."""
    return ALL.takes(document.status, bool(document.rects))


@lru_cache(maxsize=64)
def _matcher(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)))


def _values(given: Mapping[str, Sequence[str]], name: str) -> Iterator[str]:
    values = given.get(name, ())
    if len(values) > MAX_VALUES:
        raise InvalidRequest(f"{name} is given more than {MAX_VALUES} times.")
    for value in values:
        if len(value) > _MAX_LENGTH:
            raise InvalidRequest(f"{name} is longer than {_MAX_LENGTH} characters.")
        if value:
            yield value


def _one(given: Mapping[str, Sequence[str]], name: str) -> str:
    values = list(_values(given, name))
    if len(values) > 1:
        raise InvalidRequest(f"{name} can be given once only.")
    return values[0] if values else ""


def _status(text: str) -> Status:
    if text not in set(Status):
        raise InvalidRequest(f"status={text!r} must be one of {', '.join(Status)}.")
    return Status(text)


def _label(text: str) -> str:
    try:
        return clean_label(text)
    except InvalidDocument as error:
        raise InvalidRequest(f"label={text!r}: {error.message}") from error


def _image(text: str) -> str:
    if not is_image_id(text):
        raise InvalidRequest(f"image={text!r} is not an image ID.")
    return text


def _split(text: str) -> tuple[int, ...]:
    if not text:
        return ()
    shares = tuple(map(int, text.split("/"))) if _SPLIT.fullmatch(text) else ()
    if not sum(shares):
        raise InvalidRequest(
            f"split={text!r} must be the shares of train, val and perhaps test, such as 80/10/10."
        )
    return shares


def _part(text: str, split: tuple[int, ...]) -> Part:
    parts = [part for part, share in zip(Part, split, strict=False) if share]
    if text not in parts:
        raise InvalidRequest(
            f"part={text!r} must be one of {', '.join(parts)}: those have a share in the split "
            f"{'/'.join(map(str, split))}."
        )
    return Part(text)
