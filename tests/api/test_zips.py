"""GET /api/export/yolo and /api/export/voc: zips of the chosen images, streamed."""

from __future__ import annotations

import io
import zipfile

import pytest

from tests.api.support import Api, rect, refused
from tests.pictures import png


def names(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return sorted(archive.namelist())


@pytest.fixture
def labeled(api: Api) -> Api:
    api.save(api.image("a.png"), rect(), rect(20, "person"))
    api.save(api.image("b.png", png(64, 49)), status="done")
    api.image("c.png", png(64, 50))
    return api


def test_yolo_with_and_without_images(labeled: Api) -> None:
    answer = labeled.client.get("/api/export/yolo")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dataset_yolo.zip"'
    texts = [
        "croissant.json",
        "data.yaml",
        "labeler.json",
        "labels/train/a.txt",
        "labels/train/b.txt",
        "train.txt",
    ]
    assert names(answer.content) == texts
    whole = labeled.client.get("/api/export/yolo?images=1").content
    assert names(whole) == sorted([*texts, "images/train/a.png", "images/train/b.png"])
    assert whole == labeled.client.get("/api/export/yolo?images=true").content
    head = labeled.client.head("/api/export/yolo")
    assert (head.status_code, head.content) == (200, b"")


def test_voc_of_a_choice(labeled: Api) -> None:
    labeled.client.post("/api/exports")  # takes up the labels that are in use
    data = labeled.client.get("/api/export/voc?label=person&images=0").content
    assert names(data) == [
        "Annotations/a.xml", "ImageSets/Main/trainval.txt", "croissant.json", "labeler.json",
        "labels.txt",
    ]  # fmt: skip
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read("Annotations/a.xml").decode()
    assert text.count("<object>") == 1
    assert "<name>person</name>" in text


@pytest.mark.parametrize(
    "query", ["images=x", "images=", "images=1&images=0", "split=1", "label=nobody", "what=1"]
)
def test_bad_parameters_are_named(labeled: Api, query: str) -> None:
    answer = labeled.client.get(f"/api/export/yolo?{query}")
    refused(answer, 400, "bad_request")
