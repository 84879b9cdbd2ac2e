"""Reads and writes rows. A write names the state of the row that it replaces.

So a row never goes back: whoever looked at the store earlier than another writer finds that the
row has another state by now, and changes nothing.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Row, delete, func, select, tuple_

from labeler.model.box_warnings import BoxWarning
from labeler.model.document import FINISHED, Status
from labeler.model.review_sample import sample_of
from labeler.project.counts import day_of, person_of
from labeler.project.database.changes import OriginalRow, RowChange
from labeler.project.database.connection import insert_of
from labeler.project.database.tables import images, labels, originals, texts
from labeler.project.image_entry import ImageEntry
from labeler.project.image_search import came_at, moment_of
from labeler.project.progress import came_day, hour_of

_UNFIT: Final = re.compile("[\x00\ud800-\udfff]")
_MOST_LABEL: Final = 500
"""Characters of a label in a row; no label of a label set has as many."""
_AT_ONCE: Final = 500
"""Values in one statement."""
ENTRY: Final = tuple(
    images.c[name]
    for name in (
        "image_id", "image_path", "status", "rects", "saved_at", "saved_by", "original", "problem",
        "version", "added_at", "labeled_by", "labels", "warnings",
        "labeled_at", "assigned_to",
    )
)  # fmt: skip
_STATE: Final[ColumnElement[str]] = images.c.version + " " + func.coalesce(images.c.original, "")
_ENTRY_NAMES: Final = tuple(column.name for column in ENTRY)
_COLUMNS: Final = tuple(column.name for column in images.columns)
Item = TypeVar("Item")


def fit(text: str) -> str:
    """The text as a database can hold it: PostgreSQL takes no NUL and no lone surrogate."""
    return _UNFIT.sub("\ufffd", text)


def fit_label(text: str) -> str:
    """The stored label as its rows have it: PostgreSQL keeps no long texts in order."""
    return fit(text)[:_MOST_LABEL]


def state_of(entry: ImageEntry | None) -> str:
    """What names the state of a row: the document's version and the original; empty for none."""
    return fit(f"{entry.version} {entry.original or ''}") if entry is not None else ""


def chunks(items: Iterable[Item], size: int = _AT_ONCE) -> Iterator[list[Item]]:
    """The items in lists of that size."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def entry_from(row: Row[Any]) -> ImageEntry:
    """The entry in a row of the columns ENTRY."""
    values = dict(zip(_ENTRY_NAMES, row, strict=True))
    return ImageEntry(**values | {"status": Status(values["status"])})


def _values(entry: ImageEntry, known: ImageEntry | None) -> dict[str, Any]:
    moment, worked = moment_of(entry.saved_at), moment_of(entry.worked_at)
    warnings = entry.warning_counts or {}
    values = {
        column.name: getattr(entry, column.name) for column in ENTRY if column.name != "status"
    } | {
        "status": entry.status.value,
        "folded_path": entry.image_path.lower(),
        "labeler": entry.labeler,
        "folded_labeler": entry.labeler.casefold() if entry.status is not Status.UNLABELED else "",
        "folded_assigned": entry.assigned_to.casefold(),
        "person": person_of(entry),
        "day": day_of(entry),
        "moment": moment.timestamp() if moment else None,
        "hour": hour_of(worked) if worked and entry.status in FINISHED else None,
        "came_day": came_day(entry, worked),
        "came_at": came_at(entry),
        "sample": sample_of(entry.image_id),
        "tiny": warnings.get(BoxWarning.TINY, 0),
        "edge": warnings.get(BoxWarning.EDGE, 0),
        "duplicate": warnings.get(BoxWarning.DUPLICATE, 0),
        "over": state_of(known),
    }
    return {name: fit(v) if isinstance(v, str) else v for name, v in values.items()}


def read_rows(connection: Connection, image_ids: Iterable[str]) -> dict[str, ImageEntry]:
    """The entries of these images, as far as there are rows."""
    found = {}
    for some in chunks(map(fit, image_ids)):
        for row in connection.execute(select(*ENTRY).where(images.c.image_id.in_(some))):
            found[row[0]] = entry_from(row)
    return found


def untrue_rows(connection: Connection, entries: Mapping[str, ImageEntry]) -> set[str]:
    """The images whose rows tell anything else than these entries: what is made of them, too.

    Those are columns that questions need, and the rows of labels. An image without a row is not
    among them.
    """
    untrue: set[str] = set()
    for some in chunks(entries):
        by_fit = {fit(image_id): image_id for image_id in some}
        found: defaultdict[str, dict[str, int]] = defaultdict(dict)
        kept = labels.outerjoin(texts, texts.c.text == labels.c.text)
        asked = select(labels.c.image_id, labels.c.text, labels.c.boxes, texts.c.text)
        for image_id, text, boxes, known in connection.execute(
            asked.select_from(kept).where(labels.c.image_id.in_(by_fit))
        ):
            found[image_id][text] = boxes if known is not None else -1
        told = connection.execute(select(images).where(images.c.image_id.in_(by_fit))).mappings()
        for row in told:
            image_id = row["image_id"]
            entry = entries[by_fit[image_id]]
            counts = _label_rows({image_id: entry.label_counts or {}})
            wanted = _values(entry, None) | {"over": row["over"]}
            has_labels = {text: boxes for (text, _), boxes in counts.items()} == found[image_id]
            if not has_labels or dict(row) != wanted:
                untrue.add(by_fit[image_id])
    return untrue


def write_rows(connection: Connection, changes: Sequence[RowChange]) -> set[str]:
    """Write these rows; returns the IDs of those that had the state that their change names."""
    done: set[str] = set()
    ordered = sorted(
        changes, key=lambda change: change.image_id
    )  # two writers never wait in a ring
    written = [change for change in ordered if change.entry is not None]
    for some in chunks(written):
        values = [_values(one.entry, one.known) for one in some if one.entry is not None]
        done |= set(connection.execute(_put(connection), values).scalars())
    for change in ordered:
        if change.entry is None:
            gone = delete(images).where(
                images.c.image_id == fit(change.image_id), _STATE.in_([state_of(change.known)])
            )
            if connection.execute(gone).rowcount:
                done.add(change.image_id)
    counts = {
        change.image_id: change.entry.label_counts or {} if change.entry else {}
        for change in ordered
        if fit(change.image_id) in done
    }
    _write_labels(connection, counts)
    return done


def _put(connection: Connection) -> Any:
    put = insert_of(connection)(images)
    news = {name: put.excluded[name] for name in _COLUMNS if name != "image_id"}
    return put.on_conflict_do_update(
        index_elements=[images.c.image_id], set_=news, where=put.excluded.over == _STATE
    ).returning(images.c.image_id)


def _write_labels(connection: Connection, counts: Mapping[str, Mapping[str, int]]) -> None:
    for some in chunks(map(fit, counts)):
        connection.execute(delete(labels).where(labels.c.image_id.in_(some)))
    rows = _label_rows(counts)
    if rows:
        known = [{"text": text} for text in sorted({text for text, _ in rows})]
        connection.execute(insert_of(connection)(texts).on_conflict_do_nothing(), known)
        values = [
            {"text": text, "image_id": image_id, "boxes": boxes}
            for (text, image_id), boxes in sorted(rows.items())
        ]
        for batch in chunks(values):
            connection.execute(insert_of(connection)(labels), batch)


def _label_rows(counts: Mapping[str, Mapping[str, int]]) -> dict[tuple[str, str], int]:
    """The boxes by text and image ID, as the database can hold them."""
    rows: defaultdict[tuple[str, str], int] = defaultdict(int)
    for image_id, found in counts.items():
        for text, boxes in found.items():
            rows[fit_label(text), fit(image_id)] += boxes
    return rows


# --- originals ----------------------------------------------------------------------------


def read_originals(
    connection: Connection, where: ColumnElement[bool], limit: int | None = None
) -> list[OriginalRow]:
    """The rows of originals, in the order of their keys."""
    asked = select(originals).where(where).order_by(originals.c.key).limit(limit)
    found = connection.execute(asked)
    return [OriginalRow(*row) for row in found]


def write_originals(
    connection: Connection, news: Sequence[OriginalRow], gone: Sequence[OriginalRow]
) -> None:
    """Write these rows, and delete the others if they still are as they were read."""
    for some in chunks(sorted(news, key=lambda one: one.key)):
        put = insert_of(connection)(originals)
        columns = {name: put.excluded[name] for name in ("version", "image_id", "added_at")}
        values = [
            {
                "key": fit(one.key),
                "version": one.version,
                "image_id": fit(one.image_id),
                "added_at": one.added_at,
            }
            for one in some
        ]
        connection.execute(
            put.on_conflict_do_update(index_elements=[originals.c.key], set_=columns), values
        )
    states = ((fit(one.key), one.version) for one in sorted(gone, key=lambda one: one.key))
    for names in chunks(states, _AT_ONCE // 2):
        as_read = tuple_(originals.c.key, originals.c.version).in_(names)
        connection.execute(delete(originals).where(as_read))


def originals_of(connection: Connection, image_ids: Iterable[str]) -> dict[str, list[OriginalRow]]:
    """The originals of these images, in the order of their keys."""
    found: dict[str, list[OriginalRow]] = {}
    for some in chunks(map(fit, image_ids)):
        for row in read_originals(connection, originals.c.image_id.in_(some)):
            found.setdefault(row.image_id, []).append(row)
    return found
