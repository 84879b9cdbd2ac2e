"""What can be asked about a project's images, whoever answers it.

Two answer: the listing of the store (listed_images.py), and a database (database/). Pages, routes
and the queue don't know which one. Tests hold that both answer alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from enum import StrEnum
from typing import NamedTuple, Protocol

from labeler.model.document import Status
from labeler.project.box_facts import LabelNames
from labeler.project.counts import Counts, Dimension
from labeler.project.image_entry import ImageEntry
from labeler.project.image_search import ImageFilters, Sort
from labeler.project.progress import Progress, Tally

Place = tuple[str, str]
"""A place in the list, which stays valid when images come and go: a name and an image ID."""


class Turn(StrEnum):
    """The order in which images are given to people."""

    NAME = "name"
    NEWEST = "newest"
    RANDOM = "random"


class Taken(NamedTuple):
    """Some images, and after which one the next call goes on; None where there is no more."""

    entries: list[ImageEntry]
    more: ImageEntry | None


class SortedPage(NamedTuple):
    """Some of all `total` images that match; `unread` could not be looked at yet."""

    entries: list[ImageEntry]
    total: int
    unread: int


class FoundImages(Protocol):
    """The images that match filters, in the order of names.

    Only documents of an older Labeler are read, for filters about boxes. One call reads some of
    them, and the next call goes on.
    """

    def __iter__(self) -> Iterator[ImageEntry]:
        """Every image that is known to match."""
        ...

    def has(self, entry: ImageEntry) -> bool:
        """Whether this image is known to match."""
        ...

    def count(self, end: Place | None = None) -> int:
        """How many images match, or how many of them come before `end`."""
        ...

    def after(self, place: Place | None, limit: int) -> Taken:
        """The first ones behind the place, or from the beginning."""
        ...

    def before(self, place: Place, limit: int) -> Taken:
        """The ones before the place, the nearest first."""
        ...

    def page(self, sort: Sort, offset: int, limit: int) -> SortedPage:
        """The ones from the `offset`th on in that order; equal ones are in the order of names."""
        ...

    def people(self) -> list[tuple[str, int]]:
        """Whose work these images are, by name, with the number of images of each."""
        ...


class ImageView(Protocol):
    """All images of a project as they were when the view was asked for, or later."""

    def search(self, filters: ImageFilters, names: LabelNames | None) -> FoundImages:
        """The images that match; `names` are needed if `filters.needs_facts`."""
        ...

    def tally(self, person: str) -> Tally:
        """How many images have which status, and how many of the finished are that person's."""
        ...

    def progress(self, today: date) -> Progress:
        """The progress of the project as of today."""
        ...

    def count(self, by: Sequence[Dimension], names: LabelNames) -> Counts:
        """The counts by these dimensions together; see `Statistics.count`."""
        ...

    def boxes_of(self, label: str, names: LabelNames) -> tuple[list[tuple[str, int]], int]:
        """The IDs of images that have boxes of the label, in the order of names, with how many.

        And of how many images the labels have not been read yet.
        """
        ...

    def in_turn(
        self,
        turn: Turn,
        statuses: AbstractSet[Status],
        after: str = "",
        assigned_to: str | None = None,
        labeler: str | None = None,
    ) -> Iterator[ImageEntry]:
        """The images with these statuses, in that order, beginning behind the image `after`.

        `assigned_to` limits them to that person's queue, "" to images in nobody's; None does not.
        `labeler` limits them to that person's work in the same way.

        The order goes round: after the last image comes the first. No more is looked at than is
        taken.
        """
        ...
