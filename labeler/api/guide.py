"""The labeling guide: everybody can read it, and admins replace the version that they name."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from labeler.api.preconditions import Condition, etag, write_condition
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import json_fields
from labeler.api.responses import ASK_AGAIN, error_body, headers
from labeler.errors import InvalidDocument, VersionConflict
from labeler.model.limits import GUIDE_BYTES
from labeler.model.people import Person
from labeler.project.project import Project
from labeler.storage import ABSENT, Replaces

MAX_BYTES: Final = GUIDE_BYTES


class GuideCalls:
    """The calls about the guide of one project."""

    def __init__(self, project: Project, body_reader: BodyReader) -> None:
        self._guide = project.guide
        self._body_reader = body_reader

    async def get(self, _: Request, __: Person) -> Response:
        """GET /api/guide"""
        text, version = await run_in_threadpool(self._guide.read)
        return _answer(200, text, version)

    async def put(self, request: Request, person: Person) -> Response:
        """PUT /api/guide"""
        condition = write_condition(
            request.headers.getlist("If-Match"), request.headers.getlist("If-None-Match")
        )
        async with self._body_reader.body(request, MAX_BYTES, "The guide", person) as body:
            text = json_fields(body, ("text",)).get("text")
        if not isinstance(text, str):
            raise InvalidDocument('text: send the guide as {"text": "…"}.', "text")
        return await run_in_threadpool(self._put, text, condition)

    def _put(self, text: str, condition: Condition) -> Response:
        stored, version = self._guide.read()
        if not condition.holds(_tag(version)):
            return _changed(stored, version)
        try:
            written = self._guide.write(text, version)
        except VersionConflict:
            return _changed(*self._guide.read())
        return _answer(201 if version is ABSENT else 200, text, written)


def _tag(version: Replaces) -> str | None:
    return None if version is ABSENT else etag(version)


def _answer(status: int, text: str, version: Replaces) -> Response:
    tag = _tag(version)
    more = {"ETag": tag} if tag else {}
    return JSONResponse({"text": text}, status, headers(ASK_AGAIN, **more))


def _changed(text: str, version: Replaces) -> Response:
    """412, with everything that the caller needs to try again."""
    error = VersionConflict(
        "Somebody else has changed the guide; nothing was saved. Make your change in `text`, then "
        "send it over `etag`."
    )
    body: dict[str, Any] = {**error_body(error), "text": text, "etag": _tag(version)}
    return JSONResponse(body, 412, headers(ASK_AGAIN))
