"""Who may not label gets the sign-in page, and nothing of Streamlit's."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from unittest.mock import AsyncMock

import pytest
from starlette.responses import Response

from labeler.access.hosts import HostNames
from labeler.access.policy import AccessPolicy
from labeler.access.sign_in_ways import SignInWays
from labeler.access.tokens import Signer
from labeler.api import Front, SignInPage, Visitors
from labeler.api.front import SIGN_INS_PER_S
from labeler.errors import LabelerError, NotPermitted, NotSignedIn, SignInUnavailable
from labeler.model.limits import BURST_S, LONGEST_WAIT_S
from labeler.model.people import People, Person, Roles, SignIn
from labeler.runtime.sockets import ALLOW_LARGE
from tests.loops import run_alone

ANA = "ana@example.com"
UPLOAD = "/_stcore/upload_file/session/file"


def by_cookies(cookies: Mapping[str, str]) -> Mapping[str, object]:
    return json.loads(cookies.get("who", "{}").replace("'", '"'))  # type: ignore[no-any-return]


def who(email: str = ANA, **claims: object) -> str:
    claims = {"is_logged_in": True, "origin": "https://here", "email": email, **claims}
    return f"who={json.dumps(claims)}".replace('"', "'")


def by_assertion(values: Any) -> Person:
    if values == ["unavailable"]:
        raise SignInUnavailable("no keys")
    if len(values) != 1 or values[0] == "forged":
        raise NotSignedIn("it does not hold")
    return Person(values[0])


def access(sign_in: SignIn) -> AccessPolicy:
    asked = sign_in is not SignIn.NONE
    roles = Roles(asked=asked, labelers=People(frozenset({ANA})) if asked else People())
    told = by_assertion if sign_in is SignIn.IAP else None
    return AccessPolicy(sign_in, roles, Signer(b"0123456789abcdef"), told)


def reached(
    sign_in: SignIn, kind: str, path: str, headers: dict[str, str], *, files: bool = True
) -> list[Any]:
    """What got the request, and the status of an answer of the front's own."""
    seen: list[Any] = []

    def app(name: str) -> Any:
        async def called(scope: Any, receive: Any, send: Any) -> None:
            seen.append(name)

        return called

    front = Front(
        app("streamlit"), app("api"), Visitors(access(sign_in), by_cookies), SignInPage(WAYS),
        takes_files=files, policy="", hosts=HostNames(),
    )  # fmt: skip
    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    named.append((b"host", b"here"))
    allow = {ALLOW_LARGE: lambda: seen.append("large")}
    scope = {
        "type": kind, "path": path, "headers": named, "extensions": allow, "method": "GET",
        "query_string": b"",
    }  # fmt: skip

    async def nothing() -> Any:
        return {}

    async def send(message: Any) -> None:
        if message["type"] == "websocket.close":
            seen.append("closed")
        elif "status" in message:
            seen.append(message["status"])

    run_alone(front(scope, nothing, send))
    return seen


WAYS = SignInWays(providers=[""], begin=lambda name: f"/begin/{name}", address_key="key",
                  open_paths=frozenset({"/auth/login"}))  # fmt: skip
ASSERTED = "x_goog_iap_jwt_assertion"
KNOWN: list[tuple[SignIn, dict[str, str]]] = [
    (SignIn.NONE, {}),
    (SignIn.OIDC, {"cookie": who(), "origin": "https://here"}),
    (SignIn.OIDC, {"cookie": who()}),
    (SignIn.OIDC, {"cookie": who("Ana@Example.com", email_verified="true")}),
    (SignIn.IAP, {ASSERTED: ANA}),
]
STRANGERS: list[tuple[SignIn, dict[str, str], int]] = [
    (SignIn.OIDC, {}, 401),
    (SignIn.OIDC, {"cookie": who(is_logged_in=False)}, 401),
    (SignIn.OIDC, {"cookie": who(origin="https://here:8443")}, 401),
    (SignIn.OIDC, {"cookie": who(origin="")}, 401),
    (SignIn.OIDC, {"cookie": who(), "origin": "https://there"}, 401),
    (SignIn.OIDC, {"cookie": who(), "origin": "null"}, 401),
    (SignIn.OIDC, {"cookie": who("eve@example.com")}, 403),
    (SignIn.OIDC, {"cookie": who("")}, 403),
    (SignIn.OIDC, {"cookie": who("ana")}, 403),
    (SignIn.OIDC, {"cookie": who(f"{ANA}, x@y.org")}, 403),
    (SignIn.OIDC, {"cookie": who(email_verified=False)}, 403),
    (SignIn.OIDC, {"cookie": who(email_verified=None)}, 403),
    (SignIn.OIDC, {ASSERTED: ANA}, 401),
    (SignIn.IAP, {}, 401),
    (SignIn.IAP, {ASSERTED: "forged"}, 401),
    (SignIn.IAP, {ASSERTED: "unavailable"}, 503),
    (SignIn.IAP, {ASSERTED: "eve@example.com"}, 403),
    (SignIn.IAP, {"cookie": who()}, 401),
]
PATHS = (
    UPLOAD, f"/below{UPLOAD}", "/_stcore/host-config", "/_stcore/health", "/media/a", "/static/a",
    "/component/a", "/api/workbench/1/main.js", "/anything", "/_stcore/metrics",
)  # fmt: skip


@pytest.mark.parametrize(("sign_in", "headers"), KNOWN)
def test_who_may_label_gets_streamlit(sign_in: SignIn, headers: dict[str, str]) -> None:
    stream = reached(sign_in, "websocket", "/_stcore/stream", headers)
    assert stream == ["large", "streamlit"]
    ours = {"/_stcore/host-config", "/api/workbench/1/main.js", "/_stcore/metrics"}
    for path in ("/", *PATHS):
        expected = ["api" if path in ours else "streamlit"]
        assert reached(sign_in, "http", path, headers) == expected, path
    assert reached(sign_in, "http", UPLOAD, headers, files=False) == ["api"]


@pytest.mark.parametrize(("sign_in", "headers", "status"), STRANGERS)
def test_nobody_else_does(sign_in: SignIn, headers: dict[str, str], status: int) -> None:
    assert reached(sign_in, "websocket", "/_stcore/stream", headers) == ["closed"]
    for path in PATHS:
        assert reached(sign_in, "http", path, headers) == [status], path
    # Where there is a way to sign in, the page that offers it is no refusal.
    assert reached(sign_in, "http", "/", headers) == [200 if status == 401 else status]
    assert reached(sign_in, "http", "/auth/login", headers) == ["streamlit"]
    assert reached(sign_in, "http", "/api/images", headers) == ["api"]
    assert reached(sign_in, "http", "/sign-in", headers) == [302]


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_one_address_can_not_sign_in_without_end(accept: str) -> None:
    """Streamlit works on each for longer than on any page, and anybody may call it."""
    begun: list[str] = []
    answers: list[Any] = []

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        begun.append(scope["client"][0])

    front = Front(
        streamlit, streamlit, Visitors(access(SignIn.OIDC), by_cookies), SignInPage(WAYS),
        takes_files=False, policy="", hosts=HostNames(),
    )  # fmt: skip

    async def send(message: Any) -> None:
        answers.append(message)

    async def come(address: str) -> None:
        scope = {
            "type": "http", "path": "/auth/login", "method": "GET", "query_string": b"",
            "headers": [(b"accept", accept.encode())], "client": (address, 1),
        }  # fmt: skip
        await front(scope, AsyncMock(), send)

    async def run() -> None:
        many = SIGN_INS_PER_S * (BURST_S + LONGEST_WAIT_S)
        await asyncio.gather(*(come("192.0.2.1") for _ in range(2 * many)))
        assert many <= len(begun) < 2 * many
        refusal = next(one for one in answers if "status" in one)
        assert refusal["status"] == 429
        assert b"retry-after" in dict(refusal["headers"])
        begun.clear()
        await come("192.0.2.2")
        assert begun == ["192.0.2.2"]

    run_alone(run())


# --- the sign-in page ---------------------------------------------------------------------


def page(ways: SignInWays, error: LabelerError, path: str = "/") -> Response:
    accept = [(b"accept", b"text/html")]
    scope = {"type": "http", "path": path, "method": "GET", "headers": accept}
    return SignInPage(ways).refusal(error, scope)


def test_the_page_offers_each_provider_and_keeps_the_address() -> None:
    ways = replace(WAYS, providers=["entra", 'a"<b>'])
    answer = page(ways, NotSignedIn("Sign in."))
    text = bytes(answer.body).decode()
    assert re.findall(r"<button[^>]*>(.*?)</button>", text) == [
        "Sign in with entra", "Sign in with a&quot;&lt;b&gt;",
    ]  # fmt: skip
    assert 'sessionStorage.setItem("key", location.search)' in text
    # An address below has none that is worth keeping, and is no page.
    below = page(ways, NotSignedIn("Sign in."), "/media/a")
    assert (answer.status_code, below.status_code) == (200, 401)
    assert b"sessionStorage" not in below.body


def test_the_page_runs_its_own_script_only() -> None:
    answer = page(WAYS, NotSignedIn("<script>alert(1)</script>"))
    text = bytes(answer.body).decode()
    assert "alert(1)</script>" not in text
    policy = answer.headers["Content-Security-Policy"]
    for tag in ("script", "style"):
        [inline] = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_who_may_not_label_can_sign_out() -> None:
    ways = SignInWays(sign_out=("/", (("mode", "CLEAR"),)))
    text = bytes(page(ways, NotPermitted("eve may not.")).body).decode()
    assert '<form action="/"><input type="hidden" name="mode" value="CLEAR">' in text
    assert "<button>Sign out</button>" in text
    assert "Sign out" not in bytes(page(ways, NotSignedIn("no assertion")).body).decode()


def test_the_page_asks_again_where_nobody_can_be_told() -> None:
    answer = page(SignInWays(), SignInUnavailable("no keys"))
    assert (answer.status_code, answer.headers["Refresh"]) == (503, "5")


@pytest.mark.parametrize(
    ("query", "location"),
    [
        (b"provider=entra", "/begin/entra"),
        (b"provider=other", None),
        (b"provider=", None),
        (b"", None),
        (b"provider=entra&provider=entra", None),
    ],
)
def test_a_sign_in_begins_with_a_provider_that_there_is(query: bytes, location: str | None) -> None:
    ways = replace(WAYS, providers=["entra"])
    scope = {"type": "http", "path": "/sign-in", "method": "GET", "query_string": query}
    answer = SignInPage(ways).start(scope)
    assert answer.headers.get("Location") == location
    assert answer.status_code == (302 if location else 404)
