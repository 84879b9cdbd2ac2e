"""What a person should look at in a document's boxes. Pure.

The workbench finds the same in the browser (ui/workbench/warnings.js), with the same numbers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from labeler.model.document import AnnotationDocument, Rect, Status

TINY: Final = 4.0
"""Image pixels: a box with a shorter side is tiny."""
DUPLICATE: Final = 0.9
"""Intersection over union from which on two boxes of one label are duplicates."""
MOST_COMPARED: Final = 1000
"""No duplicates are looked for among more boxes."""


class BoxWarning(StrEnum):
    """What is suspicious: of a box, or of a whole image (`no_boxes`, `damaged`)."""

    TINY = "tiny"
    EDGE = "edge"
    UNKNOWN_LABEL = "unknown_label"
    DUPLICATE = "duplicate"
    NO_BOXES = "no_boxes"
    DAMAGED = "damaged"


DONE_OR_APPROVED: Final = frozenset({Status.DONE, Status.APPROVED})
"""An image in one of these that has no boxes is worth a look."""


def box_warnings(
    document: AnnotationDocument, shown: Callable[[str], tuple[str, bool]]
) -> list[list[BoxWarning]]:
    """The warnings of each rect, in the order of the rects.

    `shown` gives the label that a stored text means today, and whether it is in the label set.
    """
    rects = document.rects
    found = [_of_one(rect, document, shown) for rect in rects]
    if len(rects) > MOST_COMPARED:
        return found
    names = [shown(rect.label)[0] for rect in rects]
    order = sorted(range(len(rects)), key=lambda at: rects[at].left)
    for place, one in enumerate(order):
        # Boxes that overlap so much begin close to each other.
        reach = rects[one].left + rects[one].width * (1 - DUPLICATE) + 1e-6
        for other in order[place + 1 :]:
            if rects[other].left > reach:
                break
            if names[one] == names[other] and overlap(rects[one], rects[other]) >= DUPLICATE:
                for at in (one, other):
                    if BoxWarning.DUPLICATE not in found[at]:
                        found[at].append(BoxWarning.DUPLICATE)
    return found


def count_warnings(document: AnnotationDocument) -> Mapping[str, int]:
    """How many boxes have which warning, by what the document alone tells.

    So unknown labels are not among them, and duplicates have the same stored text.
    """
    each = box_warnings(document, lambda text: (text, True))
    return dict(Counter(warning.value for some in each for warning in some))


def overlap(one: Rect, other: Rect) -> float:
    """Intersection over union."""
    across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (one.width * one.height + other.width * other.height - shared)


def _of_one(
    rect: Rect, document: AnnotationDocument, shown: Callable[[str], tuple[str, bool]]
) -> list[BoxWarning]:
    found = []
    if min(rect.width, rect.height) < TINY:
        found.append(BoxWarning.TINY)
    if min(_distances(rect, document)) <= 0:
        found.append(BoxWarning.EDGE)
    if not shown(rect.label)[1]:
        found.append(BoxWarning.UNKNOWN_LABEL)
    return found


def _distances(rect: Rect, document: AnnotationDocument) -> Sequence[float]:
    """From the edges of the image, as far as its size is known."""
    distances = [rect.left, rect.top]
    if document.image_width is not None:
        distances.append(document.image_width - rect.left - rect.width)
    if document.image_height is not None:
        distances.append(document.image_height - rect.top - rect.height)
    return distances
