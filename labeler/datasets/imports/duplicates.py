"""Several label files, or entries of one, that mean the same image. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from labeler.datasets.formats.found import FoundBox, FoundImage


class Claim(NamedTuple):
    """One found image, by its place among all, that means an image.

    `sure` if its path says so; `named` if the image has its very base name, and not another one
    that a tool has changed, in another case or with another extension.
    """

    number: int
    found: FoundImage
    sure: bool
    named: bool


def resolve_duplicates(claims: Sequence[Claim]) -> tuple[list[Claim], dict[int, str]]:
    """The claims on one image that are taken, to be joined, and why each other one is not.

    One that has the image's very name wins over one of a name that is only like it: that one's own
    image is missing. So does one whose path agrees over one whose base name alone does. Entries
    without boxes give way to those with boxes, as a file of captions does beside one of instances.
    What is left has to have the same base name, the same folders or folders that agree, and to
    state the same size.
    """
    named = [claim for claim in claims if claim.named] or list(claims)
    sure = [claim for claim in named if claim.sure]
    taken = sure or named
    numbers = {claim.number for claim in taken}
    refused = {
        claim.number: f"there is no image {claim.found.name} in the project"
        for claim in claims
        if claim.number not in numbers
    }
    annotated = [claim for claim in taken if claim.found.is_annotated] or taken[:1]
    with_boxes = [claim for claim in annotated if claim.found.boxes or claim.found.lost]
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


def joined(found: Sequence[FoundImage]) -> FoundImage:
    """All boxes of these, once each; where one can't be read, what it lost counts."""
    first = found[0]
    if len(found) == 1:
        return first
    boxes: dict[tuple[object, ...], FoundBox] = {}
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


def _others(one: Claim, claims: Sequence[Claim]) -> str:
    named = (
        f"{other.found.name} in {other.found.file}"
        for other in claims
        if other.number != one.number
    )
    return ", ".join(list(named)[:3])
