"""The signed-in account, by the cookie that Streamlit 1.67 sets and reads itself."""

from __future__ import annotations

import json
from collections.abc import Mapping

from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import _get_signed_cookie_with_chunks


def account_by_cookies(cookies: Mapping[str, str]) -> Mapping[str, object]:
    """The claims in the signed cookie; empty if there is none, or if it was not made here.

    `origin` is the origin that the account has signed in at.
    """
    signed = _get_signed_cookie_with_chunks(dict(cookies), USER_COOKIE_NAME)
    try:
        claims = json.loads(signed or b"{}")
    except ValueError:  # the chunks of two cookies
        return {}
    return claims if isinstance(claims, dict) else {}
