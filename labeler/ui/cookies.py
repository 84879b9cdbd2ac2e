"""The signed-in person, by the cookie that Streamlit 1.67 sets and reads itself."""

from __future__ import annotations

from collections.abc import Mapping

from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import (
    _get_signed_cookie_with_chunks,
    _parse_decoded_user_cookie,
)

from labeler.model.people import Person, clean_email


def person_by_cookies(cookies: Mapping[str, str], origin: str) -> Person:
    """The person in the signed cookie, verified and for this origin; Person("") if none."""
    signed = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    user = _parse_decoded_user_cookie(signed, origin) if signed else {}
    verified = str(user.get("email_verified", True)).lower() == "true"
    if not user.get("is_logged_in") or not verified:
        return Person("")
    return Person(clean_email(str(user.get("email", ""))))
