"""Authentication at Streamlit's own addresses, before Streamlit sees the request."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import Scope

from labeler.access.accounts import person_of_account
from labeler.access.policy import ASSERTION_HEADER, AccessPolicy
from labeler.api.authentication import is_own_origin
from labeler.model.people import Person, Role, SignIn
from labeler.runtime.audit import set_acting

Account = Callable[[Mapping[str, str]], Mapping[str, object]]


class Visitors:
    """Lets labelers through; `account` returns the claims in the page's own cookies."""

    def __init__(self, access: AccessPolicy, account: Account) -> None:
        self._access = access
        self._account = account

    async def require_labeler(self, scope: Scope) -> None:
        """Raise an error unless the sender of this request or websocket is a labeler.

        Raises NotSignedIn, NotPermitted and SignInUnavailable.
        """
        if self._access.sign_in is not SignIn.NONE:
            person = await self._person(HTTPConnection(scope))
            set_acting(self._access.named(person).name)
            self._access.roles.require(person, Role.LABELER)

    async def _person(self, connection: HTTPConnection) -> Person:
        if self._access.by_assertion is None:
            return person_of_account(self._account_here(connection))
        values = connection.headers.getlist(ASSERTION_HEADER)
        return await run_in_threadpool(self._access.by_assertion, values)  # it may fetch keys

    def _account_here(self, connection: HTTPConnection) -> Mapping[str, object]:
        """The account that signed in here: browsers send cookies to all ports of a host.

        Streamlit asks the same of a session. It would not accept what is accepted here without it.
        """
        claims = self._account(connection.cookies)
        signed_in_at = str(claims.get("origin", ""))
        is_here = is_own_origin(signed_in_at, connection.headers.get("host", ""))
        same = connection.headers.get("origin", signed_in_at) == signed_in_at
        return claims if is_here and same else {}
