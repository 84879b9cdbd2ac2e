"""Calls that make an export, store it under exports/, or fetch it from there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import flag_parameter, json_fields
from labeler.api.responses import FOR_GOOD, NEVER, Streamed, headers, json_answer
from labeler.datasets.formats.registry import DEFAULT, DatasetFormat, media_type_of_export
from labeler.datasets.selection import Selection, parse_selection
from labeler.errors import InvalidRequest
from labeler.model.layout import EXPORTS
from labeler.model.limits import SELECTION_BYTES
from labeler.model.people import Person
from labeler.project.project import Project
from labeler.runtime.audit import Action, audit

MAX_BYTES: Final = SELECTION_BYTES

Call = Callable[[Request, Person], Awaitable[Response]]


class Exports:
    """The calls about exports of one project."""

    def __init__(self, project: Project, body_reader: BodyReader) -> None:
        self._project = project
        self._body_reader = body_reader
        self._making = asyncio.Semaphore(1)

    async def write(self, request: Request, person: Person) -> Response:
        """POST /api/exports"""
        from labeler.datasets.exports.exporter import open_exporter  # no first page needs it

        async with self._body_reader.body(request, MAX_BYTES, "The choice", person) as body:
            selection = _selection_in(body)
        async with self._making:
            exports = await run_in_threadpool(open_exporter(self._project).write, selection)
        files = [
            {
                "object": export.key,
                "images": export.summary.images,
                "annotations": export.summary.annotations,
            }
            for export in exports
        ]
        told: dict[str, Any] = files[0]
        if len(files) > 1:  # one file for each part of the split
            told = {
                "object": files[0]["object"],
                "images": sum(export.summary.images for export in exports),
                "annotations": sum(export.summary.annotations for export in exports),
                "files": files,
            }
        return json_answer(told, 201, Location=f"/api/{exports[0].key}")

    def download(self, kind: DatasetFormat) -> Call:
        """The call GET /api/export/{format}"""
        others = [] if kind is DEFAULT else ["token"]
        others += ["images"] if kind.carries_images else []

        async def download(request: Request, _: Person) -> Response:
            from labeler.datasets.exports.exporter import open_exporter  # no first page needs it

            originals = kind.carries_images and flag_parameter(request, "images")
            selection = selection_in_address(request, *others)
            more = _as_file(f"dataset_{kind.name}{kind.suffix}", NEVER)
            if request.method == "HEAD":
                return Response(media_type=kind.media_type, headers=more)
            make = partial(open_exporter(self._project).make, kind=kind, originals=originals)
            async with self._making:
                file = await run_in_threadpool(make, selection)
            return Streamed(file.chunks(), kind.media_type, more, file.close)

        return download

    async def fetch(self, request: Request, _: Person) -> Response:
        """GET /api/exports/{name}"""
        from labeler.datasets.exports.exporter import open_exporter  # no first page needs it

        name: str = request.path_params["name"]
        chunks = await run_in_threadpool(open_exporter(self._project).chunks, name)
        more = _as_file(name, FOR_GOOD)
        media_type = media_type_of_export(name)
        if request.method == "HEAD":
            return Response(media_type=media_type, headers=more)
        audit(Action.EXPORT, EXPORTS + name)
        return Streamed(chunks, media_type, more, chunks.close)


def selection_in_address(request: Request, *others: str) -> Selection:
    """The selection in the address; `others` are parameters that are not part of it."""
    query = request.query_params
    return parse_selection({name: query.getlist(name) for name in query if name not in others})


def _selection_in(body: bytes) -> Selection:
    """The selection in a JSON body; an empty body is the default."""
    fields: dict[str, list[str]] = {}
    for name, value in json_fields(body).items():
        values = value if isinstance(value, list) else [value]
        for one in values:
            if not isinstance(one, str | int) or isinstance(one, bool):
                raise InvalidRequest(f"{name} must be text, or a list of texts.")
        fields[name] = [str(one) for one in values]
    return parse_selection(fields)


def _as_file(name: str, cache: str) -> dict[str, str]:
    return headers(cache, Content_Disposition=f'attachment; filename="{name}"')
