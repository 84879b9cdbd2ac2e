"""What stands in front of Streamlit: it answers, refuses or passes on each request."""

from __future__ import annotations

import contextlib
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnected

from labeler.access.hosts import HostNames
from labeler.api.authentication import is_own_origin, rated
from labeler.api.call_rate import CallRate
from labeler.api.responses import error_body, json_answer
from labeler.api.security_headers import protect, request_is_secure
from labeler.api.sign_in import START, SignInPage
from labeler.api.streamlit_host import HOST_CONFIG
from labeler.api.visitors import Visitors
from labeler.errors import ForeignRequest, LabelerError, NotSignedIn, TooManyCalls, WrongHost
from labeler.model.people import Person
from labeler.runtime.audit import Action, audit
from labeler.runtime.sockets import ALLOW_LARGE

_UPLOADS: Final = "/_stcore/upload_file"
_COMPONENTS: Final = "/_stcore/bidi-components/"
_SCRIPTS: Final = "/api/workbench/"
_HEALTH: Final = frozenset({"/api/health", "/api/ready", "/_stcore/health"})
"""Probes call these by whatever address they have."""
SIGN_INS_PER_S: Final = 5
"""Of one address. Each takes 50 ms of the event loop, in which nobody else is answered: Streamlit
makes a client for the provider, with all certificates. Strangers may call it."""


class Front:
    """The front of Streamlit: answers calls below /api/ and the page's requests to its host.

    Streamlit's own addresses, including its websocket, are for labelers. Everybody else gets the
    sign-in page, and no session begins. The calls below /api/ check their callers themselves.

    It also keeps Streamlit from answering other requests. Streamlit would answer an unknown path
    below /api/ with its page, and a malformed one with plain text, and its metrics show everybody
    the number and size of sessions. Browsers send the address of a page or an image to no other
    site. No page of another site can open a session, or show a page of ours in a frame.

    `takes_files` says whether a page sends files by Streamlit's own uploader; `policy` is the
    content security policy of Streamlit's page. Whoever calls by another name than `hosts` has gets
    the error, except for the health checks.
    """

    def __init__(
        self,
        app: ASGIApp,
        api: ASGIApp,
        visitors: Visitors,
        sign_in: SignInPage,
        *,
        takes_files: bool,
        policy: str,
        hosts: HostNames,
    ) -> None:
        self._app = app
        self._api = api
        self._visitors = visitors
        self._sign_in = sign_in
        self._takes_files = takes_files
        self._policy = policy
        self._hosts = hosts
        self._sign_ins = CallRate(SIGN_INS_PER_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = MutableHeaders(scope=scope)
        origin = headers.get("Origin")
        try:
            self._hosts.check(headers.getlist("Host"))
            # Streamlit accepts every page of this machine as its own, whatever its port.
            if origin is not None and not is_own_origin(origin, headers.get("Host", "")):
                raise ForeignRequest(f"This session comes from a page of another site ({origin}).")
            await self._visitors.require_labeler(scope)
        except LabelerError as error:
            audit(Action.REFUSAL, scope["path"], code=error.code)
            await send({"type": "websocket.close", "code": 1008, "reason": ""})
            return
        if origin is not None:
            # Streamlit compares them letter by letter. Where a default port makes a difference, it
            # would ask a server on the internet for this machine's address, and block meanwhile.
            headers["Host"] = origin.partition("://")[2]
        allow = scope.get("extensions", {}).get(ALLOW_LARGE)
        if allow is not None:
            allow()
        # Streamlit reads once more after it could not send a message, and closes what is closed.
        with contextlib.suppress(WebSocketDisconnected):
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path not in _HEALTH:
            try:
                self._hosts.check(Headers(scope=scope).getlist("Host"))
            except WrongHost as error:
                audit(Action.REFUSAL, path, code=error.code)
                await json_answer(error_body(error), error.status)(scope, receive, send)
                return
        if f"{path}/".startswith("/api/") and not path.startswith(_SCRIPTS):
            await self._api(scope, receive, send)
            return
        send = self._protected(scope, send)
        if path == START:
            await self._sign_in.start(scope)(scope, receive, send)
            return
        if self._sign_in.is_open(path):
            try:
                await self._sign_ins.turn(rated(Request(scope), Person("")))
            except TooManyCalls as error:
                await self._sign_in.refusal(error, scope)(scope, receive, send)
                return
        else:
            try:
                await self._visitors.require_labeler(scope)
            except LabelerError as error:
                if path != "/" or not isinstance(error, NotSignedIn):
                    audit(Action.REFUSAL, path, code=error.code)
                await self._sign_in.refusal(error, scope)(scope, receive, send)
                return
        # Answer 404 for the metrics, even through a proxy on this machine.
        metrics = path.rstrip("/").endswith("/_stcore/metrics")
        files = _UPLOADS in path and not self._takes_files
        ours = metrics or files or path == HOST_CONFIG or path.startswith(_SCRIPTS)
        await (self._api if ours else self._app)(scope, receive, send)

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
