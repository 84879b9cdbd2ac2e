"""No part of an address leads out of the project: not to files beside it, not through links."""

from __future__ import annotations

import socket
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from tests.api.support import Api
from tests.pictures import png

SECRET = "what nobody may read"
PARTS = (
    "..", ".", "%2e%2e", "%2E%2e", "%252e%252e", "..%00", "/", "%2f", "%5c", "\\", "%c0%af", "//",
    "outside", "outside.json", "linked", "annotations", "uploads", "labels.json", "etc", "passwd",
    "secret.key", ".labeler", "\0", "%0a", "\u2025", "\uff0e\uff0e", "~", "file:", "gs:",
)  # fmt: skip

paths = st.lists(st.sampled_from(PARTS) | st.text(max_size=5), max_size=8).map("".join)


@pytest.fixture
def guarded(api: Api) -> Api:
    """A project with a secret beside it, and links to it within."""
    beside = api.folder.parent / "outside"
    beside.mkdir()
    (beside / "outside.json").write_text(SECRET)
    (api.folder.parent / "outside.json").write_text(SECRET)
    api.image()
    for name in ("annotations", "uploads"):
        (api.folder / name / "linked").symlink_to(beside)
    return api


def routes(api: Api) -> list[tuple[str, str]]:
    """Each method and path with a parameter."""
    return [
        (method, route.path)
        for route in api.app.routes
        if isinstance(route, Route) and "{" in route.path
        for method in sorted(route.methods or ())
    ]


def answered(api: Api, method: str, path: str) -> bytes:
    """All that comes back for the very bytes of that address, which no client has tidied up."""
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Labeler-Client: t\r\nIf-Match: *\r\n"
    with socket.create_connection(("127.0.0.1", api.served.port), 30) as caller:
        caller.sendall(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := caller.recv(2**16):
            answer += chunk
    return answer


def beside(api: Api) -> dict[str, bytes]:
    """Everything beside the project."""
    return {
        str(path): path.read_bytes()
        for path in sorted(api.folder.parent.rglob("*"))
        if path.is_file() and api.folder not in path.parents
    }


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(paths)
@example("..%2foutside")
@example("linked")
@example("linked%2foutside")
@example("../../outside/outside")
def test_no_parameter_of_a_path_leads_out(guarded: Api, text: str) -> None:
    before = beside(guarded)
    for method, path in routes(guarded):
        for value in (quote(text, safe="%/\\"), quote(text, safe="")):
            target = path[: path.index("{")] + value + path[path.rindex("}") + 1 :]
            answer = answered(guarded, method, target)
            assert SECRET.encode() not in answer
            assert not answer.startswith(b"HTTP/1.1 500"), (method, target, answer[:300])
    assert beside(guarded) == before


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(paths)
@example("../../outside/a.png")
@example("linked/a.png")
@example("/etc/a.png")
def test_no_file_name_leads_out(guarded: Api, text: str) -> None:
    before = beside(guarded)
    answer = guarded.client.post(
        "/api/images", content=png(), headers={"X-File-Name": quote(f"{text}.png")}
    )
    assert answer.status_code < 500 or "linked" in text, answer.text
    assert beside(guarded) == before


def test_a_link_to_a_folder_is_not_followed(guarded: Api) -> None:
    """A link to a file is read: whoever can make one in the folder is its owner."""
    listed = guarded.client.get("/api/images").json()["images"]
    assert [one["image_path"] for one in listed] == ["a.png"]
    for path in ("/api/annotations/linked%2Foutside", "/api/annotations/linked/outside"):
        answer = guarded.client.get(path)
        assert answer.status_code in (400, 404)
        assert SECRET not in answer.text
