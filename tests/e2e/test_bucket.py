"""The whole app on a bucket: same page, same documents; a bucket in trouble loses nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.pictures import Pictures
from tests.gcs_server import Fault, GcsServer

pytestmark = pytest.mark.e2e


@pytest.fixture
def gcs() -> Iterator[GcsServer]:
    with GcsServer(buckets=["labels", "originals"], added_ms=30, write_interval_s=1.0) as server:
        yield server


def stored(gcs: GcsServer, bucket: str, prefix: str) -> dict[str, bytes]:
    with gcs.lock:
        found = gcs.bucket(bucket).live
        return {name: o.data for name, o in found.items() if name.startswith(prefix)}


def rects(gcs: GcsServer) -> list[dict[str, Any]]:
    documents = stored(gcs, "labels", "team/annotations/")
    return [rect for data in documents.values() for rect in json.loads(data)["rects"]]


def test_label_on_a_bucket_that_has_bad_moments(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, gcs: GcsServer
) -> None:
    server = serve(
        LABELER_STORAGE="gs://labels/team",
        LABELER_UPLOADS="gs://originals",
        LABELER_LABELS="cat",
        LABELER_SAVE_TIMEOUT_S="3",
        STORAGE_EMULATOR_HOST=gcs.url,
    )
    labeler = new_labeler(server)
    photo = pictures.photo("cat.jpg")
    labeler.upload(photo)
    labeler.at("cat.jpg")
    assert stored(gcs, "originals", "") == {"cat.jpg": photo.read_bytes()}
    # Faster than one write a second: they are written together, the last state always.
    for x in (30, 130, 230, 330):
        labeler.drag((x, 40), (x + 80, 120))
        labeler.page.wait_for_timeout(300)
    labeler.saved()
    assert len(rects(gcs)) == 4

    gcs.faults.add(Fault("status"), method="POST", path="/upload/", times=-1)
    labeler.drag((30, 200), (110, 280))
    expect(labeler.root).to_have_attribute("data-save", "failed")
    expect(labeler.root.locator(".save")).to_contain_text("Not saved")
    labeler.drag((130, 200), (210, 280))
    labeler.page.wait_for_timeout(500)
    assert len(rects(gcs)) == 4
    gcs.faults.clear()
    labeler.saved()
    assert len(rects(gcs)) == 6

    again = new_labeler(server)
    again.at("cat.jpg")
    again.has_boxes(6)
    again.press("Export COCO")
    expect(again.page.get_by_role("link", name="Download")).to_be_visible()
    exports = stored(gcs, "labels", "team/exports/")
    [export] = [data for name, data in exports.items() if name.endswith(".json")]
    assert len(json.loads(export)["annotations"]) == 6
