"""The data page in the browser: a dataset without a format or names, and boxes to be checked."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.datasets.formats.support import Content, zipped
from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import documents
from tests.pictures import png

pytestmark = pytest.mark.e2e


def test_classes_are_named_where_the_file_does_not(
    serve: Serve, new_labeler: NewLabeler, tmp_path: Path
) -> None:
    server = serve()
    page = new_labeler(server, "/?view=data").page
    importer = page.locator(".importer")
    files: dict[str, Content] = {
        "labels/a.txt": "1 0.5 0.5 0.25 0.25\n", "images/a.png": png()
    }  # fmt: skip
    path = zipped(tmp_path / "set.zip", files)
    importer.locator(".status").select_option("in_progress")
    expect(importer.locator(".names")).to_be_hidden()
    importer.locator(".file").set_input_files(str(path))
    expect(importer.locator(".said")).to_contain_text("Give their names", timeout=30_000)
    importer.locator(".names").fill("cat\ndog")
    importer.locator(".names").blur()
    expect(importer.locator(".detected")).to_contain_text("Format: YOLO", timeout=30_000)
    assert documents(server.folder) == {}
    importer.get_by_role("button", name="Import now").click()
    expect(importer.locator(".title")).to_have_text("Imported", timeout=30_000)
    stored = documents(server.folder)["images/a.png"]
    assert [rect["label"] for rect in stored["rects"]] == ["dog"]
    assert stored["metadata"]["status"] == "in_progress"
    # The page counts it for the next export as soon as it is there.
    expect(page.get_by_text("1 image with 1 box.")).to_be_visible()
