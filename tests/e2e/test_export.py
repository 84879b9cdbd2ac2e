"""Exporting in a real browser: the way back to it after a reload, and two people at once."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.drawable import Drawable
from tests.e2e.labeler import eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def downloaded(labeler: Drawable) -> bytes:
    with labeler.page.expect_download() as download:
        labeler.page.get_by_role("link", name="Download").click()
    return download.value.path().read_bytes()


def test_two_export_at_once_and_find_their_files_after_a_reload(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat,dog")
    first, second = new_drawable(server), new_drawable(server)
    first.upload(pictures.photo("cat.jpg"))
    first.at("cat.jpg")
    first.drag((40, 40), (140, 140))
    eventually(lambda: rects(server.folder, "cat.jpg"))
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
