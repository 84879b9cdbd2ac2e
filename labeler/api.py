"""The HTTP routes beside Streamlit's pages. Each is stateless: any instance can answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from labeler.dataset import Dataset
from labeler.errors import InvalidRequest, LabelerError

_FOR_GOOD = "private, max-age=31536000, immutable"
MAX_WIDTH = 8192


def routes(dataset: Dataset) -> list[BaseRoute]:
    """The routes over one data set."""

    async def picture(request: Request) -> Response:
        image_id = request.path_params["image_id"]
        width = _width(request)
        etag = f'"{image_id}-{width or "full"}"'
        headers = {
            "Cache-Control": _FOR_GOOD,
            "ETag": etag,
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        }
        data, media_type = await run_in_threadpool(dataset.picture, image_id, width)
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=media_type, headers=headers)

    async def export_file(request: Request) -> Response:
        name = request.path_params["name"]
        chunks = await run_in_threadpool(dataset.export_chunks, name)
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-cache",
        }
        return StreamingResponse(chunks, media_type="application/json", headers=headers)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    return [
        Route("/api/images/{image_id}", _answering(picture), methods=["GET"]),
        Route("/api/exports/{name}", _answering(export_file), methods=["GET"]),
        Route("/api/health", health, methods=["GET"]),
    ]


Handler = Callable[[Request], Awaitable[Response]]


def _answering(handler: Handler) -> Handler:
    """The handler with every LabelerError told as JSON: the one place where that is done."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except LabelerError as error:
            body = {"error": {"code": error.code, "message": error.message}}
            return JSONResponse(body, error.status, headers={"Cache-Control": "no-store"})

    return answer


def _width(request: Request) -> int | None:
    text = request.query_params.get("width")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MAX_WIDTH):
        raise InvalidRequest(f"width={text!r} must be a whole number from 1 to {MAX_WIDTH}.")
    return int(text)
