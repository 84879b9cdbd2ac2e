"""Puts imported boxes onto a document of the project. Pure: the same input, the same result.

A rect's ID is made from its content. Importing the same file again finds the same rects and adds
none twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from labeler.datasets.formats.reading import ImportedBox, ImportedImage, Problems
from labeler.errors import InvalidDocument
from labeler.model.document import AnnotationDocument, Rect, Status, derived_id
from labeler.model.edits import with_rects, with_status
from labeler.model.limits import MAX_RECTS

_ROUNDING: Final = 1.0
"""Pixels. Boxes that exceed the border by at most this are cut silently; many programs round."""

Naming = Callable[[str], str]
"""Returns the project's label for a file's text. Raises InvalidDocument if it can't be a label."""


class ExistingBoxes(StrEnum):
    """What an import does with an image that has boxes already."""

    KEEP = "keep"
    REPLACE = "replace"
    MERGE = "merge"


class PlacedStatus(StrEnum):
    """What an import did with one image of the file."""

    IMPORTED = "imported"
    UNCHANGED = "unchanged"
    KEPT = "kept"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True)
class PlacedDocument:
    """A document after an import, unchanged if none were added. `boxes` are the new boxes."""

    outcome: PlacedStatus
    document: AnnotationDocument
    boxes: tuple[Rect, ...] = ()


def place_boxes(
    found: ImportedImage,
    document: AnnotationDocument,
    existing: ExistingBoxes,
    naming: Naming,
    problems: Problems,
    orientation: int = 1,
    status: Status = Status.DONE,
) -> PlacedDocument:
    """Return `document`, whose size is known, with the found boxes added.

    `orientation` is its photo's EXIF orientation, for boxes that were drawn on the photo as stored.
    Boxes that cannot be placed are added to `problems`. The image gets `status` if all of its boxes
    are placed. An image that already has exactly these boxes keeps its own status instead of
    `in_progress`.
    """
    name = document.image_path
    if document.rects and existing is ExistingBoxes.KEEP:
        return _keep_boxes(found, document, naming, orientation, problems)
    if not found.is_annotated and not found.boxes and not found.lost:
        problems.note(
            found.file, found.place, f"{name} was left as it is: nobody has drawn boxes on it there"
        )
        return PlacedDocument(PlacedStatus.KEPT, document)
    if _is_in_first_pixel(found):
        problems.skip(
            found.file, found.place,
            f"{name} was left as it is: its boxes are given in shares of the image, not in pixels",
        )  # fmt: skip
        return PlacedDocument(PlacedStatus.LEFT_OUT, document)
    placed = _rects(found, document, naming, orientation, problems)
    if placed is None:
        return PlacedDocument(PlacedStatus.LEFT_OUT, document)
    rects, unnamed = placed
    lost = found.lost + unnamed
    if not rects and (found.boxes or lost):
        problems.skip(
            found.file, found.place, f"{name} was left as it is: none of its boxes can be imported"
        )
        return PlacedDocument(PlacedStatus.LEFT_OUT, document)
    if lost and document.rects and existing is ExistingBoxes.REPLACE:
        problems.skip(
            found.file, found.place,
            f"{name} was left as it is: not all of its boxes can be imported, so some would be "
            "lost",
        )  # fmt: skip
        return PlacedDocument(PlacedStatus.LEFT_OUT, document)
    # An entry that was not understood may be a box, so a person has to look.
    status = Status.IN_PROGRESS if lost else status
    if existing is ExistingBoxes.MERGE and document.rects:
        rects = (*document.rects, *_lacking(rects, document.rects))
        wanted = with_rects(document, rects)
    else:
        wanted = _with_boxes(document, rects, status)
    if len(rects) > MAX_RECTS:
        problems.fault(
            found.file, found.place,
            f"{name} would have {len(rects)} boxes; at most {MAX_RECTS} are allowed",
        )  # fmt: skip
        return PlacedDocument(PlacedStatus.LEFT_OUT, document)
    if wanted == document:
        return PlacedDocument(PlacedStatus.UNCHANGED, document)
    if document.rects and not rects:
        problems.note(
            found.file, found.place,
            f"{name} has no boxes there, so its {len(document.rects)} were removed",
        )  # fmt: skip
    new = _lacking(rects, document.rects)
    return PlacedDocument(PlacedStatus.IMPORTED, wanted, tuple(new))


def _with_boxes(
    document: AnnotationDocument, rects: tuple[Rect, ...], status: Status
) -> AnnotationDocument:
    """The document with just these boxes; if it has them, only another status is news."""
    if not _same(rects, document.rects):
        return with_status(with_rects(document, rects), status)
    return document if status is Status.IN_PROGRESS else with_status(document, status)


def _keep_boxes(
    found: ImportedImage, document: AnnotationDocument, naming: Naming, orientation: int,
    problems: Problems,
) -> PlacedDocument:  # fmt: skip
    """Return the document as it is: `unchanged` if it has exactly the found boxes, else `kept`."""
    name, before = document.image_path, Problems()
    same = _rects(found, document, naming, orientation, before)
    if same is not None and _same(same[0], document.rects):
        problems.add(before)
        return PlacedDocument(PlacedStatus.UNCHANGED, document)
    problems.note(found.file, found.place, f"{name} has boxes already and was left as it is")
    return PlacedDocument(PlacedStatus.KEPT, document)


def _rects(
    found: ImportedImage, document: AnnotationDocument, naming: Naming, orientation: int,
    problems: Problems,
) -> tuple[tuple[Rect, ...], int] | None:  # fmt: skip
    """Return the boxes as rects, and how many have a text that can't be a label.

    Returns None if the document's size differs from the size in the file.
    """
    width, height = document.image_width or 0, document.image_height or 0
    stated = (found.width or width, found.height or height)
    turn = 1
    swapped = stated == (height, width) and not found.shares
    upright = swapped and (found.as_displayed or _only_upright(found, stated))
    if stated != (width, height) and not upright:
        if stated != (height, width) or orientation < 5:
            problems.fault(
                found.file, found.place,
                f"its size there is {stated[0]} x {stated[1]}, but {document.image_path} has "
                f"{width} x {height}",
            )  # fmt: skip
            return None
        problems.note(
            found.file, found.place,
            f"{document.image_path} is shown rotated (EXIF orientation {orientation}): its boxes, "
            "drawn on the photo as stored, were rotated with it",
        )  # fmt: skip
        turn = orientation
    rects: dict[tuple[float, float, float, float, str], Rect] = {}
    taken: set[str] = set()
    unnamed = 0
    for box in found.boxes:
        left, top, across, down = box[1:5]
        if found.shares:
            left, top, across, down = left * width, top * height, across * width, down * height
        edges = _turn((left, top, left + across, top + down), turn, stated)
        try:
            label = naming(box.label)
        except InvalidDocument as error:
            problems.skip(found.file, box.place, error.message.rstrip("."))
            unnamed += 1
            continue
        try:
            left, top, right, bottom = _inside(edges, (width, height), found, box, problems)
        except InvalidDocument as error:
            problems.skip(found.file, box.place, error.message.rstrip("."))
            continue
        key = (left, top, round(right - left, 2), round(bottom - top, 2), label)
        if key in rects:
            problems.note(found.file, box.place, "the same box stands there twice")
            continue
        rects[key] = _rect(key, box, taken)
    return tuple(rects.values()), unnamed


def _is_in_first_pixel(found: ImportedImage) -> bool:
    """Return whether boxes that should be in pixels look like shares of the image.

    They do if all lie within the first pixel and have more decimals than a person or Labeler
    writes.
    """
    if found.shares or not found.boxes:
        return False
    numbers = [value for box in found.boxes for value in box[1:5]]
    return all(
        min(box.left, box.top) >= 0 and max(box.left + box.width, box.top + box.height) <= 1
        for box in found.boxes
    ) and any(round(value, 2) != value for value in numbers)


def _only_upright(found: ImportedImage, stated: tuple[int, int]) -> bool:
    """Return whether the boxes exceed the stated size and fit it with its sides swapped.

    Some tools state the size of the photo as stored and draw on the photo as displayed.
    """

    def fits(width: int, height: int) -> bool:
        return all(
            max(box.left, box.left + box.width) <= width + _ROUNDING
            and max(box.top, box.top + box.height) <= height + _ROUNDING
            for box in found.boxes
        )

    return not fits(*stated) and fits(*stated[::-1])


def _inside(
    edges: tuple[float, float, float, float],
    size: tuple[int, int],
    found: ImportedImage,
    box: ImportedBox,
    problems: Problems,
) -> tuple[float, float, float, float]:
    """Return both corners, inside the image, to 2 decimals.

    Raises InvalidDocument if nothing is left of the box.
    """
    # A box that is written from its opposite corner is the same box.
    left, right = sorted((edges[0], edges[2]))
    top, bottom = sorted((edges[1], edges[3]))
    width, height = size
    if right <= left or bottom <= top:
        raise InvalidDocument(f"it is {right - left:g} px wide and {bottom - top:g} px high")
    if right <= 0 or bottom <= 0 or left >= width or top >= height:
        raise InvalidDocument("it lies outside the image")
    beyond = max(-left, -top, right - width, bottom - height)
    if beyond > _ROUNDING:
        problems.note(found.file, box.place, "it was cut off at the image's border")
    cut = (
        round(max(0.0, left), 2),
        round(max(0.0, top), 2),
        round(min(float(width), right), 2),
        round(min(float(height), bottom), 2),
    )
    if cut[2] <= cut[0] or cut[3] <= cut[1]:
        raise InvalidDocument("it is less than a hundredth of a pixel wide or high")
    return cut


def _rect(key: tuple[float, float, float, float, str], box: ImportedBox, taken: set[str]) -> Rect:
    left, top, width, height, label = key
    seed = f"{left!r}|{top!r}|{width!r}|{height!r}|{label}"
    while (rect_id := derived_id(seed)) in taken:
        seed += "|"
    taken.add(rect_id)
    known: dict[str, object] = {
        "left": left, "top": top, "width": width, "height": height, "label": label, "id": rect_id
    }  # fmt: skip
    return Rect.model_validate({**box.attributes, **known})


def _turn(
    edges: tuple[float, float, float, float], orientation: int, stored: tuple[int, int]
) -> tuple[float, float, float, float]:
    """Return the edges on the photo as displayed, from the photo as stored (EXIF 5 to 8)."""
    left, top, right, bottom = edges
    width, height = stored
    match orientation:
        case 5:
            return top, left, bottom, right
        case 6:
            return height - bottom, left, height - top, right
        case 7:
            return height - bottom, width - right, height - top, width - left
        case 8:
            return top, width - right, bottom, width - left
        case _:
            return edges


def _lacking(rects: Sequence[Rect], there: Iterable[Rect]) -> list[Rect]:
    """Return the rects that are not there yet, neither by ID nor by content."""
    there = list(there)
    ids = {rect.id for rect in there}
    contents = set(map(_content, there))
    return [rect for rect in rects if rect.id not in ids and _content(rect) not in contents]


def _same(some: Sequence[Rect], others: Sequence[Rect]) -> bool:
    """Return whether both are the same boxes, ignoring IDs and order."""
    return len(some) == len(others) and set(map(_content, some)) == set(map(_content, others))


def _content(rect: Rect) -> tuple[float, float, float, float, str]:
    return rect.left, rect.top, rect.width, rect.height, rect.label
