"""Who calls, and whether a call that writes may come from where it comes."""

from __future__ import annotations

import re
import time
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from labeler.access.policy import ASSERTION_HEADER, TOKEN_HEADER, AccessPolicy
from labeler.access.tokens import Purpose
from labeler.errors import ForeignRequest, InvalidToken, NotSignedIn
from labeler.model.people import Person

CLIENT_HEADER: Final = "X-Labeler-Client"
_FROM_HERE: Final = ("same-origin", "none")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_JWT: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")


async def caller(request: Request, access: AccessPolicy, link: Purpose | None = None) -> Person:
    """The one who calls, by the token in the request and by IAP's assertion.

    Taken are `Authorization: Bearer`, or X-Labeler-Token, with a token for calls and, where the
    call may be made by a link, `?token=` with a token for that purpose and the last part of the
    path alone. With LABELER_AUTH=iap an assertion does as well; beside a token it has to be the
    same person's.
    Who brings neither is Person(""). What is sent and wrong never passes: its sender means to be
    somebody. Raises InvalidToken, NotSignedIn, SignInUnavailable.
    """
    by_token = _by_token(request, access, link)
    asserted = None
    values = request.headers.getlist(ASSERTION_HEADER)
    if access.by_assertion is not None and values:
        asserted = await run_in_threadpool(access.by_assertion, values)  # it may fetch keys
    if by_token is not None and asserted is not None and by_token != asserted:
        raise NotSignedIn(
            "This page was opened by somebody else than the one who is signed in now. Reload it."
        )
    return by_token or asserted or Person("")


def _by_token(request: Request, access: AccessPolicy, link: Purpose | None) -> Person | None:
    now = time.time()
    shown = request.query_params.getlist("token") if link else []
    if link and shown:
        if len(shown) > 1:
            raise InvalidToken("Several tokens are no token. Reload the page.")
        target = request.url.path.rpartition("/")[2]
        return Person(access.signer.check(shown[0], link, now, target).person)
    own = request.headers.get(TOKEN_HEADER)
    if own is not None:
        return Person(access.signer.check(own, Purpose.API, now).person)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    text = text.strip()
    # A JWT is for somebody before us: Cloud Run's own check of callers leaves it in the request.
    if scheme.lower() == "bearer" and not _JWT.fullmatch(text):
        return Person(access.signer.check(text, Purpose.API, now).person)
    return None


def check_writer(request: Request) -> None:
    """Raises ForeignRequest for a call that a page of another site may have made.

    Such a page can't send our header without being asked for by a browser, which is never
    allowed; and browsers say themselves where a request comes from. Programs need not.
    """
    if CLIENT_HEADER not in request.headers:
        raise ForeignRequest(
            f"A call that writes carries the header {CLIENT_HEADER} (any value), which no other "
            "site's page can send. Nothing was changed."
        )
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        # The browser has compared the addresses itself; a proxy may have changed the Host.
        foreign = site not in _FROM_HERE
    else:  # an old browser, or plain HTTP, where browsers send no Sec-Fetch-Site
        foreign = origin is not None and not is_own_origin(origin, request.headers.get("Host", ""))
    if foreign:
        raise ForeignRequest(
            f"This call comes from a page of another site ({origin or site}). Nothing was "
            "changed. If it is Labeler's own page, a proxy in between has to pass the Host "
            "header on as the browser sent it."
        )


def is_own_origin(origin: str, host: str) -> bool:
    """Whether `origin` is the host that was asked.

    Not the scheme: whoever ends TLS before us asks by plain HTTP. Nor X-Forwarded-Host: a caller
    may send any.
    """
    scheme, _, host_there = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme, ":")
    return host_there != "" and host_there.removesuffix(port) == host.lower().removesuffix(port)
