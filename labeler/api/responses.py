"""Answers of the API: JSON, errors, streams, and their common headers."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import ExceptionHandler, Receive, Scope, Send

from labeler.errors import (
    Busy,
    InvalidDocument,
    InvalidToken,
    LabelerError,
    NotSignedIn,
    TooManyCalls,
)
from labeler.runtime.visible_text import shortened

logger = logging.getLogger(__name__)

FOR_GOOD: Final = "private, max-age=31536000, immutable"
ASK_AGAIN: Final = "private, no-cache"
NEVER: Final = "no-store"

# No page of another site may show these answers or run them as a script.
_ALWAYS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    # An address may hold a token.
    "Referrer-Policy": "no-referrer",
}
BUSY_S: Final = 2
MOST_TOLD: Final = 600
"""Characters of a message: many messages quote the call, which may be long."""


def headers(cache: str, **more: str) -> dict[str, str]:
    """The headers of an answer; the keyword `Content_Type` becomes Content-Type."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {**_ALWAYS, "Cache-Control": cache, **named}


def json_answer(content: Any, status: int = 200, cache: str = NEVER, **more: str) -> Response:
    """`content` as JSON."""
    return JSONResponse(content, status, headers(cache, **more))


def error_body(error: LabelerError) -> dict[str, Any]:
    """The error in the form of all calls."""
    body = {"code": error.code, "message": shortened(error.message, MOST_TOLD)}
    if isinstance(error, InvalidDocument):
        body["field"] = shortened(error.field, MOST_TOLD)
    return {"error": body}


class Streamed(StreamingResponse):
    """An answer of chunks from a thread; the generator is closed when the caller goes away.

    `end` is called at the end of the answer, even if nothing was sent.
    """

    def __init__(
        self,
        chunks: Generator[bytes],
        media_type: str,
        headers: Mapping[str, str],
        end: Callable[[], None],
    ) -> None:
        self._chunks = _in_threads(chunks)
        self._end = end
        super().__init__(self._chunks, media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            # Closing a generator that has not started does nothing.
            self._end()

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._chunks):
            await super().stream_response(send)


async def _in_threads(chunks: Generator[bytes]) -> AsyncGenerator[bytes]:
    try:
        while (chunk := await run_in_threadpool(next, chunks, None)) is not None:
            yield chunk
    finally:
        chunks.close()


# --- failures -----------------------------------------------------------------------------


async def _labeler_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, LabelerError)  # noqa: S101 - what it is registered for
    more = {}
    if isinstance(error, InvalidToken | NotSignedIn):
        invalid = isinstance(error, InvalidToken)
        more["WWW_Authenticate"] = 'Bearer error="invalid_token"' if invalid else "Bearer"
    if isinstance(error, Busy):
        more["Retry_After"] = str(BUSY_S)
    if isinstance(error, TooManyCalls):
        more["Retry_After"] = str(error.after_s)
    return json_answer(error_body(error), error.status, **more)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    path = request.url.path
    allowed = ", ".join(sorted((error.headers or {}).get("Allow", "").split(", ")))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        code, text = "method_not_allowed", f"{path} takes {allowed}, not {request.method}."
        more = {"Allow": allowed}
    else:
        code, text = "not_found", f"There is no call {path}. /api/openapi.json lists them all."
        more = {}
    body = {"code": code, "message": shortened(text, MOST_TOLD)}
    return json_answer({"error": body}, error.status_code, **more)


async def _gone(_request: Request, _error: Exception) -> Response:
    """The caller is gone: nobody reads the answer, and there is no error."""
    return Response(status_code=400)


async def _fault(request: Request, _error: Exception) -> Response:
    """A bug. Starlette passes the traceback on, and the server logs it."""
    logger.error("%s %s failed", request.method, request.url.path)
    text = "Something went wrong. Try again, or tell your administrator (details are in the log)."
    return json_answer({"error": {"code": "internal", "message": text}}, 500)


HANDLERS: Final[Mapping[Any, ExceptionHandler]] = {
    LabelerError: _labeler_error,
    HTTPException: _http_error,
    ClientDisconnect: _gone,
    Exception: _fault,
}
