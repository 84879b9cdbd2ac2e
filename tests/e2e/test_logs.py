"""The log of a whole session: every line is JSON, carries its fields, and tells not too much."""

from __future__ import annotations

import contextlib
import http.client
import json
import urllib.request
from datetime import datetime
from typing import Any
from urllib.error import HTTPError

import pytest
from playwright.sync_api import expect

from labeler.runtime.events import EVENTS
from tests.e2e.conftest import NewLabeler, Serve, Server
from tests.e2e.labeler import eventually
from tests.e2e.pictures import Pictures
from tests.gcs_server import Fault, GcsServer

pytestmark = pytest.mark.e2e

TRACE = "0af7651916cd43dd8448eb211c80319c"
LABEL = "grumpycat"


def entries(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def events(server: Server) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in entries(server):
        if "event" in entry:
            found.setdefault(entry["event"], []).append(entry)
    return found


def answer_of(request: urllib.request.Request) -> http.client.HTTPResponse | HTTPError:
    try:
        found: http.client.HTTPResponse = urllib.request.urlopen(request)
    except HTTPError as error:
        return error
    return found


def saved_twice(url: str, image_id: str) -> None:
    """A program's save, and one that names a state that is gone."""
    place = f"{url}/api/annotations/{image_id}"
    with urllib.request.urlopen(place) as answer:
        tag, document = answer.headers["ETag"], json.loads(answer.read())
    document["rects"] += [{"left": 1.5, "top": 2, "width": 9, "height": 9, "label": LABEL}]
    for status in (200, 412):
        request = urllib.request.Request(
            place,
            json.dumps(document).encode(),
            {
                "If-Match": tag,
                "X-Labeler-Client": "test",
                "Authorization": "",
                "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
            },
            method="PUT",
        )
        with contextlib.closing(answer_of(request)) as answer:
            assert answer.status == status


def test_every_line_of_a_session_parses_and_carries_its_fields(
    serve_slowly: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    with GcsServer(buckets=["labels"]) as gcs:
        server = serve_slowly(
            LABELER_STORAGE="gs://labels",
            LABELER_LABELS=LABEL,
            LABELER_SAVE_TIMEOUT_S="1",
            LABELER_LOGS="json",
            GOOGLE_CLOUD_PROJECT="my-project",
            K_SERVICE="labels",
            LABELER_SECRET_KEY="0123456789abcdef",
            STREAMLIT_SERVER_ADDRESS="127.0.0.1",
            STORAGE_EMULATOR_HOST=gcs.url,
        )
        labeler = new_labeler(server)
        labeler.upload(pictures.photo("cat.jpg"))
        labeler.at("cat.jpg")
        labeler.drag((30, 40), (110, 120))
        labeler.saved()
        eventually(lambda: "save" in events(server))
        saved_twice(server.url, events(server)["save"][0]["image_id"])
        labeler.drag((150, 40), (250, 120))
        labeler.saved()
        gcs.faults.add(Fault("status"), method="POST", path="/upload/", times=-1)
        labeler.drag((30, 200), (110, 280))
        expect(labeler.root).to_have_attribute("data-save", "failed")
        gcs.faults.clear()
        labeler.saved()
        gcs.faults.add(Fault("status"), method="GET", path="/storage/v1/b/labels/o?", times=-1)
        with pytest.raises(HTTPError) as failed:
            urllib.request.urlopen(f"{server.url}/api/ready")
        failed.value.close()
        gcs.faults.clear()
        with urllib.request.urlopen(f"{server.url}/api/export/coco") as answer:
            assert json.loads(answer.read())["images"]
        server.stop()

    seen = events(server)
    # The workbench merges in the browser: the server sees its 412 and the save that follows.
    # No webhook is set, and a call is given up only after minutes (tests/runtime/test_webhook.py).
    elsewhere = {"import", "merge", "webhook_failed"}
    assert set(seen) == {event.NAME for event in EVENTS} - elsewhere
    for entry in entries(server):
        assert entry["severity"] in ("INFO", "WARNING", "ERROR")
        assert entry["message"]
        assert datetime.fromisoformat(entry["time"]).tzinfo
        assert entry["logging.googleapis.com/sourceLocation"]["file"]
        assert entry["logging.googleapis.com/labels"]["version"]
    [start], [_] = seen["start"], seen["stop"]
    assert start["storage"] == "bucket"
    [upload] = seen["upload"]
    assert upload["created"]
    save = seen["save"][0]
    assert save["bytes"] > 100
    assert 0 < save["latency_ms"] <= save["wait_ms"]
    assert seen["conflict"][0]["boxes"] == 0
    assert seen["save_failed"][0]["code"] == "unavailable"
    assert seen["not_ready"][0]["code"] == "unavailable"
    assert sum(one["class_a"] for one in seen["bucket_operations"]) > 5
    assert sum(one["class_b"] for one in seen["bucket_operations"]) > 5
    trace = f"projects/my-project/traces/{TRACE}"
    traced = [one for one in seen["request"] if one.get("logging.googleapis.com/trace") == trace]
    puts = [one["httpRequest"] for one in traced]
    assert [(put["requestMethod"], put["status"]) for put in puts] == [("PUT", 200), ("PUT", 412)]
    text = server.log.read_text()
    for unwanted in (LABEL, "token=", "?width", '"rects"', "Bearer", "\\xff\\xd8"):
        assert unwanted not in text, unwanted
