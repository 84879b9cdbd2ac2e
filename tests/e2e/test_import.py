"""The import view in a real browser: look first, import then; on another instance as well."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.datasets.formats.support import written, zipped
from tests.datasets.imports.support import coco
from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import documents, drop
from tests.pictures import png

pytestmark = pytest.mark.e2e


def choose(page: Page, path: Path) -> None:
    page.locator(".importer .file").set_input_files(str(path))


def test_a_dataset_is_looked_at_and_then_imported(
    serve: Serve, new_labeler: NewLabeler, tmp_path: Path
) -> None:
    server = serve()
    labeler = new_labeler(server)
    page = labeler.page
    labeler.go_to("Data")
    importer = page.locator(".importer")
    content = coco({"a.png": [[1, 2, 30, 40], [5, 5, 0, 5]], "gone.png": []})
    path = zipped(tmp_path / "set.zip", {"<b>set</b>.json": content, "images/a.png": png()})
    choose(page, path)
    expect(importer.locator(".title")).to_have_text("Preview")
    expect(importer.locator(".counts")).to_contain_text("box will be imported")
    expect(importer.locator(".problems li")).to_have_text([
        "<b>set</b>.json: image 2: there is no image gone.png in the project",
        "<b>set</b>.json: annotation 11: it is 0 px wide and 5 px high",
    ])  # fmt: skip
    assert documents(server.folder) == {}
    importer.get_by_role("button", name="Import now").click()
    expect(importer.locator(".title")).to_have_text("Imported")
    expect(page.get_by_text("Images · 1 of 1 finished")).to_be_visible()
    assert [rect["label"] for rect in documents(server.folder)["images/a.png"]["rects"]] == ["car"]
    # What is in the file is there: again, nothing is left to do.
    choose(page, path)
    expect(importer.locator(".counts")).to_contain_text("already has exactly these boxes")
    expect(importer.get_by_role("button", name="Import now")).to_be_hidden()
    labeler.go_to("Label")
    labeler.at("images/a.png")
    labeler.has_boxes(1)


def test_a_bad_file_is_reported_and_a_large_one_is_packed_on_its_way(
    serve: Serve, new_labeler: NewLabeler, tmp_path: Path
) -> None:
    server = serve()
    page = new_labeler(server, "/?view=data").page
    sent: list[Request] = []
    page.on("request", lambda one: sent.append(one))
    importer = page.locator(".importer")
    written(tmp_path, {
        "nan.json": '{"images": [NaN]}',
        "large.json": json.dumps({**coco({"a.png": []}), "note": " " * 3 * 2**20}),
    })  # fmt: skip
    choose(page, tmp_path / "nan.json")
    expect(importer.locator(".said")).to_have_text(
        "nan.json: line 1: NaN is not valid JSON.",
    )
    choose(page, tmp_path / "large.json")
    expect(importer.locator(".problems li")).to_contain_text("no image a.png")
    sizes = [one.all_headers()["content-length"] for one in sent if "/api/imports" in one.url]
    assert 0 < max(map(int, sizes)) < 2**20
    # Nothing of it can be imported, which is said.
    expect(importer.locator(".nothing")).to_be_visible()
    # Another format: the file is looked at again automatically.
    importer.locator(".format").select_option("cvat")
    expect(importer.locator(".said")).to_contain_text("not valid XML")


def test_a_file_that_is_dropped_during_a_dry_run_is_looked_at_next(
    serve: Serve, new_labeler: NewLabeler, tmp_path: Path
) -> None:
    """Wherever on the page it was let go; and what is imported just then is not cut off by it."""
    server = serve()
    page = new_labeler(server, "/?view=data").page
    importer = page.locator(".importer")
    written(tmp_path, {
        "first.json": json.dumps(coco({"first.png": []})),
        "second.json": json.dumps(coco({"second.png": []})),
    })  # fmt: skip
    held: list[Route] = []
    page.route("**/api/imports?*", lambda route: held.append(route), times=1)
    with page.expect_request("**/api/imports?*"):
        choose(page, tmp_path / "first.json")
    drop(page, "[data-testid=stMain]", tmp_path / "second.json")
    expect(importer.locator(".chosen")).to_have_text("first.json (1 kB), then second.json (1 kB)")
    held[0].continue_()
    expect(importer.locator(".problems li")).to_contain_text("second.png")
    expect(importer.locator(".chosen")).to_have_text("second.json (1 kB)")

    path = zipped(tmp_path / "set.zip", {"set.json": coco({"a.png": []}), "images/a.png": png()})
    choose(page, path)
    importer.get_by_role("button", name="Import now").wait_for()
    page.route("**/api/imports?*", lambda route: held.append(route), times=1)
    with page.expect_request("**/api/imports?*"):
        importer.get_by_role("button", name="Import now").click()
    drop(page, "[data-testid=stMain]", tmp_path / "second.json")
    expect(importer.locator(".chosen")).to_contain_text("is being imported")
    held[1].continue_()
    expect(importer.locator(".title")).to_have_text("Imported")
    assert list(documents(server.folder)) == ["images/a.png"]


def test_an_import_waits_for_another_one_to_end(
    serve: Serve, new_labeler: NewLabeler, tmp_path: Path
) -> None:
    """As after a reload: the import from before goes on, and the file is chosen again."""
    server = serve()
    page = new_labeler(server, "/?view=data").page
    written(tmp_path, {"set.json": json.dumps(coco({"a.png": []}))})
    ended: list[bool] = []

    def answer(route: Route) -> None:
        busy = {"error": {"code": "busy", "message": "Another import is running."}}
        if ended:
            route.continue_()
        else:
            route.fulfill(status=503, json=busy)

    page.route("**/api/imports?*", answer)
    choose(page, tmp_path / "set.json")
    said = page.locator(".importer .said")
    expect(said).to_contain_text("Another import is running")
    expect(page.locator(".importer .progress")).to_be_visible()
    ended.append(True)
    expect(page.locator(".importer .problems li")).to_contain_text("no image a.png")
