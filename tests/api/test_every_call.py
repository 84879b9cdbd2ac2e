"""What holds for each call alike: tokens, other sites, bodies, and callers who go away.

The tables name every call; one that is missing in them fails the first test.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from starlette.routing import Route

from labeler.access.policy import TOKEN_HEADER
from labeler.api import (
    Signed,
    assignments,
    claims,
    documents,
    exports,
    guide,
    guide_pictures,
    history,
    imports,
    labels,
    request_bodies,
    reviews,
    trash,
)
from labeler.datasets.formats.registry import EXPORTED
from tests.api.conftest import Open
from tests.api.support import Api, rect, refused
from tests.api.test_request_bodies import Upload
from tests.pictures import png
from tests.waiting import settled

EXPORT: Final = "dataset_coco_20240101_000000.json"
READS: Final = (
    "/api/boxes", "/api/crops", "/api/images", "/api/images/{image_id}",
    "/api/annotations/{image_id}", "/api/annotations/{image_id}/versions", "/api/labels",
    "/api/statistics", "/api/claims",
    "/api/claims/{image_id}", "/api/guide", "/api/guide/{picture}",
    *(f"/api/export/{kind.name}" for kind in EXPORTED), "/api/exports/{name}",
)  # fmt: skip
WRITES: Final = {
    ("POST", "/api/images"): "X-File-Name: new.png",
    ("DELETE", "/api/images/{image_id}"): "If-Match: *",
    ("POST", "/api/images/{image_id}/restore"): "",
    ("PUT", "/api/annotations/{image_id}"): "If-Match: *",
    ("POST", "/api/annotations/{image_id}/restore"): "If-Match: *",
    ("POST", "/api/annotations/{image_id}/review"): "If-Match: *",
    ("POST", "/api/annotations/{image_id}/assign"): "If-Match: *",
    ("POST", "/api/claims"): "",
    ("PUT", "/api/claims/{image_id}"): "",
    ("DELETE", "/api/claims/{image_id}"): "",
    ("PUT", "/api/guide"): "If-None-Match: *",
    ("PUT", "/api/guide/{picture}"): "",
    ("PUT", "/api/labels"): "If-None-Match: *",
    ("POST", "/api/exports"): "",
    ("POST", "/api/imports"): "",
}
"""With the header that each needs."""
QUERIES: Final = {
    "/api/imports": "?format=coco",
    "/api/boxes": "?images={image_id}",
    "/api/crops": "?label=object",
}
OPEN: Final = (
    "/api/health", "/api/ready", "/api/openapi.json", "/api/workbench/{version}/{name:path}",
    "/_stcore/host-config",
)  # fmt: skip
MODULES: Final = (
    assignments, claims, documents, exports, guide, guide_pictures, history, imports, labels,
    reviews, trash,
)  # fmt: skip
Write = tuple[str, str]
each_write = pytest.mark.parametrize("write", WRITES, ids=" ".join)


@pytest.fixture
def workspace(api: Api) -> Api:
    """With an image that has a box, and an export."""
    api.save(api.image(), rect())
    made = api.client.post("/api/exports").json()["object"]
    (api.folder / "guide").mkdir()
    (api.folder / "guide/a.png").write_bytes(png())
    (api.folder / made).rename(api.folder / "exports" / EXPORT)
    return api


def state(api: Api) -> dict[str, bytes]:
    """All that is stored: what a call that is refused leaves as it is."""
    paths = sorted(path for path in api.folder.rglob("*") if path.is_file())
    kept = (path for path in paths if ".labeler" not in path.parts)
    return {str(path.relative_to(api.folder)): path.read_bytes() for path in kept}


def address(api: Api, path: str) -> str:
    (document,) = (api.folder / "annotations").glob("*.json")
    path = path.replace("{version}/{name:path}", "of_another_revision/mount.js")
    query = QUERIES.get(path, "")
    return (path + query).format(image_id=document.stem, name=EXPORT, picture="a.png")


def send(
    api: Api, write: Write, body: bytes | Iterator[bytes] = b"", **more: str
) -> httpx.Response:
    method, path = write
    own = dict([WRITES[write].split(": ")] if WRITES[write] else [])
    headers = {**own, **{name.replace("_", "-"): value for name, value in more.items()}}
    return api.client.request(method, address(api, path), content=body, headers=headers)


def by_hand(api: Api, write: Write, *more: str) -> Upload:
    method, path = write
    return Upload(api, WRITES[write] or "X-Other: x", *more, path=address(api, path), method=method)


def test_each_call_is_in_the_tables(api: Api) -> None:
    told = {
        (method, route.path)
        for route in api.app.routes
        if isinstance(route, Signed)
        for method in route.roles
    }
    assert told == {("GET", path) for path in READS} | set(WRITES)
    others = {route.path for route in api.app.routes if isinstance(route, Route)}
    assert others - {path for _, path in told} == set(OPEN)


# --- who may not --------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Authorization", TOKEN_HEADER])
@pytest.mark.parametrize("text", ["nonsense", "expired", "for a picture", "for an export"])
def test_a_wrong_token_passes_nowhere(workspace: Api, header: str, text: str) -> None:
    before = state(workspace)
    now = time.time()
    token = {
        "nonsense": "nonsense",
        "expired": workspace.token("ana", now - 7200),
        "for a picture": workspace.token("ana", now, "0" * 32),
        "for an export": workspace.token("ana", now, EXPORT, export=True),
    }[text]
    headers = {header: f"Bearer {token}" if header == "Authorization" else token}
    answers = [workspace.client.get(address(workspace, path), headers=headers) for path in READS]
    answers += [send(workspace, write, png(), **headers) for write in WRITES]
    for answer in answers:
        refused(answer, 401, "invalid_token")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert state(workspace) == before


@each_write
@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
     {"Origin": "https://evil.example"}, {"Origin": "null"}],
)  # fmt: skip
def test_no_other_site_writes(workspace: Api, write: Write, headers: dict[str, str]) -> None:
    before = state(workspace)
    refused(send(workspace, write, png(), **headers), 403, "forbidden", "another site")
    assert state(workspace) == before


@each_write
def test_no_page_writes_that_can_not_send_our_header(workspace: Api, write: Write) -> None:
    before = state(workspace)
    del workspace.client.headers["X-Labeler-Client"]
    refused(send(workspace, write, png()), 403, "forbidden", "X-Labeler-Client")
    assert state(workspace) == before


# --- bodies -------------------------------------------------------------------------------

LIMIT: Final = 2**16


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, open_api: Open) -> Api:
    """Each call takes little, so that too much is soon sent."""
    for module in MODULES:
        monkeypatch.setattr(module, "MAX_BYTES", LIMIT)
    api = open_api(LABELER_MAX_UPLOAD_MB="1")
    api.image()
    return api


def limit_of(write: Write) -> int:
    return 2**20 if write == ("POST", "/api/images") else LIMIT


@each_write
@pytest.mark.parametrize("said", [True, False], ids=["said", "unsaid"])
def test_too_much_is_refused_however_it_is_sent(small: Api, write: Write, said: bool) -> None:
    before = state(small)
    body = b" " * (limit_of(write) + 1)
    refused(send(small, write, body if said else iter([body])), 413, "too_large")
    assert state(small) == before


@each_write
def test_one_that_says_it_is_too_large_is_answered_before_it_comes(
    small: Api, write: Write
) -> None:
    upload = by_hand(small, write, f"Content-Length: {limit_of(write) + 1}")
    assert upload.answer()[:2] == (413, "too_large")


@each_write
def test_a_body_that_stops_arriving_is_given_up(
    workspace: Api, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_bodies, "PAUSE_S", 0.2)
    before = state(workspace)
    upload = by_hand(workspace, write, "Content-Length: 1000")
    upload.send(b"{")
    assert upload.answer()[:2] == (408, "timeout")
    assert state(workspace) == before


@each_write
@pytest.mark.parametrize("how", ["Content-Length: 3", "Transfer-Encoding: chunked"])
def test_a_body_that_is_cut_off_does_nothing(workspace: Api, write: Write, how: str) -> None:
    before = state(workspace)
    upload = by_hand(workspace, write, how)
    if "chunked" in how:
        upload.chunk(b"{}")
    else:
        upload.send(b"{}")
    upload.cut()
    # An import takes one body at a time: it is free again once the cut one is over.
    assert settled(lambda: send(workspace, ("POST", "/api/imports")).status_code == 422)
    assert state(workspace) == before


# --- answers ------------------------------------------------------------------------------


@pytest.mark.parametrize("path", READS)
def test_who_goes_away_before_the_answer_disturbs_nobody(
    workspace: Api, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        Upload(workspace, path=address(workspace, path), method="GET").cut()
    assert workspace.client.get(address(workspace, path)).status_code == 200
    # Another test of the same worker may have had the server log each call.
    assert not [one for one in caplog.records if one.name != "uvicorn.access"]


@pytest.mark.parametrize("path", [*READS, *OPEN])
def test_a_head_is_the_head_of_the_get(workspace: Api, path: str) -> None:
    answers = [
        workspace.client.request(method, address(workspace, path)) for method in ("GET", "HEAD")
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].content == b""
    names = ("Content-Type", "ETag", "Cache-Control", "Content-Disposition")
    for name in names:
        assert answers[0].headers.get(name) == answers[1].headers.get(name)


def test_a_slow_reader_holds_up_nobody(workspace: Api) -> None:
    image_id = workspace.image("large.png", png() + bytes(8 * 2**20))
    slow = [Upload(workspace, path=f"/api/images/{image_id}", method="GET") for _ in range(10)]
    for reader in slow:
        assert reader.socket.recv(20).startswith(b"HTTP/1.1 200")
    assert workspace.client.get("/api/health").status_code == 200
    assert workspace.client.get(f"/api/images/{image_id}").status_code == 200
    for reader in slow:
        reader.cut()
