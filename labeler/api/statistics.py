"""Statistics: GET /api/statistics."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from labeler.api.fair_semaphore import FairSemaphore
from labeler.api.responses import ASK_AGAIN, json_answer
from labeler.errors import InvalidRequest
from labeler.model.people import Person
from labeler.project.project import Project
from labeler.project.statistics import Dimension, Statistics


class StatisticsCalls:
    """The call about the counts of one project."""

    def __init__(self, project: Project, listing: FairSemaphore) -> None:
        self._listing = listing
        self._statistics = Statistics(project.image_index, project.labels)

    async def count(self, request: Request, person: Person) -> Response:
        """GET /api/statistics"""
        by = _dimensions(request.query_params.getlist("by"))
        counts = await self._listing.run(request, person, self._statistics.count, by)
        rows = [
            {
                **{one.value: value or None for one, value in zip(by, row.values, strict=True)},
                "images": row.images,
                "rects": row.rects,
            }
            for row in counts.rows
        ]
        told = {
            "images": counts.images,
            "rects": counts.rects,
            "by": by,
            "counts": rows,
            "uncounted": counts.uncounted,
        }
        return json_answer(told, cache=ASK_AGAIN)


def _dimensions(given: list[str]) -> list[Dimension]:
    """The dimensions to count by, in the requested order. Raises InvalidRequest."""
    names = [name for text in given for name in text.split(",") if name]
    for name in names:
        if name not in set(Dimension):
            raise InvalidRequest(f"by={name!r} is not one of {', '.join(Dimension)}.")
    return list(dict.fromkeys(map(Dimension, names)))
