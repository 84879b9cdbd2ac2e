"""The log of requests: their trace and, for our own calls, their answer."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeler.runtime.events import Request, log_event
from labeler.runtime.logs import Trace, traced

_PROBES: Final = ("/api/health", "/api/ready")
_MAX_PATH: Final = 300


class Tracing:
    """The outermost layer: log lines written during a request belong to it.

    Each call below /api/ is an event, except successful probes, which come every few seconds.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # The server cancels requests that keep it from ending; that is not an error.
        with suppress(asyncio.CancelledError), traced(Trace.of(Headers(scope=scope))):
            if scope["type"] == "http" and scope["path"].startswith("/api/"):
                await self._call(scope, receive, send)
            else:
                await self._app(scope, receive, send)

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        status, size = 500, 0

        async def watched(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
            else:
                size += len(message.get("body", b""))
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            path = scope["path"]
            if path not in _PROBES or status >= 400:
                log_event(
                    Request(
                        method=scope["method"],
                        path=path[:_MAX_PATH],
                        status=status,
                        bytes=size,
                        latency_ms=round((time.monotonic() - began) * 1000, 1),
                    )
                )
