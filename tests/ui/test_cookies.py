"""The cookie by which Streamlit knows who is signed in, read before Streamlit is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from labeler.ui.cookies import person_by_cookies

HERE = "https://labeler.example.com"
NAME = "_streamlit_user"


def cookie(secret: str = "", **claims: Any) -> dict[str, str]:
    claims = {"origin": HERE, "is_logged_in": True, "email": "Ana@example.com", **claims}
    text = json.dumps({name: value for name, value in claims.items() if value is not None})
    signed = create_signed_value(secret or get_cookie_secret(), NAME, text)
    return {NAME: signed.decode()}


@pytest.mark.parametrize("claims", [{}, {"email_verified": True}, {"email_verified": "true"}])
def test_who_is_signed_in(claims: dict[str, Any]) -> None:
    assert person_by_cookies(cookie(**claims), HERE).email == "ana@example.com"


@pytest.mark.parametrize(
    "cookies",
    [
        {},
        {NAME: ""},
        {NAME: json.dumps({"origin": HERE, "is_logged_in": True, "email": "ana@example.com"})},
        cookie(secret="another"),
        cookie(is_logged_in=False),
        cookie(is_logged_in=None),
        cookie(email_verified=False),
        cookie(email=None),
        cookie(email="nobody"),
        cookie(origin="https://other.example.com"),
    ],
)
def test_who_is_not(cookies: dict[str, str]) -> None:
    assert person_by_cookies(cookies, HERE).email == ""


@pytest.mark.parametrize("origin", ["", "null", "https://other.example.com"])
def test_a_request_of_another_page_is_nobodys(origin: str) -> None:
    assert person_by_cookies(cookie(), origin).email == ""
