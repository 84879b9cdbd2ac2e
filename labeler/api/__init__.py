"""The HTTP API beside Streamlit's pages. Each call is stateless: any instance can answer.

`application` is the API by itself; `Front` puts it before Streamlit. What the calls take and give
is told by the document at /api/openapi.json (openapi.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from labeler.api import answers, openapi
from labeler.api.bodies import Intake
from labeler.api.callers import Caller, caller, check_writer
from labeler.api.documents import Documents
from labeler.api.exports import Exports
from labeler.api.images import Images
from labeler.api.state import State
from labeler.dataset import Dataset
from labeler.tokens import Signer

_HELD_BYTES: Final = 128 * 2**20
"""Of all bodies that are arriving or being worked on."""

Call = Callable[[Request, Caller], Awaitable[Response]]


def application(dataset: Dataset, signer: Signer, max_upload_bytes: int) -> Starlette:
    """The calls below /api/ over one data set."""
    intake = Intake(_HELD_BYTES)
    images = Images(dataset, intake, max_upload_bytes)
    documents = Documents(dataset, intake)
    exports = Exports(dataset)
    state = State(dataset)
    # Pictures are packed already; a document's ETag stands for its bytes as they are.
    packed = [Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)]

    def signed(
        path: str, middleware: Sequence[Middleware] = (), *, picture: bool = False, **calls: Call
    ) -> Route:
        async def answer(request: Request) -> Response:
            if request.method not in ("GET", "HEAD"):
                check_writer(request)
            shown = request.path_params["image_id"] if picture else ""
            who = caller(request, signer, shown)
            return await calls["GET" if request.method == "HEAD" else request.method](request, who)

        return Route(path, answer, methods=list(calls), middleware=middleware)

    def open_to_all(path: str, call: Callable[[Request], Awaitable[Response]]) -> Route:
        return Route(path, call, methods=["GET"])

    app = Starlette(
        routes=[
            signed("/api/images", packed, GET=images.find, POST=images.add),
            signed("/api/images/{image_id}", picture=True, GET=images.show),
            signed("/api/annotations/{image_id}", GET=documents.get, PUT=documents.put),
            signed("/api/export/coco", packed, GET=exports.coco),
            signed("/api/exports", POST=exports.write),
            signed("/api/exports/{name}", packed, GET=exports.fetch),
            open_to_all("/api/health", state.health),
            open_to_all("/api/ready", state.ready),
            open_to_all("/api/openapi.json", openapi.answer),
        ],
        exception_handlers=answers.HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


class Front:
    """Stands before Streamlit: answers what is below /api/, and hides what is nobody's business.

    Streamlit would answer an unknown path below /api/ with its page, and a strange one with plain
    text; its metrics tell everybody how many sessions there are, and how large.
    """

    def __init__(self, app: ASGIApp, api: ASGIApp) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "") if scope["type"] == "http" else ""
        # The API's own 404 does for the metrics, also through a proxy on this machine.
        ours = f"{path}/".startswith("/api/") or path.rstrip("/").endswith("/_stcore/metrics")
        await (self._api if ours else self._app)(scope, receive, send)
