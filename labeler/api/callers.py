"""Who calls, and whether a call that writes may come from where it comes."""

from __future__ import annotations

import re
import time
from typing import Final

from starlette.requests import Request

from labeler.auth import Person
from labeler.errors import ForeignRequest
from labeler.gate import Gate
from labeler.tokens import Purpose

CLIENT_HEADER: Final = "X-Labeler-Client"
_FROM_HERE: Final = ("same-origin", "none")
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_JWT: Final = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]*")


def caller(request: Request, gate: Gate, picture: str = "") -> Person:
    """The one who calls, by the token in the request; `picture` is the image it is to show.

    Taken are `Authorization: Bearer` with a token for calls and, for a picture, `?token=` with a
    token for that picture. With LABELER_AUTH=none a call without a token passes too; a token that
    is sent and wrong never does: its sender means to be somebody. InvalidToken.
    """
    now = time.time()
    shown = request.query_params.get("token") if picture else None
    if shown is not None:
        return Person(gate.signer.check(shown, Purpose.PICTURE, now, picture).person)
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    text = text.strip()
    # A JWT is for somebody before us: Cloud Run's own check of callers leaves it in the request.
    if scheme.lower() == "bearer" and not _JWT.fullmatch(text):
        return Person(gate.signer.check(text, Purpose.API, now, picture).person)
    return Person("")


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
        foreign = origin is not None and not _is_ours(origin, request.headers.get("Host", ""))
    if foreign:
        raise ForeignRequest(
            f"This call comes from a page of another site ({origin or site}). Nothing was "
            "changed. If it is Labeler's own page, a proxy in between has to pass the Host "
            "header on as the browser sent it."
        )


def _is_ours(origin: str, host: str) -> bool:
    """Whether `origin` is the host that was asked.

    Not the scheme: whoever ends TLS before us asks by plain HTTP. Nor X-Forwarded-Host: a caller
    may send any.
    """
    scheme, _, host_there = origin.lower().partition("://")
    port = _DEFAULT_PORTS.get(scheme, ":")
    return host_there != "" and host_there.removesuffix(port) == host.lower().removesuffix(port)
