"""Counts of rows: statistics and progress. They are the same as `EntryCount` makes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, func, select

from labeler.model.box_warnings import BoxWarning
from labeler.model.document import FINISHED, Status
from labeler.project.box_facts import LabelNames
from labeler.project.counts import Count, Counts, Dimension
from labeler.project.database.filters import unknown_texts, warned
from labeler.project.database.rows import fit
from labeler.project.database.tables import images, labels, texts
from labeler.project.progress import Progress, Tally, progress_from

_COLUMNS: Final = {
    Dimension.STATUS: images.c.status,
    Dimension.PERSON: images.c.person,
    Dimension.DAY: images.c.day,
    Dimension.ASSIGNED: images.c.assigned_to,
}
_FINISHED: Final = [status.value for status in FINISHED]


def tally(connection: Connection, person: str) -> Tally:
    """See `TallyCount`."""
    mine = 0
    if person:
        own = and_(images.c.status.in_(_FINISHED), images.c.labeler == fit(person))
        mine = connection.execute(select(func.count()).select_from(images).where(own)).scalar_one()
    return Tally(_statuses(connection), mine)


def _statuses(connection: Connection) -> dict[Status, int]:
    asked = select(images.c.status, func.count()).group_by(images.c.status)
    return dict.fromkeys(Status, 0) | {Status(one): n for one, n in connection.execute(asked)}


def progress(connection: Connection, today: date) -> Progress:
    """See `progress_of`."""
    hours = select(images.c.hour, func.count().label("images")).where(
        images.c.status.in_(_FINISHED), images.c.hour.is_not(None)
    )
    came = select(images.c.came_day, func.count().label("images"))
    by_hour = connection.execute(hours.group_by(images.c.hour))
    found = {row.hour: row.images for row in by_hour}
    there = {
        row.came_day: row.images for row in connection.execute(came.group_by(images.c.came_day))
    }
    return progress_from(_statuses(connection), found, there, today)


def count(connection: Connection, by: Sequence[Dimension], names: LabelNames) -> Counts:
    """See `Statistics.count`."""
    sums = func.count(), func.coalesce(func.sum(images.c.rects), 0)
    total, rects = connection.execute(select(*sums).select_from(images)).one()
    images_of: Counter[tuple[str, ...]] = Counter()
    rects_of: Counter[tuple[str, ...]] = Counter()
    for key, found, boxes in _rows(connection, by, names):
        images_of[key] += found
        rects_of[key] += boxes
    rows = tuple(Count(key, images_of[key], rects_of[key]) for key in sorted(images_of))
    return Counts(total, int(rects), rows, 0)


def _rows(
    connection: Connection, by: Sequence[Dimension], names: LabelNames
) -> Iterator[tuple[tuple[str, ...], int, int]]:
    columns = [_COLUMNS[one] for one in by if one in _COLUMNS]
    told = next((one for one in by if one not in _COLUMNS), None)

    def keyed(values: Sequence[Any], one_told: str) -> tuple[str, ...]:
        plain = iter(values)
        return tuple(next(plain) if one in _COLUMNS else one_told for one in by)

    def run(asked: Select[Any], one_told: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
        for *values, found, boxes in connection.execute(asked.group_by(*columns)):
            yield keyed(values, one_told), found, int(boxes or 0)

    if told is None:
        yield from run(select(*columns, func.count(), func.sum(images.c.rects)), "")
    elif told is Dimension.LABEL:
        for name, stored in sorted(_texts_by_name(connection, names).items()):
            yield from run(_having(columns, stored), name)
    else:
        for warning in BoxWarning:
            yield from run(_warned(connection, columns, warning, names), warning.value)


def _texts_by_name(connection: Connection, names: LabelNames) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for text in connection.execute(select(texts.c.text)).scalars():
        found.setdefault(names.name(text), []).append(text)
    return found


def _having(columns: Sequence[Any], stored: list[str]) -> Select[Any]:
    """Images that have boxes of these labels, each once, and those boxes."""
    many = func.count(labels.c.image_id.distinct()) if len(stored) > 1 else func.count()
    joined = images.join(labels, labels.c.image_id == images.c.image_id)
    return (
        select(*columns, many, func.sum(labels.c.boxes))
        .select_from(joined)
        .where(labels.c.text.in_(stored))
        .having(func.count() > 0)
    )


def _warned(
    connection: Connection, columns: Sequence[Any], warning: BoxWarning, names: LabelNames
) -> Select[Any]:
    """Images with that warning, and the boxes that have it."""
    where = warned(connection, warning, names)
    some = images.c.image_id.is_not(None) & where
    if warning is BoxWarning.UNKNOWN_LABEL:
        stored = unknown_texts(connection, names)
        return _having(columns, stored).where(images.c.problem == "")
    whole = warning in (BoxWarning.NO_BOXES, BoxWarning.DAMAGED)
    boxes = func.sum(0 if whole else images.c[warning.value])
    return select(*columns, func.count(), boxes).where(some).having(func.count() > 0)
