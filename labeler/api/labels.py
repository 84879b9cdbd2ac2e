"""Calls that read the label set, and that replace the version they name, as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from labeler.api.preconditions import Condition, etag, parse_tags, write_condition
from labeler.api.request_bodies import BodyReader
from labeler.api.responses import ASK_AGAIN, error_body, headers
from labeler.errors import VersionConflict
from labeler.model.label_edits import replaced
from labeler.model.labels import LabelSet, check_label_set, dump_label_set
from labeler.model.limits import LABEL_SET_BYTES
from labeler.model.people import Person
from labeler.project.project import Project
from labeler.storage import ABSENT, Replaces

MAX_BYTES: Final = LABEL_SET_BYTES


@dataclass(frozen=True, slots=True)
class _StoredLabels:
    """A label set, its ETag if it is stored, and the status of the answer."""

    status: int
    labels: LabelSet
    tag: str | None


class Labels:
    """The calls about the label set of one project."""

    def __init__(self, project: Project, body_reader: BodyReader) -> None:
        self._label_store = project.labels
        self._body_reader = body_reader

    async def get(self, request: Request, _: Person) -> Response:
        """GET /api/labels"""
        seen = parse_tags("If-None-Match", request.headers.getlist("If-None-Match"))
        state = await run_in_threadpool(self._read, 200)
        if seen and seen.match_weakly(state.tag):
            return Response(status_code=304, headers=headers(ASK_AGAIN, ETag=state.tag or ""))
        return _answer(state)

    async def put(self, request: Request, person: Person) -> Response:
        """PUT /api/labels"""
        condition = write_condition(
            request.headers.getlist("If-Match"), request.headers.getlist("If-None-Match")
        )
        async with self._body_reader.body(request, MAX_BYTES, "The list of labels", person) as body:
            state = await run_in_threadpool(self._put, body, condition)
        return _changed(state) if state.status == 412 else _answer(state)

    def _read(self, status: int) -> _StoredLabels:
        labels, version = self._label_store.opened()
        return _StoredLabels(status, labels, _tag(version))

    def _put(self, body: bytes, condition: Condition) -> _StoredLabels:
        labels, version = self._label_store.looked_up()
        if not condition.holds(_tag(version)):
            return _StoredLabels(412, labels, _tag(version))
        wanted = replaced(labels, check_label_set(body))
        try:
            written = self._label_store.write(wanted, version)
        except VersionConflict:
            return self._read(412)
        return _StoredLabels(201 if version is ABSENT else 200, wanted, etag(written))


def _tag(version: Replaces) -> str | None:
    return None if version is ABSENT else etag(version)


def _answer(state: _StoredLabels) -> Response:
    more = {"ETag": state.tag} if state.tag else {}
    return Response(
        dump_label_set(state.labels),
        state.status,
        headers(ASK_AGAIN, **more),
        media_type="application/json",
    )


def _changed(state: _StoredLabels) -> Response:
    """412, with everything that the caller needs to try again."""
    happened = "has changed since you read it" if state.tag else "is not stored"
    error = VersionConflict(
        f"The list of labels {happened}; nothing was saved. Make your change in `labels`, "
        "then send it over `etag`."
    )
    body: dict[str, Any] = {
        **error_body(error),
        "labels": state.labels.model_dump(mode="json"),
        "etag": state.tag,
    }
    more = {"ETag": state.tag} if state.tag else {}
    return JSONResponse(body, 412, headers(ASK_AGAIN, **more))
