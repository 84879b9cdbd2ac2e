"""What images can be asked for: the filters and the orders of a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from labeler.errors import InvalidRequest
from labeler.model.box_warnings import BoxWarning
from labeler.model.document import Status
from labeler.model.review_sample import WHOLE
from labeler.project.image_entry import ImageEntry


class Sort(StrEnum):
    """The order of a list: by name, by the last save, by boxes, by when the image came."""

    NAME = "name"
    NAME_DOWN = "-name"
    SAVED = "saved"
    SAVED_DOWN = "-saved"
    BOXES = "boxes"
    BOXES_DOWN = "-boxes"
    ADDED = "added"
    ADDED_DOWN = "-added"


@dataclass(frozen=True, slots=True)
class ImageFilters:
    """What images have to match; None and "" match all.

    `boxes` are the smallest and the largest number of boxes. `since` and `until` are the days in
    UTC, both included, of the last save. `assigned` is a person in whose queue the image is,
    ANYBODY or NOBODY. `sample` is how many percent of the images to take.
    """

    status: Status | None = None
    find: str = ""
    label: str | None = None
    person: str = ""
    assigned: str = ""
    boxes: tuple[int, int | None] | None = None
    since: datetime | None = None
    until: datetime | None = None
    warning: BoxWarning | None = None
    sample: int = WHOLE

    @property
    def needs_facts(self) -> bool:
        """Whether a filter asks about the boxes themselves."""
        return self.label is not None or self.warning is not None


def parse_day(name: str, text: str, *, is_end: bool = False) -> datetime:
    """The begin of that day in UTC, or with `is_end` of the next; InvalidRequest."""
    try:
        day = date.fromisoformat(text)
        begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
        return begin + timedelta(days=1) if is_end else begin
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{name}={text!r} must be a day, such as 2026-05-31.") from error


def moment_of(saved_at: str) -> datetime | None:
    """The time of a save in UTC; no offset counts as UTC, an invalid time as none."""
    try:
        moment = datetime.fromisoformat(saved_at)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def came_at(entry: ImageEntry) -> float:
    """When the image came, in seconds since 1970: the original's time, else the last save's."""
    if entry.added_at:
        return entry.added_at
    moment = moment_of(entry.saved_at)
    return moment.timestamp() if moment else 0.0
