"""The sign-in page: all that Streamlit's addresses show to a person who may not label.

It is plain HTML, so no session of Streamlit's begins before somebody has signed in.
"""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from labeler.access.sign_in_ways import SignInWays
from labeler.api.responses import NEVER, error_body, headers, json_answer
from labeler.errors import (
    LabelerError,
    NotFound,
    NotPermitted,
    NotSignedIn,
    SignInUnavailable,
    TooManyCalls,
)

START: Final = "/sign-in"
"""Begins the sign-in with the provider in `?provider=`."""
_AGAIN_S: Final = 5
_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 15vh auto 0; padding: 0 1.5rem; overflow-wrap: anywhere; }
button { font: inherit; margin: 0 0.5rem 0.5rem 0; padding: 0.4rem 1rem; cursor: pointer;
  border: 0; border-radius: 0.5rem; background: #b3261e; color: #fff; }
button:focus-visible { outline: 3px solid #4c8dff; outline-offset: 2px; }
"""
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Labeler</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body><main><h1>Labeler</h1><p>{text}</p>{form}</main><script>{script}</script></body>
</html>
"""


class SignInPage:
    """Answers to browsers before anybody has signed in, for the configured ways to sign in."""

    def __init__(self, ways: SignInWays) -> None:
        self._ways = ways

    def is_open(self, path: str) -> bool:
        """Whether the sign-in itself needs Streamlit at that path."""
        return path in self._ways.open_paths

    def start(self, scope: Scope) -> Response:
        """GET START: redirects to the provider."""
        asked = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        [provider, *more] = asked.get("provider", [""])
        if more or provider not in self._ways.providers or scope["method"] not in ("GET", "HEAD"):
            error = NotFound("There is no such way to sign in. Open Labeler's page to choose one.")
            return json_answer(error_body(error), error.status)
        return RedirectResponse(self._ways.begin(provider), 302, headers(NEVER))

    def refusal(self, error: LabelerError, scope: Scope) -> Response:
        """The answer to a request refused with this error: a page for browsers, else JSON."""
        is_start = scope["path"] == "/" and scope["method"] in ("GET", "HEAD")
        more = {"Retry_After": str(error.after_s)} if isinstance(error, TooManyCalls) else {}
        if not is_start and "text/html" not in Headers(scope=scope).get("Accept", ""):
            return json_answer(error_body(error), error.status, **more)
        asks = isinstance(error, NotSignedIn) and bool(self._ways.providers)
        form = ""
        if asks:
            form = _form(START, "".join(_button(name) for name in self._ways.providers))
        elif isinstance(error, NotPermitted):
            address, fields = self._ways.sign_out
            form = _form(address, "".join(_field(*field) for field in fields) + _SIGN_OUT)
        script = ""
        if asks and is_start:
            script = (
                f"sessionStorage.setItem({json.dumps(self._ways.address_key)}, location.search);"
            )
        page = _PAGE.format(style=_STYLE, text=escape(error.message), form=form, script=script)
        more["Content_Security_Policy"] = _policy(script)
        if isinstance(error, SignInUnavailable):
            more["Refresh"] = str(_AGAIN_S)
        status = 200 if asks and is_start else error.status
        return Response(page, status, headers(NEVER, **more), "text/html")


_SIGN_OUT: Final = "<button>Sign out</button>"


def _form(address: str, content: str) -> str:
    return f'<form action="{escape(address)}">{content}</form>'


def _button(provider: str) -> str:
    text = f"Sign in with {provider}" if provider else "Sign in"
    return f'<button name="provider" value="{escape(provider)}">{escape(text)}</button>'


def _field(name: str, value: str) -> str:
    return f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'


def _policy(script: str) -> str:
    """Without form-action: browsers apply it to the redirect to the provider, at another address.

    The only text of a caller's in the page is an e-mail address, as text.
    """
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hashed(script)}",
            f"style-src {_hashed(_STYLE)}",
            "img-src data:",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
