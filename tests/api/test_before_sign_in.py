"""Who is not signed in gets the sign-in page: each address of the running program is asked."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.access.iap_proxy import AUDIENCE

ROOT = Path(__file__).parents[2]
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH")
LIST = """
import json, app
from starlette.routing import Mount
from labeler import api
from labeler.ui.context import page_context
bound = page_context()
calls = api.application(bound.project, bound.access, 1, 0)
streamlit = app.app._build_starlette_app().routes
print(json.dumps({
    "streamlit": sorted({route.path for route in streamlit}),
    "mounts": sorted(route.path for route in streamlit if isinstance(route, Mount)),
    "open": sorted(route.path for route in calls.routes if not isinstance(route, api.Signed)),
    "signed": sorted({
        (method, route.path)
        for route in calls.routes if isinstance(route, api.Signed)
        for method in route.methods
    }),
}))
"""
OPEN = {"/api/health", "/api/ready", "/api/openapi.json"}
SIGN_IN = {"/auth/login", "/auth/logout", "/oauth2callback"}
WAYS = {
    "oidc": {
        "LABELER_AUTH": "oidc",
        "LABELER_OIDC_METADATA_URL": "http://127.0.0.1:1/.well-known/openid-configuration",
        "LABELER_OIDC_CLIENT_ID": "labeler",
        "LABELER_OIDC_CLIENT_SECRET": "a secret of the provider",
        "LABELER_OIDC_REDIRECT_URI": "http://127.0.0.1:1/oauth2callback",
    },
    "iap": {
        "LABELER_AUTH": "iap",
        "LABELER_IAP_AUDIENCE": AUDIENCE,
        "LABELER_IAP_KEYS_URL": "http://127.0.0.1:1/keys",
    },
}
EVIDENCE: tuple[dict[str, str], ...] = (
    {},
    {"Cookie": "_streamlit_user=eyJpc19sb2dnZWRfaW4iOnRydWV9"},
    {"X-Goog-Authenticated-User-Email": "accounts.google.com:ana@example.com"},
    {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "127.0.0.1"},
)


class Program:
    """`python app.py` with one way to sign in, and the paths that it has."""

    def __init__(self, way: str, folder: Path) -> None:
        self.way = way
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        env = {
            **os.environ, **WAYS[way], "PORT": str(self.port), "LABELER_UPLOADS": "off",
            "LABELER_STORAGE": str(folder / "data"),
        }  # fmt: skip
        self.log = folder / "log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=env, stdout=output, stderr=output
            )
        listed = subprocess.run(
            [sys.executable, "-c", LIST], cwd=ROOT, env=env, capture_output=True, text=True,
            timeout=120, check=True,
        )  # fmt: skip
        self.routes = json.loads(listed.stdout)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def wait(self) -> None:
        end = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            try:
                self.client.get("/api/health")
                return
            except httpx.TransportError:
                time.sleep(0.05)

    def ask(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        content = b"x" * 100 if method in ("POST", "PUT", "PATCH") else b""
        return self.client.request(method, path, headers=headers, content=content)


@pytest.fixture(scope="module", params=list(WAYS))
def program(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Program]:
    started = Program(request.param, tmp_path_factory.mktemp(request.param))
    try:
        started.wait()
        yield started
    finally:
        started.client.close()
        started.process.terminate()
        started.process.wait(120)


def filled(path: str) -> str:
    for name in ("{path:path}", "{file_id:path}", "{session_id}", "{file_id}", "{image_id}",
                 "{name:path}", "{name}", "{picture}", "{version}"):  # fmt: skip
        path = path.replace(name, "a")
    assert "{" not in path, path
    return path


def test_the_program_has_the_addresses_that_are_known(program: Program) -> None:
    """Others may need a decision: what they give to whom."""
    found = set(program.routes["streamlit"]) - set(program.routes["mounts"])
    assert {
        "/_stcore/health", "/_stcore/host-config", "/_stcore/stream", "/_stcore/metrics",
        "/media/{file_id:path}", "/_stcore/upload_file/{session_id}/{file_id}",
    } <= found  # fmt: skip
    assert (found >= SIGN_IN) or program.way == "iap"


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_nothing_of_streamlit_s_is_answered(program: Program, evidence: dict[str, str]) -> None:
    files = ("/favicon.png", "/index.html", "/static/js/index.js", "/manifest.json", "/a/b?c=d")
    ours = {path for path in program.routes["open"] if path not in OPEN}
    paths = {filled(path) for path in {*program.routes["streamlit"], *ours, *files} if path}
    for path in sorted(paths - {"/", ""} - (SIGN_IN if program.way == "oidc" else set())):
        for method in METHODS:
            answer = program.ask(method, path, evidence)
            assert answer.status_code == 401, (method, path)
            assert "Set-Cookie" not in answer.headers
            if method != "HEAD":
                assert answer.json()["error"]["code"] == "not_signed_in", (method, path)


def test_the_start_is_the_sign_in_page(program: Program) -> None:
    for path in ("/", "/?image=abc"):
        answer = program.ask("GET", path, {"Accept": "text/html"})
        assert answer.status_code == (200 if program.way == "oidc" else 401)
        assert ("<button" in answer.text) == (program.way == "oidc")
        assert "_stcore" not in answer.text
        assert "/static/" not in answer.text
    assert program.ask("POST", "/", {}).status_code == 401


def test_a_page_elsewhere_says_how_to_sign_in_too(program: Program) -> None:
    answer = program.ask("GET", "/media/a", {"Accept": "text/html,*/*"})
    assert answer.status_code == 401
    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_no_session_begins(program: Program, evidence: dict[str, str]) -> None:
    here = f"127.0.0.1:{program.port}"
    lines = [
        "GET /_stcore/stream HTTP/1.1", f"Host: {here}", "Connection: Upgrade",
        "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: streamlit",
        f"Origin: http://{here}", *(f"{name}: {text}" for name, text in evidence.items()), "", "",
    ]  # fmt: skip
    with socket.create_connection(("127.0.0.1", program.port), timeout=120) as connection:
        connection.sendall("\r\n".join(lines).encode())
        assert connection.recv(200).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize("evidence", EVIDENCE)
def test_each_call_asks_who_it_is(program: Program, evidence: dict[str, str]) -> None:
    for method, path in program.routes["signed"]:
        headers = {**evidence, "X-Labeler-Client": "test"}
        answer = program.ask(method, filled(path), headers)
        assert answer.status_code == 401, (method, path)


def test_what_is_open_tells_nothing_of_the_project(program: Program) -> None:
    for path in sorted(OPEN):
        answer = program.ask("GET", path, {})
        assert answer.status_code == 200
        assert "data" not in answer.text or path == "/api/openapi.json"


def test_the_sign_in_s_own_addresses_lead_on_without_a_session(program: Program) -> None:
    if program.way == "iap":
        return
    assert program.ask("GET", "/sign-in", {}).headers["Location"].startswith("/auth/login?")
    for path in ("/auth/login", "/auth/login?provider=x", "/auth/logout", "/oauth2callback?code=x"):
        answer = program.ask("GET", path, {})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/"), path
