"""Exports: made now, written under exports/, fetched from there."""

from __future__ import annotations

import asyncio
from collections.abc import Generator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.answers import FOR_GOOD, NEVER, Streamed, headers, json_answer
from labeler.auth import Person
from labeler.coco import CocoFile
from labeler.dataset import Dataset


class Exports:
    """The calls about exports over one data set."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._making = asyncio.Semaphore(1)

    async def write(self, _: Request, __: Person) -> Response:
        """POST /api/exports"""
        async with self._making:
            (export,) = await run_in_threadpool(self._dataset.exports.write)
        body = {
            "object": export.key,
            "images": export.summary.images,
            "annotations": export.summary.annotations,
        }
        return json_answer(body, 201, Location=f"/api/{export.key}")

    async def coco(self, request: Request, _: Person) -> Response:
        """GET /api/export/coco"""
        more = _as_file("dataset_coco.json", NEVER)
        if request.method == "HEAD":
            return Response(media_type="application/json", headers=more)
        async with self._making:
            file = await run_in_threadpool(self._dataset.exports.coco)
        return Streamed(_closing(file), "application/json", more)

    async def fetch(self, request: Request, _: Person) -> Response:
        """GET /api/exports/{name}"""
        name: str = request.path_params["name"]
        chunks = await run_in_threadpool(self._dataset.exports.chunks, name)
        more = _as_file(name, FOR_GOOD)
        if request.method == "HEAD":
            return Response(media_type="application/json", headers=more)
        return Streamed(chunks, "application/json", more)


def _closing(file: CocoFile) -> Generator[bytes, None, None]:
    with file:
        yield from file.chunks()


def _as_file(name: str, cache: str) -> dict[str, str]:
    return headers(cache, Content_Disposition=f'attachment; filename="{name}"')
