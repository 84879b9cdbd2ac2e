"""Authentication: who calls, and whether a call that writes may come from its origin."""

from __future__ import annotations

import re
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from labeler.access.hosts import is_loopback
from labeler.access.policy import ASSERTION_HEADER, TOKEN_HEADER, AccessPolicy
from labeler.access.tokens import Purpose
from labeler.errors import ForeignRequest, InvalidToken, NotSignedIn
from labeler.model.people import Person

CLIENT_HEADER: Final = "X-Labeler-Client"
_FROM_HERE: Final = ("same-origin", "none")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_JWT: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")


async def caller(request: Request, access: AccessPolicy, link: Purpose | None = None) -> Person:
    """The caller, by the token in the request and by IAP's assertion.

    `Authorization: Bearer` or X-Labeler-Token contains a token for calls. If the call may be a
    link, `?token=` contains a token for that purpose and for the last part of the path only. With
    LABELER_AUTH=iap an assertion is enough; a token beside it must be the same person's. A caller
    without either is Person(""). A wrong credential is always refused, because its sender claims to
    be somebody. Raises InvalidToken, NotSignedIn, SignInUnavailable.
    """
    by_token = _by_token(request, access, link)
    asserted = None
    values = request.headers.getlist(ASSERTION_HEADER)
    if access.by_assertion is not None and values:
        asserted = await run_in_threadpool(access.by_assertion, values)  # it may fetch keys
    if by_token is not None and asserted is not None and by_token != asserted:
        raise NotSignedIn("Somebody else was signed in when this page was opened. Reload it.")
    return by_token or asserted or Person("")


def _by_token(request: Request, access: AccessPolicy, link: Purpose | None) -> Person | None:
    now = time.time()
    shown = request.query_params.getlist("token") if link else []
    if link and shown:
        if len(shown) > 1:
            raise InvalidToken("The call has several tokens; only one is allowed. Reload the page.")
        target = request.url.path.rpartition("/")[2]
        return Person(access.signer.check(shown[0], link, now, target).person)
    own = request.headers.get(TOKEN_HEADER)
    if own is not None:
        return Person(access.signer.check(own, Purpose.API, now).person)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    text = text.strip()
    # A JWT is not ours: Cloud Run checks callers by it and leaves it in the request.
    if scheme.lower() == "bearer" and not _JWT.fullmatch(text):
        return Person(access.signer.check(text, Purpose.API, now).person)
    return None


def caller_of(request: Request, person: Person) -> str:
    """Whose share and rate a call takes: the person's, or the address's if nobody is signed in.

    The server has replaced a proxy's address by the one that the proxy states, if it trusts the
    proxy. IPv6 gives each network 2**64 addresses, so the network counts.
    """
    if person.email:
        return person.email
    try:
        address = ip_address(request.client.host if request.client else "")
    except ValueError:
        return ""  # a socket of this machine, or what a proxy has made up
    if isinstance(address, IPv6Address):
        network = str(ip_network((address.packed[:8] + bytes(8), 64)))
        return str(address.ipv4_mapped or network)
    return str(address)


def rated(request: Request, person: Person) -> str | None:
    """Whose rate a call takes; None for a call of this machine that nobody has signed.

    Whoever starts programs on the server's own machine can stop it anyway. And where a proxy on it
    states no address, everybody's calls seem to come from there, and would share one rate.
    """
    host = request.client.host if request.client else ""
    if not person.email and is_loopback(host):
        return None
    return caller_of(request, person)


def check_writer(request: Request) -> None:
    """Raise ForeignRequest for a call that a page of another site may have made.

    Such a page can't send our header: the browser would first ask for permission (CORS), which is
    never given. Browsers also state the origin of a request. Programs need not.
    """
    if CLIENT_HEADER not in request.headers:
        raise ForeignRequest(
            f"A call that writes carries the header {CLIENT_HEADER} (any value), which no other "
            "site's page can send. Nothing was changed."
        )
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        # The browser has compared the origins itself; a proxy may have changed the Host header.
        foreign = site not in _FROM_HERE
    else:  # an old browser, or plain HTTP, where browsers send no Sec-Fetch-Site
        foreign = origin is not None and not is_own_origin(origin, request.headers.get("Host", ""))
    if foreign:
        raise ForeignRequest(
            f"This call comes from a page of another site ({origin or site}). Nothing was "
            "changed. If it is Labeler's own page, the proxy in between must pass on the "
            "browser's Host header unchanged."
        )


def is_own_origin(origin: str, host: str) -> bool:
    """Whether `origin` names the requested host.

    The scheme is ignored, because a proxy that ends TLS calls us by plain HTTP. X-Forwarded-Host is
    ignored too, because a caller may send any.
    """
    scheme, _, host_there = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme, ":")
    return host_there != "" and host_there.removesuffix(port) == host.lower().removesuffix(port)
