"""Filters as conditions on rows. They mean the same as `ListedImages` has them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, false, func, select, true, tuple_

from labeler.model.assignments import ANYBODY, NOBODY
from labeler.model.box_warnings import DONE_OR_APPROVED, BoxWarning
from labeler.model.document import Status
from labeler.model.labels import label_key
from labeler.model.review_sample import WHOLE
from labeler.project.box_facts import LabelNames
from labeler.project.database.rows import fit, fit_label
from labeler.project.database.tables import images, labels, texts
from labeler.project.image_search import ImageFilters, Sort
from labeler.project.image_view import Place

NAME: Final = (images.c.image_path, images.c.image_id)
"""What the list is in the order of."""
_COLUMNS: Final = {
    "saved": images.c.saved_at,
    "boxes": images.c.rects,
    "added": images.c.added_at,
}


def order_of(sort: Sort) -> tuple[ColumnElement[object], ...]:
    """The columns to order by."""
    column, is_down = _COLUMNS.get(sort.removeprefix("-")), sort.startswith("-")
    if column is None:
        return tuple(one.desc() for one in NAME) if is_down else NAME
    return (column.desc() if is_down else column.asc(), *NAME)


def is_before(place: Place) -> ColumnElement[bool]:
    """Rows before that place."""
    return tuple_(*NAME) < tuple_(*map(fit, place))


def is_after(place: Place) -> ColumnElement[bool]:
    """Rows behind that place."""
    return tuple_(*NAME) > tuple_(*map(fit, place))


def texts_of(connection: Connection, label: str, names: LabelNames) -> list[str]:
    """The stored labels that count as that label today."""
    wanted = label_key(fit_label(names.name(label)))
    found = connection.execute(select(texts.c.text)).scalars()
    return [text for text in found if label_key(names.name(text)) == wanted]


def unknown_texts(connection: Connection, names: LabelNames) -> list[str]:
    """The stored labels that the label set lacks."""
    return [t for t in connection.execute(select(texts.c.text)).scalars() if not names.is_known(t)]


def has_text(found: Iterable[str]) -> ColumnElement[bool]:
    """Rows that have boxes of one of these stored labels."""
    having = select(labels.c.image_id).where(labels.c.text.in_(list(found)))
    return images.c.image_id.in_(having)


def condition(
    connection: Connection, filters: ImageFilters, names: LabelNames | None
) -> ColumnElement[bool]:
    """The rows that match."""
    wanted: list[ColumnElement[bool]] = []
    if filters.status is not None:
        wanted.append(images.c.status == filters.status.value)
    if filters.boxes is not None:
        least, most = filters.boxes
        wanted.append(images.c.rects >= least)
        if most is not None:
            wanted.append(images.c.rects <= most)
    wanted += _worked(filters)
    if filters.sample < WHOLE:
        wanted.append(images.c.sample < filters.sample)
    if filters.find:
        wanted.append(_named(connection, fit(filters.find.lower())))
    if names is not None and filters.label:
        wanted.append(images.c.problem == "")
        wanted.append(has_text(texts_of(connection, filters.label, names)))
    if names is not None and filters.warning is not None:
        wanted.append(warned(connection, filters.warning, names))
    return and_(true(), *wanted)


def _worked(filters: ImageFilters) -> list[ColumnElement[bool]]:
    """The filters about people and times."""
    wanted: list[ColumnElement[bool]] = []
    if filters.person:
        wanted.append(images.c.folded_labeler == fit(filters.person.casefold()))
    if filters.assigned:
        assigned = filters.assigned.casefold()
        if assigned in (ANYBODY, NOBODY):
            is_free = images.c.assigned_to == ""
            wanted.append(is_free if assigned == NOBODY else ~is_free)
        else:
            wanted.append(images.c.folded_assigned == fit(assigned))
    if filters.since is not None or filters.until is not None:
        wanted.append(images.c.status != Status.UNLABELED.value)
        wanted.append(images.c.moment.is_not(None))
    if filters.since is not None:
        wanted.append(images.c.moment >= filters.since.timestamp())
    if filters.until is not None:
        wanted.append(images.c.moment < filters.until.timestamp())
    return wanted


def warned(connection: Connection, warning: BoxWarning, names: LabelNames) -> ColumnElement[bool]:
    """The rows that have that warning."""
    if warning is BoxWarning.DAMAGED:
        return images.c.problem != ""
    can_be_opened = images.c.problem == ""
    if warning is BoxWarning.NO_BOXES:
        done = images.c.status.in_([status.value for status in DONE_OR_APPROVED])
        return and_(can_be_opened, images.c.rects == 0, done)
    has_boxes = and_(can_be_opened, images.c.rects > 0)
    if warning is BoxWarning.UNKNOWN_LABEL:
        return and_(has_boxes, has_text(unknown_texts(connection, names)))
    return and_(has_boxes, images.c[warning.value] > 0)


def _named(connection: Connection, lowered: str) -> ColumnElement[bool]:
    """Names that contain the text, or match it if it has wildcards; see `name_filter`."""
    if "*" not in lowered and "?" not in lowered:
        return images.c.folded_path.contains(lowered, autoescape=True)
    if connection.dialect.name == "sqlite":
        return func.labeler_matches(images.c.folded_path, lowered) == 1
    pattern = _pattern(lowered)
    return false() if pattern is None else images.c.folded_path.regexp_match(pattern)


def _pattern(wildcards: str) -> str | None:
    """The same as a regular expression of PostgreSQL, whose time grows with its length alone.

    None if nothing can match.
    """
    parts, at = [], 0
    while at < len(wildcards):
        char = wildcards[at]
        at += 1
        if char == "*":
            parts.append("(.|\n)*")
        elif char == "?":
            parts.append("(.|\n)")
        elif char == "[" and (end := _end_of_class(wildcards, at)) > 0:
            made = _one_of(wildcards[at:end])
            if made is None:
                return None
            parts.append(made)
            at = end + 1
        else:
            parts.append(re.escape(char) if char.isascii() else char)
    return rf"\A{''.join(parts)}\Z"


def _end_of_class(wildcards: str, at: int) -> int:
    """Where the bracket ends that was opened before `at`; a first `]` is one of its characters."""
    first = at + wildcards.startswith("!", at)
    return wildcards.find("]", first + 1)


def _one_of(inside: str) -> str | None:
    """The characters between brackets; None for a range that runs backward."""
    is_not = inside.startswith("!")
    chars, at, body = inside[is_not:], 0, ""
    while at < len(chars):
        first = chars[at]
        if chars[at + 1 : at + 2] == "-" and at + 2 < len(chars):
            if first > chars[at + 2]:
                return None
            body += f"{_escaped(first)}-{_escaped(chars[at + 2])}"
            at += 3
        else:
            body += _escaped(first)
            at += 1
    return f"[{'^' if is_not else ''}{body}]"


def _escaped(char: str) -> str:
    return char if char.isalnum() or not char.isascii() else f"\\{char}"
