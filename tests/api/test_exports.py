"""GET /api/export/coco, POST /api/exports, GET /api/exports/{name}."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from pathlib import Path

import httpx
import pytest

from tests.api.support import Api, rect, refused

PARTS = ("train", "val")


def labeled(api: Api) -> None:
    api.save(api.image("a.png"), rect(), rect(20, "person"))
    api.save(api.image("b.png"), status="done")
    api.image("c.png")


def test_the_project_as_a_coco_file(api: Api) -> None:
    labeled(api)
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
    labeled(api)
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


def test_the_description_beside_an_export_is_fetched_like_it(api: Api) -> None:
    labeled(api)
    name = api.client.post("/api/exports").json()["object"]
    address = f"/api/{name.removesuffix('.json')}.croissant.jsonld"
    answer = api.client.get(address)
    assert answer.headers["Content-Type"] == "application/ld+json"
    (file, *others) = answer.json()["distribution"]
    assert file["sha256"] == hashlib.sha256((api.folder / name).read_bytes()).hexdigest()
    assert (
        {one["contentUrl"] for one in others} == {file["contentUrl"]} == {name[len("exports/") :]}
    )
    assert api.client.head(address).status_code == 200


def test_an_empty_project_is_an_empty_dataset(api: Api) -> None:
    assert api.client.get("/api/export/coco").json()["images"] == []
    assert api.client.post("/api/exports").json()["images"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "dataset_coco_20240101_000000.json", "nothing", "labels.json", "dataset_coco_.json",
        "dataset_coco_20240101_000000.croissant.jsonld", "labels.croissant.jsonld",
        "..%2flabels.json", "dataset_coco_20240101_000000.json%0a", "%00",
    ],
)  # fmt: skip
def test_what_is_no_export(api: Api, name: str) -> None:
    (api.folder / "exports").mkdir(parents=True)
    (api.folder / "exports" / "labels.json").write_text("{}")
    refused(api.client.get(f"/api/exports/{name}"), 404, "not_found")


def test_head_makes_no_export(api: Api) -> None:
    labeled(api)
    answer = api.client.head("/api/export/coco")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json"
    name = api.client.post("/api/exports").json()["object"]
    assert api.client.head(f"/api/{name}").status_code == 200
    assert api.client.head("/api/exports/nothing").status_code == 404


def test_a_store_that_fails_is_reported_before_anything_is_sent(api: Api) -> None:
    labeled(api)
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
    end = time.monotonic() + 60
    while open_files() > before:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert api.client.get(f"/api/exports/{name}").json() == ["x" * 1000] * 30_000


# --- what is asked for --------------------------------------------------------------------


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [image["file_name"] for image in answer.json()["images"]]


def test_the_address_says_what_goes_in(api: Api) -> None:
    labeled(api)
    get = api.client.get
    assert names(get("/api/export/coco?status=done")) == ["b.png"]
    assert names(get("/api/export/coco?status=done&status=in_progress")) == ["a.png", "b.png"]
    assert names(get("/api/export/coco?status=done,unlabeled&name=c*")) == ["c.png"]
    only = get("/api/export/coco?label=Person").json()
    assert [len(only["images"]), len(only["annotations"]), len(only["categories"])] == [1, 1, 2]
    parts = [names(get(f"/api/export/coco?split=50/50&seed=1&part={part}")) for part in PARTS]
    assert sorted(parts[0] + parts[1]) == ["a.png", "b.png"]


def test_the_body_says_what_goes_in(api: Api) -> None:
    labeled(api)
    for body, count in (
        (b"", 2), (b"{}", 2), (b'{"status": "done"}', 1), (b'{"name": ["a*", "c*"]}', 1),
        (b'{"label": [], "split": "1/0", "seed": 7, "part": "train"}', 2),
    ):  # fmt: skip
        answer = api.client.post("/api/exports", content=body)
        assert (answer.status_code, answer.json()["images"]) == (201, count), answer.text


def test_a_split_without_a_part_is_a_file_each(api: Api) -> None:
    labeled(api)
    answer = api.client.post("/api/exports", json={"split": "60/40"}).json()
    assert len(answer["files"]) == 2
    assert answer["object"] == answer["files"][0]["object"]
    assert answer["images"] == sum(one["images"] for one in answer["files"]) == 2
    for one, part in zip(answer["files"], PARTS, strict=True):
        assert one["object"].endswith(f"_{part}.json")
        fetched = api.client.get(f"/api/{one['object']}")
        direct = api.client.get(f"/api/export/coco?split=60/40&part={part}")
        assert fetched.content == direct.content
    refused(api.client.get("/api/export/coco?split=60/40"), 400, "bad_request", "train or val")


@pytest.mark.parametrize(
    "query", ["statuses=done", "status=finished", "label=zebra", "split=x", "part=train", "seed=1"]
)
def test_a_choice_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    labeled(api)
    refused(api.client.get(f"/api/export/coco?{query}"), 400, "bad_request")
    body = dict([query.split("=")])
    refused(api.client.post("/api/exports", json=body), 400, "bad_request")
    assert not (api.folder / "exports").exists()


@pytest.mark.parametrize(
    "body",
    [
        b"[",
        b"[]",
        b"1",
        b'{"status": [1.5]}',
        b'{"label": {}}',
        b'{"label": true}',
        b'{"part": null}',
        b"\xff",
        b'{"name": "\\ud800"}',
        b'{"split": "80/20", "seed": "\\udfff"}',
    ],
)
def test_a_body_that_is_no_choice_is_refused(api: Api, body: bytes) -> None:
    refused(api.client.post("/api/exports", content=body), 400, "bad_request")
    assert not (api.folder / "exports").exists()
