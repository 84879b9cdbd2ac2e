"""The headers that make browsers keep other sites out of Streamlit's pages.

The content security policy allows what Streamlit and our components need, and nothing else:

- `script-src` with hashes: the inline scripts of Streamlit's page, as its file has them.
- `script-src blob:`: Streamlit starts the inline script of a component from a blob address.
- `style-src 'unsafe-inline'`: Streamlit and its components write their styles into the page.
- `img-src data: blob:`: icons, and the images that a component has fetched.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Scope

_INLINE: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_YEAR_S: Final = 31_536_000


def request_is_secure(scope: Scope) -> bool:
    """Whether the browser came by TLS, which Cloud Run and other proxies end before us.

    A caller may send any X-Forwarded-Proto, but a claim of TLS gains only stricter headers.
    """
    forwarded = Headers(scope=scope).get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    return scope.get("scheme") == "https" or forwarded == "https"


def protect(headers: MutableHeaders, policy: str, *, is_secure: bool) -> None:
    """Add the headers to an answer of Streamlit's; `is_secure` if the browser came by TLS.

    `policy` is the content security policy of pages. Existing headers stay.
    """
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if headers.get("Content-Type", "").startswith("text/html"):
        headers.setdefault("Content-Security-Policy", policy)
    if is_secure:
        headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR_S}")
        cookies = headers.getlist("Set-Cookie")
        if cookies:
            del headers["Set-Cookie"]
            for cookie in cookies:
                headers.append("Set-Cookie", _secure(cookie))


def content_security_policy(page: str) -> str:
    """The policy for a page with these inline scripts, as one header value (W3C, CSP level 3)."""
    scripts = _INLINE.findall(page)
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' blob: {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "manifest-src 'self'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def _secure(cookie: str) -> str:
    """The cookie for TLS only, and not for calls from other sites."""
    attributes = {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}
    if "secure" not in attributes:
        cookie += "; Secure"
    return cookie if "samesite" in attributes else cookie + "; SameSite=Lax"
