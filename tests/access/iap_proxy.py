"""A stand-in for Google's Identity-Aware Proxy: its keys on loopback, and assertions signed anew.

The key is this module's own, made when it is loaded.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from labeler.access.iap import ISSUER
from labeler.access.policy import ASSERTION_HEADER

AUDIENCE = "/projects/123/locations/europe-west1/services/labeler"
KEY = ECKey.generate_key("P-256", {"kid": "k1"})
Key = ECKey | OctKey | RSAKey


def claims(
    email: str = "ana@example.com", now: float | None = None, **other: Any
) -> dict[str, Any]:
    """What IAP claims; a value of None leaves the claim out."""
    now = time.time() if now is None else now
    all_of_them = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "accounts.google.com:1",
        "email": email,
        "hd": "example.com",
        "iat": int(now),
        "exp": int(now) + 600,
        **other,
    }
    return {name: value for name, value in all_of_them.items() if value is not None}


def signed(payload: Any, key: Key = KEY, alg: str = "ES256", **header: Any) -> str:
    """A compact JSON web signature over the payload."""
    protected = {"alg": alg, "typ": "JWT", "kid": "k1", **header}
    protected = {name: value for name, value in protected.items() if value is not None}
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jws.serialize_compact(protected, data, key, algorithms=[alg])


def headers(email: str = "ana@example.com", **other: Any) -> dict[str, str]:
    """The headers that IAP adds."""
    return {ASSERTION_HEADER: signed(claims(email, **other))}


class KeyServer:
    """Publishes keys on loopback; a context manager. `asked` counts, `broken` answers that."""

    def __init__(self, *keys: Key) -> None:
        self.keys = list(keys) or [KEY]
        self.asked = 0
        self.broken: bytes | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                body = outer.broken if outer.broken is not None else outer.published()
                self.send_response(200 if body else 500)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/keys"

    def published(self) -> bytes:
        listed = [{**key.as_dict(private=False), "alg": "ES256"} for key in self.keys]
        return json.dumps({"keys": listed}).encode()

    def __enter__(self) -> KeyServer:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
