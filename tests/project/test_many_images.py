"""A bucket with so many images that they are listed in parallel ranges."""

from __future__ import annotations

import hashlib
import json

import pytest

from labeler.datasets.exports.exporter import open_exporter
from tests.gcs_server import GcsServer, StoredObject
from tests.gcs_server.model import Conditions
from tests.projects import Workspace, old_document

COUNT = 2500


def put(server: GcsServer, key: str, data: bytes) -> None:
    with server.lock:
        made = StoredObject("many", key, data, 0, "application/json")
        server.bucket("many").put(made, Conditions(), 0)


def test_many_images_are_listed_in_ranges(
    server: GcsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    server.create_bucket("many")
    names = [f"street/{number:05}.jpg" for number in range(COUNT)]
    ids = [hashlib.md5(f"{name[7:]}_1".encode()).hexdigest() for name in names]
    for name, image_id in zip(names, ids, strict=True):
        put(server, f"uploads/{name}", b"x")
        put(server, f"annotations/{image_id}.json", old_document(name[7:]))
    workspace = Workspace("gs://many")
    project = workspace.open()
    project.labels.add(["car"])
    (first,) = open_exporter(project).write()
    put(server, f"annotations/{ids[7]}.json", old_document(names[7][7:], rects=[]))
    put(server, "uploads/street/a.jpg", b"y")
    server.requests.clear()
    (second,) = open_exporter(project).write()
    listings = [one.line for one in server.requests if "endOffset" in one.line]
    assert any("annotations" in line for line in listings)
    assert any("uploads" in line for line in listings)
    documents = [one.line for one in server.requests if "annotations%2F" in one.path]
    assert len(documents) == 1
    found = json.loads(server.bucket("many").live[second.key].data)
    assert [image["id"] for image in found["images"]] == [
        number for number in range(1, COUNT + 1) if number != 8
    ]
    assert [image["file_name"] for image in found["images"]] == names[:7] + names[8:]
    assert (first.summary.images, second.summary.annotations) == (COUNT, COUNT - 1)
    workspace.close()
    server.drop_bucket("many")
