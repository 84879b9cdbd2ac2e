"""Exporting in a real browser: the way back to it after a reload, and two people at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve, Server
from tests.e2e.labeler import Labeler, eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def newest(server: Server) -> Path:
    """The file of the last export."""
    return max((server.folder / "exports").glob("*.json"), key=lambda path: path.stat().st_mtime_ns)


def downloaded(labeler: Labeler) -> bytes:
    with labeler.page.expect_download() as download:
        labeler.page.get_by_role("link", name="Download").click()
    return download.value.path().read_bytes()


def test_two_export_at_once_and_find_their_files_after_a_reload(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat,dog")
    first, second = new_labeler(server), new_labeler(server)
    first.upload(pictures.photo("cat.jpg"))
    first.at("cat.jpg")
    first.drag((40, 40), (140, 140))
    first.saved()
    for labeler in (first, second):
        labeler.press("Export COCO")
    for labeler in (first, second):
        expect(labeler.page.get_by_role("link", name="Download")).to_be_visible()
        labeler.page.reload()
    found = [downloaded(labeler) for labeler in (first, second)]
    assert found[0] == found[1]
    assert len(json.loads(found[0])["annotations"]) == 1
    assert len(list((server.folder / "exports").glob("*.json"))) == 2
    # Labeling goes on beside it, and the address of the image stays.
    first.at("cat.jpg")
    first.drag((160, 40), (240, 140))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 2)


def test_a_box_drawn_right_before_the_export_is_in_it(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """The browser still keeps it to itself when the button is pressed."""
    server = serve(LABELER_LABELS="cat,dog")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    exports = server.folder / "exports"
    for count in (1, 2, 3):
        labeler.drag((40 * count, 40), (40 * count + 30, 140))
        labeler.press("Export COCO")
        eventually(lambda count=count: len(list(exports.glob("*.json"))) == count)
        assert len(json.loads(newest(server).read_bytes())["annotations"]) == count
    made = newest(server)
    link = labeler.page.get_by_role("link", name=made.name)
    with labeler.page.expect_download() as download:
        link.click()
    assert download.value.path().read_bytes() == made.read_bytes()
    coco = json.loads(made.read_bytes())
    assert [image["file_name"] for image in coco["images"]] == ["cat.jpg"]
    assert [category["name"] for category in coco["categories"]] == ["cat", "dog"]
