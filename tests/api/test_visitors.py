"""Who may not label gets little out of Streamlit's own addresses, and leaves nothing there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from labeler.access.policy import AccessPolicy
from labeler.access.tokens import Signer
from labeler.api import Front, Visitors
from labeler.errors import NotSignedIn, SignInUnavailable
from labeler.model.people import People, Person, Roles, SignIn
from labeler.runtime.sockets import ALLOW_LARGE
from tests.loops import run_alone

ANA = "ana@example.com"
UPLOAD = "/_stcore/upload_file/session/file"


def by_cookies(cookies: Mapping[str, str], origin: str) -> Person:
    return Person(cookies.get("who", "") if origin == "https://here" else "")


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


def reached(sign_in: SignIn, kind: str, path: str, files: bool, **headers: str) -> list[str]:
    """Which of the two got the request, and whether large messages were allowed before."""
    seen: list[str] = []

    def app(name: str) -> Any:
        async def called(scope: Any, receive: Any, send: Any) -> None:
            seen.append(name)

        return called

    visitors = Visitors(access(sign_in), by_cookies)
    front = Front(app("streamlit"), app("api"), visitors, takes_files=files, policy="")
    named = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    named.append((b"host", b"here"))
    allow = {ALLOW_LARGE: lambda: seen.append("large")}
    scope = {"type": kind, "path": path, "headers": named, "extensions": allow}

    async def nothing(*_: Any) -> Any:
        return {}

    run_alone(front(scope, nothing, nothing))
    return seen


KNOWN: list[tuple[SignIn, dict[str, str]]] = [
    (SignIn.NONE, {}),
    (SignIn.OIDC, {"cookie": f"who={ANA}", "origin": "https://here"}),
    (SignIn.IAP, {"x_goog_iap_jwt_assertion": ANA}),
]
STRANGERS: list[tuple[SignIn, dict[str, str]]] = [
    (SignIn.OIDC, {}),
    (SignIn.OIDC, {"cookie": f"who={ANA}"}),
    (SignIn.OIDC, {"cookie": f"who={ANA}", "origin": "https://there"}),
    (SignIn.OIDC, {"cookie": "who=eve@example.com", "origin": "https://here"}),
    (SignIn.OIDC, {"x_goog_iap_jwt_assertion": ANA}),
    (SignIn.IAP, {}),
    (SignIn.IAP, {"x_goog_iap_jwt_assertion": "forged"}),
    (SignIn.IAP, {"x_goog_iap_jwt_assertion": "unavailable"}),
    (SignIn.IAP, {"x_goog_iap_jwt_assertion": "eve@example.com"}),
    (SignIn.IAP, {"cookie": f"who={ANA}", "origin": "https://here"}),
]


@pytest.mark.parametrize(("sign_in", "headers"), KNOWN)
def test_who_may_label_sends_large_messages_and_files(
    sign_in: SignIn, headers: dict[str, str]
) -> None:
    assert reached(sign_in, "websocket", "/_stcore/stream", True, **headers) == [
        "large", "streamlit",
    ]  # fmt: skip
    assert reached(sign_in, "http", UPLOAD, True, **headers) == ["streamlit"]


@pytest.mark.parametrize(("sign_in", "headers"), STRANGERS)
def test_nobody_else_does(sign_in: SignIn, headers: dict[str, str]) -> None:
    is_foreign = headers.get("origin") == "https://there"
    assert reached(sign_in, "websocket", "/_stcore/stream", True, **headers) == (
        [] if is_foreign else ["streamlit"]
    )
    for path in (UPLOAD, f"/below{UPLOAD}", "/_stcore/upload_file"):
        assert reached(sign_in, "http", path, True, **headers) == ["api"]
    assert reached(sign_in, "http", "/", True, **headers) == ["streamlit"]


@pytest.mark.parametrize(("sign_in", "headers"), KNOWN + STRANGERS)
def test_no_file_is_taken_where_no_page_sends_one(sign_in: SignIn, headers: dict[str, str]) -> None:
    assert reached(sign_in, "http", UPLOAD, False, **headers) == ["api"]
