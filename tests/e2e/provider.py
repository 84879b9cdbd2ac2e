"""An OpenID provider on loopback: whoever comes chooses who they are, and it signs that."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = "labeler-tests"
CLIENT_SECRET = "the-provider-s-secret-for-the-tests"


class Provider:
    """Accounts by e-mail address, with the claims that make each special; a context manager."""

    def __init__(self, **accounts: dict[str, Any]) -> None:
        self.accounts = {f"{name}@example.com": claims for name, claims in accounts.items()}
        self._key = RSAKey.generate_key(2048, {"kid": "p1"})
        self._codes: dict[str, tuple[str, dict[str, str]]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def settings(self, labeler: str) -> dict[str, str]:
        """The settings of a Labeler at that address that signs in here."""
        return {
            "LABELER_AUTH": "oidc",
            "LABELER_OIDC_METADATA_URL": f"{self.url}/.well-known/openid-configuration",
            "LABELER_OIDC_CLIENT_ID": CLIENT,
            "LABELER_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "LABELER_OIDC_REDIRECT_URI": f"{labeler}/oauth2callback",
        }

    def __enter__(self) -> Provider:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    # --- what it answers ------------------------------------------------------------------

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def choice(self, asked: dict[str, str]) -> str:
        """A page with one link for each account, which leads back with a code."""
        assert asked["client_id"] == CLIENT
        links = []
        for email in self.accounts:
            code = secrets.token_urlsafe(12)
            self._codes[code] = (email, asked)
            back = urlencode({"code": code, "state": asked["state"]})
            links.append(f'<p><a href="{asked["redirect_uri"]}?{back}">{email}</a></p>')
        return "<!doctype html><title>Who are you?</title>" + "".join(links)

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """The identity token for a code, which counts once, and only for who asked for it."""
        email, asked = self._codes.pop(form["code"])
        secret = f"{CLIENT}:{CLIENT_SECRET}".encode()
        basic = f"Basic {base64.b64encode(secret).decode()}"
        assert authorization == basic
        assert form["redirect_uri"] == asked["redirect_uri"]
        if "code_challenge" in asked:
            digest = hashlib.sha256(form["code_verifier"].encode()).digest()
            assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": email,
            "email": email,
            "iat": now,
            "exp": now + 600,
            "nonce": asked["nonce"],
            **self.accounts[email],
        }
        id_token = jwt.encode({"alg": "RS256", "kid": "p1"}, claims, self._key)
        return {"access_token": "x", "token_type": "Bearer", "id_token": id_token}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(url.query).items()}
                match url.path:
                    case "/authorize":
                        self._answer(provider.choice(asked), "text/html")
                    case "/jwks":
                        keys = {"keys": [provider._key.as_dict(private=False)]}
                        self._answer(json.dumps(keys), "application/json")
                    case _:
                        self._answer(json.dumps(provider.metadata()), "application/json")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                answer = provider.token(form, self.headers.get("Authorization", ""))
                self._answer(json.dumps(answer), "application/json")

            def _answer(self, text: str, media_type: str) -> None:
                self.send_response(200)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
