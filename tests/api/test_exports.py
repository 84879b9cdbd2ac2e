"""GET /api/export/coco, POST /api/exports, GET /api/exports/{name}."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path

import pytest

from tests.api.support import Api, rect, refused


def labelled(api: Api) -> None:
    api.save(api.image("a.png"), rect(), rect(20, "person"))
    api.save(api.image("b.png"), status="done")
    api.image("c.png")


def test_the_project_as_a_coco_file(api: Api) -> None:
    labelled(api)
    answer = api.client.get("/api/export/coco")
    assert answer.status_code == 200
    assert [image["file_name"] for image in answer.json()["images"]] == ["a.png", "b.png"]
    assert len(answer.json()["annotations"]) == 2
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dataset_coco.json"'
    assert "Content-Length" not in answer.headers  # as it is made, however large it is
    packed = api.client.get("/api/export/coco", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.json() == answer.json()


def test_an_export_is_written_once_and_fetched_from_there(api: Api) -> None:
    labelled(api)
    written = api.client.post("/api/exports")
    assert written.status_code == 201
    name = written.json()["object"]
    assert written.json() == {"object": name, "images": 2, "annotations": 2}
    assert written.headers["Location"] == f"/api/{name}"
    data = (api.folder / name).read_bytes()
    answer = api.client.get(f"/api/{name}", headers={"Accept-Encoding": "identity"})
    assert answer.content == data == api.client.get("/api/export/coco").content
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert name.endswith(answer.headers["Content-Disposition"].split('"')[1])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    other = api.client.post("/api/exports").json()["object"]
    assert other != name
    assert (api.folder / name).read_bytes() == data


def test_an_empty_project_is_an_empty_data_set(api: Api) -> None:
    assert api.client.get("/api/export/coco").json()["images"] == []
    assert api.client.post("/api/exports").json()["images"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "dataset_coco_20240101_000000.json", "nothing", "labels.json", "dataset_coco_.json",
        "..%2flabels.json", "dataset_coco_20240101_000000.json%0a", "%00",
    ],
)  # fmt: skip
def test_what_is_no_export(api: Api, name: str) -> None:
    (api.folder / "exports").mkdir(parents=True)
    (api.folder / "exports" / "labels.json").write_text("{}")
    refused(api.client.get(f"/api/exports/{name}"), 404, "not_found")


def test_head_makes_no_export(api: Api) -> None:
    labelled(api)
    answer = api.client.head("/api/export/coco")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json"
    name = api.client.post("/api/exports").json()["object"]
    assert api.client.head(f"/api/{name}").status_code == 200
    assert api.client.head("/api/exports/nothing").status_code == 404


def test_a_store_that_fails_is_told_before_anything_is_sent(api: Api) -> None:
    labelled(api)
    labels = api.folder / "labels.json"
    labels.write_text("{")
    for answer in (api.client.get("/api/export/coco"), api.client.post("/api/exports")):
        refused(answer, 500, "damaged_document", "labels.json")
    assert not (api.folder / "exports").exists()


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_one_who_goes_away_in_between_leaves_nothing_open(api: Api) -> None:
    name = "dataset_coco_20240101_000000.json"
    path = api.folder / "exports" / name
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(["x" * 1000] * 30_000))
    api.client.get("/api/health")
    before = open_files()
    for _ in range(5):
        with api.served.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.sendall(f"GET /api/exports/{name} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    end = time.monotonic() + 10
    while open_files() > before:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert api.client.get(f"/api/exports/{name}").json() == ["x" * 1000] * 30_000
