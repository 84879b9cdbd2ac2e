"""Probes, unknown calls, wrong methods, faults: what is answered is always JSON."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from labeler import __version__
from labeler.datasets.formats.registry import EXPORTED
from tests.api.conftest import Open
from tests.api.support import Api, Lister, refused

ALLOWED = {
    "/api/boxes": "GET, HEAD",
    "/api/crops": "GET, HEAD",
    "/api/images": "GET, HEAD, POST",
    "/api/images/{id}": "DELETE, GET, HEAD",
    "/api/images/{id}/restore": "POST",
    "/api/annotations/{id}": "GET, HEAD, PUT",
    "/api/annotations/{id}/versions": "GET, HEAD",
    "/api/annotations/{id}/restore": "POST",
    "/api/annotations/{id}/assign": "POST",
    "/api/annotations/{id}/review": "POST",
    "/api/statistics": "GET, HEAD",
    "/api/claims": "GET, HEAD, POST",
    "/api/claims/{id}": "DELETE, GET, HEAD, PUT",
    "/api/guide": "GET, HEAD, PUT",
    "/api/guide/{id}": "GET, HEAD, PUT",
    "/api/labels": "GET, HEAD, PUT",
    **{f"/api/export/{kind.name}": "GET, HEAD" for kind in EXPORTED},
    "/api/exports": "POST",
    "/api/imports": "POST",
    "/api/exports/{id}": "GET, HEAD",
    "/api/health": "GET, HEAD",
    "/api/ready": "GET, HEAD",
    "/api/openapi.json": "GET, HEAD",
}


@pytest.mark.parametrize("path", ["health", "ready"])
def test_a_probe_is_answered(api: Api, path: str) -> None:
    answer = api.client.get(f"/api/{path}")
    assert (answer.status_code, answer.json()["status"]) == (
        200, {"health": "ok", "ready": "ready"}[path],
    )  # fmt: skip
    assert answer.json().get("version") == {"health": __version__, "ready": None}[path]
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.client.head(f"/api/{path}").status_code == 200


def test_an_instance_whose_store_can_not_be_used_says_why(open_api: Open) -> None:
    api = open_api()
    api.folder.rename(api.folder.with_name("moved"))
    api.folder.write_text("a file is in the folder's place")
    refused(api.client.get("/api/ready"), 503, "not_allowed", "is a file", "LABELER_STORAGE")
    assert api.client.get("/api/health").status_code == 200


def test_uploads_of_their_own_have_to_be_there_too(open_api: Open, tmp_path: Path) -> None:
    uploads = tmp_path / "originals"
    api = open_api(LABELER_UPLOADS=str(uploads))
    assert api.client.get("/api/ready").status_code == 200
    uploads.write_text("a file")
    refused(api.client.get("/api/ready"), 503, "not_allowed", "is a file")


def test_a_store_that_hangs_is_asked_once_and_hangs_no_probe(
    open_api: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeler.api.health.READY_S", 0.2)
    asked = 0
    go_on = threading.Event()

    def wait() -> None:
        nonlocal asked
        asked += 1
        assert go_on.wait(120)

    api = open_api(store=Lister(tmp_path, wait))
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: api.client.get("/api/ready"), range(40)))
    for answer in answers:
        refused(answer, 503, "unavailable", "not answered")
    refused(api.client.get("/api/ready"), 503, "unavailable", "not answered")
    assert asked == 1
    assert api.client.get("/api/health").status_code == 200
    go_on.set()
    end = time.monotonic() + 60
    while api.client.get("/api/ready").status_code != 200:
        assert time.monotonic() < end


# --- what is no call ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/", "/api/nothing", "/api/images/", "/api/images/a/b", "/api/annotations",
        "/api/annotations/a/", "/api/IMAGES", "/api/..%2fimages", "/api/images/..%2F..%2Fetc",
        "/api/%00", "/api/%ff", "/api/export", "/api//images", "/api/docs", "/api/exports/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS"])
def test_an_unknown_call(api: Api, path: str, method: str) -> None:
    url = httpx.URL(f"http://127.0.0.1:{api.served.port}").copy_with(raw_path=path.encode())
    answer = api.client.request(method, url)
    refused(answer, 404, "not_found", "/api/openapi.json")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (path, method)
        for path in ALLOWED
        for method in ("DELETE", "PATCH", "OPTIONS", "TRACE", "POST", "PUT", "GET")
        if method not in ALLOWED[path]
    ],
)
def test_a_wrong_method(api: Api, path: str, method: str) -> None:
    answer = api.client.request(method, path.replace("{id}", "0" * 32))
    refused(answer, 405, "method_not_allowed", ALLOWED[path])
    assert answer.headers["Allow"] == ALLOWED[path]


def test_a_fault_of_ours_is_reported_without_details_and_logged_with_them(
    open_api: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise KeyError("a secret word")

    api = open_api(store=Lister(tmp_path, fail))
    answer = api.client.get("/api/images")
    refused(answer, 500, "internal")
    assert "secret word" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert any("GET /api/images failed" in record.getMessage() for record in caplog.records)
    end = time.monotonic() + 60  # the server logs the traceback after it has answered
    while not any(record.exc_info and record.exc_info[0] is KeyError for record in caplog.records):
        assert time.monotonic() < end
    # On a connection of its own: the server ends the one on which the exception was raised.
    assert httpx.get(f"http://127.0.0.1:{api.served.port}/api/health").status_code == 200
