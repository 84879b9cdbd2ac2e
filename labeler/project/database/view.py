"""Answers about all images from the database, and from the store while it is away."""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, and_, func, select, tuple_

from labeler.model.document import Status
from labeler.project.box_facts import LabelNames
from labeler.project.counts import Counts, Dimension
from labeler.project.database import counting
from labeler.project.database.connection import Database, IndexAway
from labeler.project.database.filters import (
    NAME,
    condition,
    is_after,
    is_before,
    order_of,
    texts_of,
)
from labeler.project.database.rows import ENTRY, entry_from, fit
from labeler.project.database.tables import images, labels
from labeler.project.image_entry import ImageEntry, place_of
from labeler.project.image_search import ImageFilters, Sort
from labeler.project.image_view import FoundImages, ImageView, Place, SortedPage, Taken, Turn
from labeler.project.listed_images import newness
from labeler.project.progress import Progress, Tally

_FIRST_CHUNK: Final = 16
_LARGEST_CHUNK: Final = 1024
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class DatabaseView:
    """All images as the database has them; `from_store` gives the view that the store offers."""

    database: Database
    from_store: Callable[[], ImageView]

    def ask(
        self,
        question: Callable[[Connection], Answer],
        otherwise: Callable[[ImageView], Answer],
    ) -> Answer:
        """The answer to the question, or the other one if the database is away."""
        try:
            with self.database.reading() as connection:
                return question(connection)
        except IndexAway:
            return otherwise(self.from_store())

    def search(self, filters: ImageFilters, names: LabelNames | None) -> FoundImages:
        return QueriedImages(self, filters, names)

    def tally(self, person: str) -> Tally:
        return self.ask(
            lambda connection: counting.tally(connection, person),
            lambda view: view.tally(person),
        )

    def progress(self, today: date) -> Progress:
        return self.ask(
            lambda connection: counting.progress(connection, today),
            lambda view: view.progress(today),
        )

    def count(self, by: Sequence[Dimension], names: LabelNames) -> Counts:
        return self.ask(
            lambda connection: counting.count(connection, by, names),
            lambda view: view.count(by, names),
        )

    def boxes_of(self, label: str, names: LabelNames) -> tuple[list[tuple[str, int]], int]:
        def question(connection: Connection) -> tuple[list[tuple[str, int]], int]:
            stored = texts_of(connection, label, names)
            joined = images.join(labels, labels.c.image_id == images.c.image_id)
            asked = (
                select(images.c.image_id, func.sum(labels.c.boxes))
                .select_from(joined)
                .where(labels.c.text.in_(stored), images.c.problem == "")
                .group_by(*NAME)
                .order_by(*NAME)
            )
            return [(image_id, int(boxes)) for image_id, boxes in connection.execute(asked)], 0

        return self.ask(question, lambda view: view.boxes_of(label, names))

    def in_turn(
        self,
        turn: Turn,
        statuses: AbstractSet[Status],
        after: str = "",
        assigned_to: str | None = None,
        labeler: str | None = None,
    ) -> Iterator[ImageEntry]:
        given: set[str] = set()
        try:
            for entry in self._in_turn(turn, statuses, after, assigned_to, labeler):
                given.add(entry.image_id)
                yield entry
        except IndexAway:
            for entry in self.from_store().in_turn(turn, statuses, after, assigned_to, labeler):
                if entry.image_id not in given:
                    yield entry

    def _in_turn(
        self,
        turn: Turn,
        statuses: AbstractSet[Status],
        after: str,
        assigned_to: str | None,
        labeler: str | None,
    ) -> Iterator[ImageEntry]:
        columns: tuple[Any, ...]
        key: Callable[[ImageEntry], tuple[Any, ...]]
        if turn is Turn.RANDOM:
            # Most IDs are digests: who begins anywhere among them goes on at random.
            start: tuple[Any, ...] | None = (secrets.token_hex(16),)
            columns, key, is_down = (images.c.image_id,), _id_of, False
        else:
            last = self._row(after) if after else None
            is_down = turn is Turn.NEWEST
            columns = (images.c.came_at, images.c.image_id) if is_down else NAME
            key = newness if is_down else place_of
            start = key(last) if last else None
        for is_second in (False, True) if start is not None else (False,):
            # Each status has an order of its own in the database: no other row is looked at.
            runs = []
            for status in sorted(statuses):
                where = images.c.status == status.value
                if assigned_to is not None:
                    where = and_(where, images.c.assigned_to == fit(assigned_to))
                if labeler is not None:
                    where = and_(where, images.c.labeler == fit(labeler))
                runs.append(
                    self._run(where, columns, key, start, is_down=is_down, is_second=is_second)
                )
            yield from heapq.merge(*runs, key=key, reverse=is_down)

    def _run(
        self,
        status: ColumnElement[bool],
        columns: tuple[Any, ...],
        key: Callable[[ImageEntry], tuple[Any, ...]],
        start: tuple[Any, ...] | None,
        *,
        is_down: bool,
        is_second: bool,
    ) -> Iterator[ImageEntry]:
        """The images of one status in that order: behind `start`, or up to it at the second time.

        They are read chunk by chunk, so that who takes one image costs little.
        """
        size, place = _FIRST_CHUNK, None if is_second else start
        order = [column.desc() if is_down else column for column in columns]
        here = tuple_(*columns)
        while True:
            asked = select(*ENTRY).where(status)
            if place is not None:
                at = tuple_(*(fit(v) if isinstance(v, str) else v for v in place))
                asked = asked.where(here < at if is_down else here > at)
            if is_second and start is not None:
                end = tuple_(*(fit(v) if isinstance(v, str) else v for v in start))
                asked = asked.where(here >= end if is_down else here <= end)
            with self.database.reading() as connection:
                rows = connection.execute(asked.order_by(*order).limit(size)).all()
            for row in rows:
                yield entry_from(row)
            if len(rows) < size:
                return
            place, size = key(entry_from(rows[-1])), min(4 * size, _LARGEST_CHUNK)

    def _row(self, image_id: str) -> ImageEntry | None:
        with self.database.reading() as connection:
            asked = select(*ENTRY).where(images.c.image_id == fit(image_id))
            row = connection.execute(asked).first()
        return entry_from(row) if row is not None else None


def _id_of(entry: ImageEntry) -> tuple[str]:
    return (entry.image_id,)


class QueriedImages:
    """The rows that match filters."""

    def __init__(self, view: DatabaseView, filters: ImageFilters, names: LabelNames | None) -> None:
        self._view = view
        self._filters = filters
        self._names = names

    def __iter__(self) -> Iterator[ImageEntry]:
        place: Place | None = None
        while True:
            found, more = self.after(place, _LARGEST_CHUNK)
            yield from found
            if more is None:
                return
            place = place_of(more)

    def has(self, entry: ImageEntry) -> bool:
        def question(connection: Connection) -> bool:
            asked = self._matching(connection, images.c.image_id)
            asked = asked.where(images.c.image_id == fit(entry.image_id))
            return connection.execute(asked).first() is not None

        return self._view.ask(question, lambda view: self._in(view).has(entry))

    def count(self, end: Place | None = None) -> int:
        return self._view.ask(
            lambda connection: self._count(connection, end),
            lambda view: self._in(view).count(end),
        )

    def after(self, place: Place | None, limit: int) -> Taken:
        return self._view.ask(
            lambda connection: self._take(
                connection, is_after(place) if place else None, NAME, limit
            ),
            lambda view: self._in(view).after(place, limit),
        )

    def before(self, place: Place, limit: int) -> Taken:
        order = tuple(column.desc() for column in NAME)
        return self._view.ask(
            lambda connection: self._take(connection, is_before(place), order, limit),
            lambda view: self._in(view).before(place, limit),
        )

    def page(self, sort: Sort, offset: int, limit: int) -> SortedPage:
        def question(connection: Connection) -> SortedPage:
            asked = self._matching(connection, *ENTRY).order_by(*order_of(sort))
            rows = connection.execute(asked.offset(offset).limit(limit))
            return SortedPage([entry_from(row) for row in rows], self._count(connection), 0)

        return self._view.ask(question, lambda view: self._in(view).page(sort, offset, limit))

    def people(self) -> list[tuple[str, int]]:
        def question(connection: Connection) -> list[tuple[str, int]]:
            asked = self._matching(connection, images.c.labeler, func.count())
            asked = asked.where(images.c.labeler != "").group_by(images.c.labeler)
            return sorted((person, found) for person, found in connection.execute(asked))

        return self._view.ask(question, lambda view: self._in(view).people())

    # --- within ---------------------------------------------------------------------------

    def _in(self, view: ImageView) -> FoundImages:
        """The same images as the store's view has them."""
        return view.search(self._filters, self._names)

    def _count(self, connection: Connection, end: Place | None = None) -> int:
        asked = self._matching(connection, func.count()).select_from(images)
        if end is not None:
            asked = asked.where(is_before(end))
        return int(connection.execute(asked).scalar_one())

    def _matching(self, connection: Connection, *columns: Any) -> Select[Any]:
        return select(*columns).where(condition(connection, self._filters, self._names))

    def _take(
        self,
        connection: Connection,
        where: ColumnElement[bool] | None,
        order: Sequence[Any],
        limit: int,
    ) -> Taken:
        asked = self._matching(connection, *ENTRY).order_by(*order).limit(limit + 1)
        if where is not None:
            asked = asked.where(where)
        found = [entry_from(row) for row in connection.execute(asked)]
        return Taken(found[:limit], found[limit - 1] if len(found) > limit else None)
