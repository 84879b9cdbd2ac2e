"""Authentication at Streamlit's own addresses, before Streamlit sees the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import Scope

from labeler.access.policy import ASSERTION_HEADER, AccessPolicy
from labeler.errors import NotSignedIn, SignInUnavailable
from labeler.model.people import Person, Role, SignIn

ByCookies = Callable[[Mapping[str, str], str], Person]


class Visitors:
    """Tells whether a sender may label; `by_cookies` identifies them by the page's own cookies."""

    def __init__(self, access: AccessPolicy, by_cookies: ByCookies) -> None:
        self._access = access
        self._by_cookies = by_cookies

    async def may_label(self, scope: Scope) -> bool:
        """Whether the sender of this request or websocket has the role of a labeler."""
        if self._access.sign_in is SignIn.NONE:
            return True
        return self._access.roles.has(await self._person(HTTPConnection(scope)), Role.LABELER)

    async def _person(self, connection: HTTPConnection) -> Person:
        if self._access.by_assertion is None:
            return self._by_cookies(connection.cookies, connection.headers.get("origin", ""))
        try:
            values = connection.headers.getlist(ASSERTION_HEADER)
            return await run_in_threadpool(self._access.by_assertion, values)  # it may fetch keys
        except (NotSignedIn, SignInUnavailable):
            return Person("")
