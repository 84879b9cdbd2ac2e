"""Resolves several label files, or entries of one file, that mean the same image. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labeler.datasets.formats.reading import ImportedBox, ImportedImage


class DuplicateEntry(NamedTuple):
    """One image of a dataset, by its index there, that means an image of the project.

    `sure` is True if the path agrees. `named` is True if the image has exactly this base name. It
    is False for a name that a tool changed, or with another case or extension.
    """

    number: int
    found: ImportedImage
    sure: bool
    named: bool


def resolve_duplicates(
    entries: Sequence[DuplicateEntry],
) -> tuple[list[DuplicateEntry], dict[int, str]]:
    """Choose the entries on one image to merge. Return them and the reason for each rejection.

    An entry with the image's exact name wins over an entry with a similar name, whose own image is
    missing. An entry whose path agrees wins over an entry that agrees in the base name only.
    Entries with boxes win over entries without, as a file of instances does over a file of
    captions. The remaining entries must have the same base name, the same or agreeing folders, and
    the same stated size.
    """
    named = [entry for entry in entries if entry.named] or list(entries)
    sure = [entry for entry in named if entry.sure]
    taken = sure or named
    numbers = {entry.number for entry in taken}
    refused = {
        entry.number: f"there is no image {entry.found.name} in the project"
        for entry in entries
        if entry.number not in numbers
    }
    annotated = [entry for entry in taken if entry.found.is_annotated] or taken[:1]
    with_boxes = [entry for entry in annotated if entry.found.boxes or entry.found.lost]
    taken = with_boxes or annotated[:1]
    if len(taken) == 1:
        return taken, refused
    sizes = {(one.found.width, one.found.height) for one in taken} - {(None, None)}
    names = {one.found.name if not sure else _base(one.found.name) for one in taken}
    if len(sizes) > 1 or len(names) > 1:
        return [], refused | {
            one.number: f"{one.found.name} is the same image as {_others(one, taken)}"
            for one in taken
        }
    return taken, refused


def _base(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def joined(found: Sequence[ImportedImage]) -> ImportedImage:
    """Merge all boxes of these images, once each. Lost boxes of each image are counted."""
    first = found[0]
    if len(found) == 1:
        return first
    boxes: dict[tuple[object, ...], ImportedBox] = {}
    for image in found:
        for box in image.boxes:
            place = box.place if image.file == first.file else f"{image.file}: {box.place}"
            boxes.setdefault(tuple(box[:5]), box._replace(place=place))
    sides = next(((one.width, one.height) for one in found if one.width), (None, None))
    return first._replace(
        boxes=tuple(boxes.values()),
        width=sides[0],
        height=sides[1],
        lost=sum(image.lost for image in found),
    )


def _others(one: DuplicateEntry, entries: Sequence[DuplicateEntry]) -> str:
    named = (
        f"{other.found.name} in {other.found.file}"
        for other in entries
        if other.number != one.number
    )
    return ", ".join(list(named)[:3])
