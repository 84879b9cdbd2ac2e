"""The HTTP API beside Streamlit's pages. Each call is stateless: any instance can answer.

`application` is the API alone; `Front` puts it in front of Streamlit. The document at
/api/openapi.json describes the calls (openapi.py).
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
from labeler.api.history import HistoryCalls
from labeler.api.images import Images
from labeler.api.labels import Labels
from labeler.api.request_bodies import BodyReader
from labeler.api.reviews import Reviews
from labeler.api.security_headers import content_security_policy, protect, request_is_secure
from labeler.api.statistics import StatisticsCalls
from labeler.api.tracing import Tracing
from labeler.api.trash import TrashCalls
from labeler.api.visitors import Visitors
from labeler.api.workbench import send_module
from labeler.datasets.formats.registry import DEFAULT, EXPORTED
from labeler.errors import ForeignRequest, InvalidToken, NotPermitted, NotSignedIn
from labeler.model.people import Person, Role
from labeler.project.project import Project
from labeler.runtime.audit import Action, audit, set_acting
from labeler.runtime.sockets import ALLOW_LARGE

if TYPE_CHECKING:
    from labeler.api.imports import Imports

__all__ = ["Front", "Signed", "Tracing", "Visitors", "application", "content_security_policy"]

_HOST_CONFIG: Final = "/_stcore/host-config"
_UPLOADS: Final = "/_stcore/upload_file"
_COMPONENTS: Final = "/_stcore/bidi-components/"
_HELD_BYTES: Final = 128 * 2**20
"""Bytes of all uploads that are being received or processed, and of all other bodies. The two are
separate, so saves never wait behind uploads."""

Call = Callable[[Request, Person], Awaitable[Response]]


class Signed(Route):
    """A path whose calls need a person; `roles` holds the required role for each method.

    `link` is the purpose of tokens that are accepted in the address, if any.
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
            role, call = calls["GET" if request.method == "HEAD" else request.method]
            try:
                if request.method not in ("GET", "HEAD"):
                    check_writer(request)
                linked = link if request.method in ("GET", "HEAD") else None
                person = await caller(request, access, linked)
                # For the rest of the request: an answer may be made while it is sent.
                set_acting(person.email)
                return await call(request, access.roles.require(person, role))
            except (ForeignRequest, InvalidToken, NotPermitted, NotSignedIn) as error:
                audit(Action.REFUSAL, f"{request.method} {request.url.path}", code=error.code)
                raise

        self.roles = {method: role for method, (role, _) in calls.items()}
        super().__init__(path, answer, methods=list(calls), middleware=middleware)


def application(project: Project, access: AccessPolicy, max_upload_bytes: int) -> Starlette:
    """The calls below /api/ for one project."""
    body_reader = BodyReader(_HELD_BYTES)
    images = Images(project, BodyReader(_HELD_BYTES), max_upload_bytes)
    documents = Documents(project, body_reader, access.roles)
    labels = Labels(project, body_reader)
    reviews = Reviews(project, body_reader)
    history = HistoryCalls(project, body_reader, access.roles)
    statistics = StatisticsCalls(project)
    trash = TrashCalls(project, body_reader)
    claims = ClaimCalls(project.claims, body_reader)
    exports = Exports(project, body_reader)
    state = Health(project)
    # Images and zips are compressed already, and a document's ETag names its uncompressed bytes.
    packed = [Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)]

    # Imported late: these two load all formats, and no start needs them.
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

    def reviewer(call: Call) -> tuple[Role, Call]:
        return Role.REVIEWER, call

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
            signed(
                "/api/images/{image_id}",
                link=Purpose.PICTURE,
                GET=labeler(images.show),
                DELETE=admin(trash.delete),
            ),
            signed("/api/images/{image_id}/restore", POST=admin(trash.restore)),
            signed(
                "/api/annotations/{image_id}",
                GET=labeler(documents.get),
                PUT=labeler(documents.put),
            ),
            signed("/api/annotations/{image_id}/versions", packed, GET=labeler(history.versions)),
            signed("/api/annotations/{image_id}/restore", POST=labeler(history.restore)),
            signed("/api/annotations/{image_id}/review", POST=reviewer(reviews.decide)),
            signed("/api/statistics", packed, GET=labeler(statistics.count)),
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
    """The front of Streamlit: answers calls below /api/ and the page's requests to its host.

    It also keeps Streamlit from answering other things. Streamlit would answer an unknown path
    below /api/ with its page, and a malformed one with plain text, and its metrics show everybody
    the number and size of sessions. Browsers send the address of a page or an image to no other
    site.

    A caller who may not label can send only small messages and no files, because Streamlit would
    keep both in memory for anybody. No page of another site can open a session, or show a page of
    ours in a frame.

    `takes_files` says whether a page sends files by Streamlit's own uploader; `policy` is the
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
            # Streamlit accepts every page of this machine as its own, whatever its port.
            if origin is not None and not is_own_origin(origin, headers.get("Host", "")):
                audit(Action.REFUSAL, scope["path"], code=ForeignRequest.code)
                await send({"type": "websocket.close", "code": 1008, "reason": ""})
                return
            allow = scope.get("extensions", {}).get(ALLOW_LARGE)
            if allow is not None and await self._visitors.may_label(scope):
                allow()
        path = scope.get("path", "") if scope["type"] == "http" else ""
        # Answer 404 for the metrics, even through a proxy on this machine.
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
                    # Otherwise the browser requests these files again with each canvas.
                    headers["Cache-Control"] = "private, max-age=3600"
            await send(message)

        return with_headers
