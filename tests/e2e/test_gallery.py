"""The gallery in a browser: found, opened, changed many at once, relabeled by digit."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import NewLabeler, Serve, Server
from tests.e2e.labeler import documents
from tests.pictures import png

pytestmark = pytest.mark.e2e

LABELS = "car,dog"


def fill(server: Server, count: int) -> dict[str, str]:
    """Images with a box of each label, but the last one; their IDs by name."""
    headers = {"X-Labeler-Client": "tests"}
    ids = {}
    with httpx.Client(base_url=server.url, headers=headers, timeout=30) as client:
        for number in range(count):
            name = f"{number:02}.png"
            data = png(160 + number, 120)
            made = client.post("/api/images", content=data, headers={"X-File-Name": name})
            ids[name] = image_id = str(made.json()["image_id"])
            if number == count - 1:
                continue
            found = client.get(f"/api/annotations/{image_id}")
            document: dict[str, Any] = found.json()
            document["rects"] = [
                {"left": 10.0, "top": 10.0, "width": 40.0, "height": 30.0, "label": "car"},
                {"left": 80.0, "top": 40.0, "width": 30.0, "height": 30.0, "label": "dog"},
            ]
            document["metadata"]["status"] = "done"
            saved = client.put(
                f"/api/annotations/{image_id}",
                content=json.dumps(document),
                headers={"If-Match": found.headers["ETag"]},
            )
            assert saved.status_code == 200, saved.text
    return ids


def gallery(page: Page, total: int) -> Locator:
    """The gallery, once it shows that many."""
    found = page.locator(
        f"[data-testid=gallery][data-state=ready][data-save=saved][data-total='{total}']"
    )
    expect(found).to_be_visible()
    return found


def card(page: Page, image_id: str) -> Locator:
    return page.locator(f"[data-testid=gallery-image][data-image='{image_id}']")


def statuses(folder: Path) -> dict[str, str]:
    return {name: one["metadata"]["status"] for name, one in documents(folder).items()}


def test_images_are_found_selected_and_changed_together(
    serve: Serve, new_labeler: NewLabeler
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    ids = fill(server, 8)
    page = new_labeler(server, "/?view=gallery").page
    gallery(page, 8)
    expect(card(page, ids["00.png"]).locator("svg rect")).to_have_count(2)
    expect(card(page, ids["00.png"]).locator("img")).to_have_attribute("src", re.compile("^blob:"))
    # Two by pointer and one by keyboard.
    card(page, ids["01.png"]).click(modifiers=["Control"])
    card(page, ids["02.png"]).click(modifiers=["Shift"])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(page.locator(".selection strong")).to_have_text("3 selected")
    page.get_by_label("Set the status of the selected images").select_option("skipped")
    expect(page.locator(".told")).to_have_text("Setting the status: all 3 images are done.")
    changed = {"01.png", "02.png", "04.png"}
    assert {name for name, status in statuses(server.folder).items() if status == "skipped"} == (
        changed
    )
    # The filter is in the address, and the way back from the workbench leads to it.
    page.get_by_label("Status", exact=True).select_option("skipped")
    gallery(page, 3)
    expect(page).to_have_url(re.compile("status=skipped"))
    card(page, ids["02.png"]).click()
    expect(page.get_by_test_id("workbench")).to_have_attribute("data-image", ids["02.png"])
    page.get_by_role("link", name="Gallery", exact=True).click()
    gallery(page, 3)
    # Deleting asks twice.
    card(page, ids["04.png"]).click(modifiers=["Control"])
    expect(card(page, ids["04.png"])).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.get_by_text("Really delete 1 image?")).to_be_focused()
    page.keyboard.press("Enter")
    gallery(page, 2)
    assert "04.png" not in documents(server.folder)


def test_a_wrong_label_among_crops_is_changed_by_a_digit(
    serve: Serve, new_labeler: NewLabeler
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    fill(server, 6)
    page = new_labeler(server, "/?view=gallery&show=crops&label=dog").page
    gallery(page, 5)
    crops = page.get_by_test_id("crop")
    expect(crops.first.locator("svg image")).to_be_visible()
    crops.nth(1).focus()
    page.keyboard.press("1")
    expect(crops.nth(1)).to_have_attribute("data-label", "car")
    # The next one has the focus: it stays a dog.
    expect(crops.nth(2)).to_be_focused()
    gallery(page, 5)
    labels = [[rect["label"] for rect in one["rects"]] for one in documents(server.folder).values()]
    assert sorted(map(tuple, labels)) == [(), ("car", "car"), *[("car", "dog")] * 4]
    assert statuses(server.folder)["01.png"] == "done"


def test_an_image_that_is_deleted_on_the_workbench_comes_back(
    serve: Serve, new_labeler: NewLabeler
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    ids = fill(server, 3)
    ana = new_labeler(server, f"/?image={ids['00.png']}")
    ana.at("00.png")
    ana.has_boxes(2)
    before = documents(server.folder)["00.png"]
    trash = server.folder / "trash"
    ana.root.get_by_label("More actions").click()
    ana.press("Move this image into the trash")
    dialog = ana.page.get_by_role("dialog", name="Delete this image")
    expect(dialog).to_contain_text("00.png goes into the trash with its 2 boxes.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_be_hidden()
    assert "00.png" in documents(server.folder)
    ana.root.get_by_label("More actions").click()
    ana.press("Move this image into the trash")
    dialog.get_by_role("button", name="Move this image into the trash, and next image").click()
    # Whoever has less than ten seconds for it does not look at the next image first.
    toast = ana.root.locator(".toast", has_text="00.png is in the trash.")
    toast.get_by_role("button", name="Undo").click()
    ana.at("00.png")
    ana.has_boxes(2)
    assert documents(server.folder)["00.png"] == before
    assert not [*trash.glob(f"{ids['00.png']}/*")]
