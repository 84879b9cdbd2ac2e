"""The HTTP API beside Streamlit's pages. Each call is stateless: any instance can answer.

`application` is the API by itself; `Front` puts it before Streamlit. What the calls take and give
is told by the document at /api/openapi.json (openapi.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labeler.access.policy import AccessPolicy
from labeler.access.tokens import Purpose
from labeler.api import responses, streamlit_host
from labeler.api.authentication import caller, check_writer, is_own_origin
from labeler.api.claims import ClaimCalls
from labeler.api.documents import Documents
from labeler.api.exports import Exports
from labeler.api.health import Health
from labeler.api.images import Images
from labeler.api.labels import Labels
from labeler.api.request_bodies import BodyReader
from labeler.api.security_headers import content_security_policy, protect, request_is_secure
from labeler.api.tracing import Tracing
from labeler.api.visitors import Visitors
from labeler.api.workbench import send_module
from labeler.datasets.formats.registry import DEFAULT, EXPORTED
from labeler.model.people import Person, Role
from labeler.project.project import Project
from labeler.runtime.sockets import ALLOW_LARGE

if TYPE_CHECKING:
    from labeler.api.imports import Imports

__all__ = ["Front", "Signed", "Tracing", "Visitors", "application", "content_security_policy"]

_HOST_CONFIG: Final = "/_stcore/host-config"
_UPLOADS: Final = "/_stcore/upload_file"
_COMPONENTS: Final = "/_stcore/bidi-components/"
_HELD_BYTES: Final = 128 * 2**20
"""Of all uploads that are arriving or being worked on, and of all other bodies: saves never wait
behind uploads."""

Call = Callable[[Request, Person], Awaitable[Response]]


class Signed(Route):
    """A path whose calls take a person; `roles` holds, for each method, the role that it takes.

    `link` is the purpose of the tokens that may stand in the address, if any.
    """

    def __init__(
        self,
        path: str,
        calls: Mapping[str, tuple[Role, Call]],
        access: AccessPolicy,
        middleware: Sequence[Middleware] = (),
        *,
        link: Purpose | None = None,
    ) -> None:
        async def answer(request: Request) -> Response:
            if request.method not in ("GET", "HEAD"):
                check_writer(request)
            role, call = calls["GET" if request.method == "HEAD" else request.method]
            person = access.roles.require(await caller(request, access, link), role)
            return await call(request, person)

        self.roles = {method: role for method, (role, _) in calls.items()}
        super().__init__(path, answer, methods=list(calls), middleware=middleware)


def application(project: Project, access: AccessPolicy, max_upload_bytes: int) -> Starlette:
    """The calls below /api/ over one data set."""
    body_reader = BodyReader(_HELD_BYTES)
    images = Images(project, BodyReader(_HELD_BYTES), max_upload_bytes)
    documents = Documents(project, body_reader)
    labels = Labels(project, body_reader)
    claims = ClaimCalls(project.claims, body_reader)
    exports = Exports(project, body_reader)
    state = Health(project)
    # Pictures and zips are packed already; a document's ETag stands for its bytes as they are.
    packed = [Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)]

    # Two that nobody waits for at the start, with all that they need to know of formats.
    @cache
    def imports() -> Imports:
        from labeler.api.imports import Imports

        return Imports(project, body_reader)

    async def run_import(request: Request, person: Person) -> Response:
        return await imports().run(request, person)

    async def describe(request: Request) -> Response:
        from labeler.api import openapi

        return await openapi.answer(request)

    def labeler(call: Call) -> tuple[Role, Call]:
        return Role.LABELER, call

    def admin(call: Call) -> tuple[Role, Call]:
        return Role.ADMIN, call

    def signed(
        path: str,
        middleware: Sequence[Middleware] = (),
        *,
        link: Purpose | None = None,
        **calls: tuple[Role, Call],
    ) -> Route:
        return Signed(path, calls, access, middleware, link=link)

    def open_to_all(path: str, call: Callable[[Request], Awaitable[Response]]) -> Route:
        return Route(path, call, methods=["GET"])

    app = Starlette(
        routes=[
            signed("/api/images", packed, GET=labeler(images.find), POST=labeler(images.add)),
            signed("/api/images/{image_id}", link=Purpose.PICTURE, GET=labeler(images.show)),
            signed(
                "/api/annotations/{image_id}",
                GET=labeler(documents.get),
                PUT=labeler(documents.put),
            ),
            signed("/api/claims", POST=labeler(claims.claim_next)),
            signed(
                "/api/claims/{image_id}",
                PUT=labeler(claims.renew),
                DELETE=labeler(claims.release),
            ),
            signed("/api/labels", GET=labeler(labels.get), PUT=admin(labels.put)),
            *(
                signed(
                    f"/api/export/{kind.name}",
                    () if kind.is_packed else packed,
                    link=None if kind is DEFAULT else Purpose.EXPORT,
                    GET=admin(exports.download(kind)),
                )
                for kind in EXPORTED
            ),
            signed("/api/exports", POST=admin(exports.write)),
            signed("/api/exports/{name}", packed, link=Purpose.EXPORT, GET=admin(exports.fetch)),
            signed("/api/imports", POST=admin(run_import)),
            open_to_all("/api/health", state.health),
            open_to_all("/api/ready", state.ready),
            open_to_all("/api/openapi.json", describe),
            open_to_all("/api/workbench/{version}/{name:path}", send_module),
            open_to_all(_HOST_CONFIG, streamlit_host.answer_host_config),
        ],
        exception_handlers=responses.HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


class Front:
    """Stands before Streamlit and answers what is below /api/, and what the page asks of its host.

    It hides what is nobody's business. Streamlit would answer an unknown path below /api/ with its
    page, and a strange one with plain text; its metrics tell everybody how many sessions there are,
    and how large. No other site hears the address of a page or of a picture from a browser.

    Who may not label sends small messages only, and no files: Streamlit would keep both, for
    anybody. No page of another site opens a session, or shows a page of ours in a frame.

    `takes_files` is whether a page sends files by Streamlit's own uploader at all; `policy` is the
    content security policy of Streamlit's page.
    """

    def __init__(
        self, app: ASGIApp, api: ASGIApp, visitors: Visitors, *, takes_files: bool, policy: str
    ) -> None:
        self._app = app
        self._api = api
        self._visitors = visitors
        self._takes_files = takes_files
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            headers = Headers(scope=scope)
            origin = headers.get("Origin")
            # Streamlit takes every page of this machine for its own, whatever its port.
            if origin is not None and not is_own_origin(origin, headers.get("Host", "")):
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
                return
            allow = scope.get("extensions", {}).get(ALLOW_LARGE)
            if allow is not None and await self._visitors.may_label(scope):
                allow()
        path = scope.get("path", "") if scope["type"] == "http" else ""
        # The API's own 404 does for the metrics, also through a proxy on this machine.
        metrics = path.rstrip("/").endswith("/_stcore/metrics")
        ours = f"{path}/".startswith("/api/") or metrics or path == _HOST_CONFIG
        if not ours and _UPLOADS in path:
            ours = not (self._takes_files and await self._visitors.may_label(scope))
        if ours:
            await self._api(scope, receive, send)
        else:
            await self._app(scope, receive, self._protected(scope, send) if path else send)

    def _protected(self, scope: Scope, send: Send) -> Send:
        path = scope["path"]
        is_secure = request_is_secure(scope)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                protect(headers, self._policy, is_secure=is_secure)
                if path.startswith(_COMPONENTS) and message["status"] == 200:
                    # Asked for anew with each canvas otherwise: a canvas without them is none.
                    headers["Cache-Control"] = "private, max-age=3600"
            await send(message)

        return with_headers
