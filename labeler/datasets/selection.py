"""The selection: which images and boxes go into a dataset, and into which part of it.

A selection has the same seven fields everywhere: in the URL of an HTTP call, in a JSON body and on
the command line. Every format uses it in the same way.
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
from labeler.model.unicode_text import has_half_character

FIELDS: Final = ("status", "label", "name", "image", "split", "seed", "part")
_MAX_LENGTH: Final = 300
_SPLIT: Final = re.compile(r"[0-9]{1,4}(/[0-9]{1,4}){1,2}")


class Part(StrEnum):
    """A part of a split dataset. The order is that of the shares in a split."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@dataclass(frozen=True, slots=True)
class Selection:
    """Selects images and boxes. Without any field: all images with a result, without a split.

    `statuses`: only images in one of these; empty means the default, see `takes`.
    `labels`: only boxes with these labels, and only images that have such a box.
    `names`: only images whose file name matches one of these patterns; `*` also matches `/`.
    `images`: only the images with these IDs.
    `split`: the shares of train, val and test; `seed` draws another split with the same shares.
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
        """Return whether an image in that status is selected.

        By default, an image is selected if it is not skipped and either has rects or is done or
        approved without any.
        """
        if self.statuses:
            return status in self.statuses
        if status is Status.SKIPPED:
            return False
        return has_rects or status in (Status.DONE, Status.APPROVED)

    def names_file(self, file_name: str) -> bool:
        """Return whether the patterns select an image with that name."""
        return not self.names or _matcher(self.names).match(file_name) is not None

    def part_of(self, image_id: str) -> Part | None:
        """Return the image's part, or None without a split.

        It depends only on the seed, the shares and the image ID. Adding or removing other images
        never moves an image to another part.
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
        """Return whether name and part admit the image. Its document need not be known."""
        if self.part is not None and self.part_of(image_id) is not self.part:
            return False
        return self.names_file(file_name)

    def parts(self) -> tuple[Selection, ...]:
        """Return one selection per file: one per part if there is a split and no part is named."""
        if not self.split or self.part is not None:
            return (self,)
        shares = zip(Part, self.split, strict=False)
        return tuple(replace(self, part=part) for part, share in shares if share)

    def numbers(self, labels: LabelSet) -> frozenset[int] | None:
        """Return the numbers of the selected labels, or None if all are. Raises InvalidRequest."""
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
        """Return the selection as the fields that `parse_selection` takes, without unset fields."""
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
"""The default selection."""


def parse_selection(given: Mapping[str, Sequence[str]]) -> Selection:
    """Return the selection in text fields. Status, label and name may be given more than once.

    One value may hold several statuses, separated by commas. Empty values count as not given.
    Raises InvalidRequest that names the field and its allowed values.
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
    """Return whether the default selection includes the document."""
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
        if has_half_character(value):  # the manifest could not say what was chosen
            raise InvalidRequest(f"{name}={value!r} holds half of a character: send it as UTF-8.")
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
