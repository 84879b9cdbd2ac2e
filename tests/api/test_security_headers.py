"""Which headers keep other sites out of the pages, and which cookies leave a browser."""

from __future__ import annotations

from typing import Final

import pytest
from starlette.datastructures import MutableHeaders

from labeler.api.security_headers import content_security_policy, protect, request_is_secure
from labeler.ui.first_page import first_page

POLICY: Final = content_security_policy(first_page())


def protected(*headers: tuple[str, str], is_secure: bool = True) -> MutableHeaders:
    made = MutableHeaders(raw=[(name.lower().encode(), value.encode()) for name, value in headers])
    protect(made, POLICY, is_secure=is_secure)
    return made


def test_a_page_runs_only_scripts_of_its_own() -> None:
    policy = dict(part.split(" ", 1) for part in POLICY.split("; "))
    scripts = policy.pop("script-src").split()
    assert scripts[:2] == ["'self'", "blob:"]
    assert all(script.startswith("'sha256-") for script in scripts[2:])
    assert len(scripts) == 3, "Streamlit's page has another number of inline scripts"
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "manifest-src": "'self'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }


def test_only_a_page_carries_the_policy() -> None:
    page = protected(("Content-Type", "text/html; charset=utf-8"))
    script = protected(("Content-Type", "text/javascript"))
    assert page["Content-Security-Policy"] == POLICY
    assert "Content-Security-Policy" not in script
    for headers in (page, script):
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_a_header_that_is_there_stays() -> None:
    headers = protected(("Referrer-Policy", "no-referrer"), ("Content-Type", "text/html"))
    assert headers.getlist("Referrer-Policy") == ["no-referrer"]


def test_plain_http_is_not_told_to_use_tls_and_keeps_its_cookies() -> None:
    headers = protected(("Set-Cookie", "a=1"), is_secure=False)
    assert "Strict-Transport-Security" not in headers
    assert headers.getlist("Set-Cookie") == ["a=1"]


def test_cookies_travel_by_tls_only_and_not_with_calls_of_other_sites() -> None:
    headers = protected(
        ("Set-Cookie", "a=1; Path=/"),
        ("Set-Cookie", "b=2; HttpOnly; secure; samesite=Strict"),
        ("Set-Cookie", "c=secure"),
    )
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers.getlist("Set-Cookie") == [
        "a=1; Path=/; Secure; SameSite=Lax",
        "b=2; HttpOnly; secure; samesite=Strict",
        "c=secure; Secure; SameSite=Lax",
    ]


@pytest.mark.parametrize(
    ("scheme", "forwarded", "expected"),
    [
        ("http", None, False),
        ("https", None, True),
        ("http", "https", True),
        ("http", "HTTPS, http", True),
        ("http", "http, https", False),
    ],
)
def test_the_browser_came_by_tls_if_the_first_proxy_says_so(
    scheme: str, forwarded: str | None, expected: bool
) -> None:
    headers = [] if forwarded is None else [(b"x-forwarded-proto", forwarded.encode())]
    assert request_is_secure({"type": "http", "scheme": scheme, "headers": headers}) is expected
