"""POST /api/imports: what is sent, reported, refused; progress line by line."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from labeler.api import request_bodies
from labeler.api.request_bodies import BodyReader
from labeler.errors import Busy
from labeler.model.people import Person
from tests.api.conftest import Open
from tests.api.support import Api, Lister, named, rect, refused
from tests.datasets.formats.support import Content, as_bytes, zipped
from tests.datasets.imports.support import coco
from tests.pictures import png


def send(
    api: Api, content: bytes | Iterator[bytes], address: str = "format=coco", **headers: str
) -> httpx.Response:
    return api.client.post(f"/api/imports?{address}", content=content, headers=named(headers))


SET = as_bytes(coco({"a.png": [[1, 2, 3, 4]], "gone.png": []}))


def test_a_file_is_imported_after_a_dry_run(api: Api) -> None:
    image_id = api.image("a.png")
    before = api.stored(image_id)
    dry = send(api, SET, "format=coco&dry_run=1", X_File_Name="my%20set.json")
    assert dry.status_code == 200
    assert api.stored(image_id) == before
    report = dry.json()
    assert report == {
        "format": "coco", "existing": "keep", "status": "done", "dry_run": True,
        "added_images": 0,
        "images": {"imported": 1, "unchanged": 0, "kept": 0, "left_out": 1},
        "boxes": {"car": 1}, "new_labels": ["car", "unused"], "left_out": 1,
        "problem_count": 1, "faults": 0,
        "problems": [{
            "file": "my set.json", "place": "image 2", "fault": False,
            "reason": "there is no image gone.png in the project",
        }],
    }  # fmt: skip
    done = send(api, gzip.compress(SET), X_File_Name="my%20set.json").json()
    assert done == report | {"dry_run": False}
    document, _ = api.read(image_id)
    assert [(r["label"], r["left"]) for r in document["rects"]] == [("car", 1.0)]
    assert document["metadata"]["status"] == "done"
    again = send(api, SET).json()
    assert again["images"]["unchanged"] == 1


def test_a_zip_brings_its_images(api: Api, tmp_path: Any) -> None:
    files: dict[str, Content] = {
        "data.yaml": "names: [car]", "labels/a.txt": "0 0.5 0.5 0.5 0.5", "images/a.png": png()
    }  # fmt: skip
    data = zipped(tmp_path / "x.zip", files).read_bytes()
    report = send(api, data, "format=yolo").json()
    assert (report["added_images"], report["images"]["imported"]) == (1, 1)


def test_what_happens_to_images_with_boxes(api: Api) -> None:
    image_id = api.image("a.png")
    api.save(image_id, rect())
    assert send(api, SET).json()["images"]["kept"] == 1
    assert send(api, SET, "format=coco&existing=merge").json()["images"]["imported"] == 1
    assert len(api.read(image_id)[0]["rects"]) == 2
    assert send(api, SET, "format=coco&existing=replace").json()["images"]["imported"] == 1
    assert len(api.read(image_id)[0]["rects"]) == 1


def test_the_file_tells_its_format(api: Api) -> None:
    api.image("a.png")
    report = send(api, SET, "format=auto").json()
    assert (report["format"], report["images"]["imported"]) == ("coco", 1)
    refused(send(api, b"{}", "format=auto"), 422, "invalid_import", "not known")


def test_boxes_that_have_to_be_checked(api: Api) -> None:
    image_id = api.image("a.png")
    assert send(api, SET, "format=coco&status=in_progress").json()["status"] == "in_progress"
    assert api.read(image_id)[0]["metadata"]["status"] == "in_progress"
    assert send(api, SET, "format=coco&existing=replace").json()["status"] == "done"
    assert api.read(image_id)[0]["metadata"]["status"] == "done"
    again = send(api, SET, "format=coco&existing=replace&status=in_progress").json()
    assert again["images"]["unchanged"] == 1  # somebody has done just these boxes already
    assert api.read(image_id)[0]["metadata"]["status"] == "done"


def test_names_of_classes_are_given_where_the_file_has_none(api: Api) -> None:
    image_id = api.image("a.png")
    line = b"1 0.5 0.5 0.25 0.25\n"
    answer = send(api, line, "format=auto", X_File_Name="a.txt")
    refused(answer, 422, "class_names_missing", "Give their names")
    address = "format=auto&class_name=cat&class_name=dog%2C+small"
    report = send(api, line, address, X_File_Name="a.txt").json()
    assert (report["format"], report["boxes"]) == ("yolo", {"dog, small": 1})
    assert [one["label"] for one in api.read(image_id)[0]["rects"]] == ["dog, small"]


def test_progress_comes_line_by_line(api: Api) -> None:
    api.image("a.png")
    answer = send(api, SET, Accept="application/x-ndjson")
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    *progress, last = map(json.loads, answer.text.splitlines())
    assert all(set(line) == {"doing", "done", "total"} for line in progress)
    assert last["report"]["images"]["imported"] == 1
    answer = send(api, b"{", Accept="application/x-ndjson")
    assert "ends too early" in json.loads(answer.text.splitlines()[-1])["error"]["message"]


@pytest.mark.parametrize(
    "address",
    ["", "format=mp3", "format=coco&format=voc", "format=coco&existing=lose", "format=coco&x=1",
     "format=coco&status=skipped", "format=coco&dry_run=maybe", "format=voc&voc=zero"],
)  # fmt: skip
def test_bad_parameters_are_named(api: Api, address: str) -> None:
    refused(send(api, SET, address), 400, "bad_request")


@pytest.mark.parametrize("content", [b"", b"{}", b"{", b"PK\x03\x04junk", b"\x1f\x8bjunk", b"\xff"])
def test_what_is_no_dataset_is_refused(api: Api, content: bytes) -> None:
    refused(send(api, content), 422, "invalid_import")


def test_a_foreign_page_may_not(api: Api) -> None:
    answer = httpx.post(f"http://127.0.0.1:{api.served.port}/api/imports?format=coco", content=SET)
    refused(answer, 403, "forbidden")


def arriving(begun: threading.Event, go_on: threading.Event) -> Iterator[bytes]:
    yield SET[:10]
    begun.set()
    go_on.wait(120)
    yield SET[10:]


def test_a_body_that_stops_arriving_keeps_nobody_from_importing(api: Api) -> None:
    begun, go_on = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(send, api, arriving(begun, go_on), "format=coco&dry_run=1")
        assert begun.wait(120)
        try:
            for _ in range(3):
                assert send(api, SET, "format=coco&dry_run=1").status_code == 200
        finally:
            go_on.set()
        assert first.result().status_code == 200


def test_one_at_a_time(open_api: Open, tmp_path: Path) -> None:
    """While one is at work another one is told to wait, and the first is not disturbed."""
    at_work, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        at_work.set()
        go_on.wait(120)

    api = open_api(store=Lister(tmp_path / "data", wait))
    begun, arrived = threading.Event(), threading.Event()
    with ThreadPoolExecutor(2) as threads:
        second = threads.submit(send, api, arriving(begun, arrived), "format=coco&dry_run=1")
        try:
            assert begun.wait(120)
            first = threads.submit(send, api, SET, "format=coco&dry_run=1")
            assert at_work.wait(120)
            answer = send(api, SET, "format=coco&dry_run=1")
            arrived.set()
            for refusal in (answer, second.result()):  # as soon as it came; when it had arrived
                refused(refusal, 503, "busy")
                assert "when it has ended" in refusal.json()["error"]["message"]
        finally:
            go_on.set()
            arrived.set()
        assert first.result().status_code == 200
    assert send(api, SET).status_code == 200


def test_imports_that_arrive_slowly_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that lie on disk together are no more than one may be."""
    monkeypatch.setattr(request_bodies, "GRACE_S", 0)
    reader = BodyReader(1000)

    async def read(person: str, *chunks: bytes, at: asyncio.Event | None = None) -> int:
        parts = [*chunks, b""]

        async def receive() -> dict[str, Any]:
            if at is not None and len(parts) < len(chunks) + 1:
                at.set()
                await asyncio.Event().wait()
            data = parts.pop(0)
            return {"type": "http.request", "body": data, "more_body": bool(data)}

        request = Request({"type": "http", "method": "POST", "headers": []}, receive)
        async with reader.file(request, 1000, "The file", Person(person)) as file:
            return file.seek(0, 2)

    async def run() -> None:
        waits = asyncio.Event()
        slow = asyncio.create_task(read("slow@example.com", b"x" * 600, at=waits))
        await waits.wait()
        assert await read("quick@example.com", b"x" * 600, b"y" * 300) == 900
        with pytest.raises(Busy):
            await slow
        assert await read("quick@example.com", b"x" * 1000) == 1000

    asyncio.run(run())
