"""Counts of images and boxes by label, person, day, status and warning.

They come from the image index.
"""

from __future__ import annotations

from collections.abc import Sequence

from labeler.errors import InvalidRequest
from labeler.project.box_facts import LabelNames
from labeler.project.counts import Counts
from labeler.project.counts import Dimension as Dimension
from labeler.project.image_index import ImageIndex
from labeler.project.label_store import LabelStore


class Statistics:
    """The statistics of one project."""

    def __init__(self, image_index: ImageIndex, labels: LabelStore) -> None:
        self._image_index = image_index
        self._labels = labels

    def count(self, by: Sequence[Dimension]) -> Counts:
        """The counts by these dimensions together.

        By label, an image counts once for each of its labels, and not at all without boxes. By
        warning, it counts once for each of its warnings, with the boxes that have it.
        """
        if Dimension.LABEL in by and Dimension.WARNING in by:
            raise InvalidRequest("Boxes can be counted by label or by warning, not by both.")
        names = LabelNames(self._labels.looked_up()[0])
        return self._image_index.view().count(by, names)
