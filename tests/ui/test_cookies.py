"""The cookie by which Streamlit knows who is signed in, read before Streamlit is asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value

from labeler.ui.cookies import account_by_cookies

HERE = "https://labeler.example.com"
NAME = "_streamlit_user"


def cookie(secret: str = "", **claims: Any) -> dict[str, str]:
    claims = {"origin": HERE, "is_logged_in": True, "email": "Ana@example.com", **claims}
    text = json.dumps({name: value for name, value in claims.items() if value is not None})
    signed = create_signed_value(secret or get_cookie_secret(), NAME, text)
    return {NAME: signed.decode()}


def test_the_claims_of_the_account() -> None:
    assert account_by_cookies(cookie()) == {
        "origin": HERE, "is_logged_in": True, "email": "Ana@example.com",
    }  # fmt: skip


@pytest.mark.parametrize(
    "cookies",
    [
        {},
        {NAME: ""},
        {NAME: "chunks-2", f"{NAME}_1": "x"},
        {NAME: json.dumps({"origin": HERE, "is_logged_in": True, "email": "ana@example.com"})},
        cookie(secret="another"),
        {NAME: create_signed_value(get_cookie_secret(), NAME, "{").decode()},
        {NAME: create_signed_value(get_cookie_secret(), NAME, "[1]").decode()},
    ],
)
def test_a_cookie_that_was_not_made_here_claims_nothing(cookies: dict[str, str]) -> None:
    assert account_by_cookies(cookies) == {}
