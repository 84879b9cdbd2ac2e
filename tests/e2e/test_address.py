"""The address says where one is: the image, and what the list shows; "back" leads back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.drawable import Drawable
from tests.e2e.labeler import documents, eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def listed(page: Page) -> list[str]:
    names = page.locator("[class*=st-key-open_]").all_inner_texts()
    return [match[0] for name in names if (match := re.search(r"\S+\.jpg", name))]


def open_find(labeler: Drawable) -> None:
    labeler.page.locator(".st-key-find button").first.click()


def test_back_and_forward_keep_what_was_just_drawn(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    files = pictures.series(3)
    labeler.upload(*files)
    labeler.at(files[0].name)
    page = labeler.page
    labeler.drag((30, 30), (90, 80))
    labeler.press("Next")
    labeler.at(files[1].name)
    drawn = {files[0].name: 1, files[1].name: 0}
    for turn in range(4):
        here, there = files[(turn + 1) % 2].name, files[turn % 2].name
        labeler.drag((30 + 80 * turn, 140), (90 + 80 * turn, 190))
        if turn % 2:
            page.evaluate("history.forward()")  # at once: page.go_forward would wait
        else:
            page.evaluate("history.back()")
        labeler.at(there)
        drawn[here] += 1
        eventually(lambda here=here: len(rects(server.folder, here)) >= drawn[here])
    counts = [len(documents(server.folder)[file.name]["rects"]) for file in files]
    assert counts == [1 + 2, 2, 0]
    labeler.press("Next")
    labeler.at(files[2].name)
    page.evaluate("history.go(-2)")
    labeler.at(files[0].name)


def test_a_copied_address_shows_the_same_to_somebody_else(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat,dog")
    ana = new_drawable(server)
    files = [*pictures.series(4), pictures.photo("street.jpg")]
    ana.upload(*files)
    ana.at(files[0].name)
    ana.drag((30, 30), (90, 80))
    ana.saved()
    ana.page.keyboard.press(" ")
    ana.at(files[1].name)
    page = ana.page
    page.locator(".st-key-status_filter [role=combobox], .st-key-status_filter input").first.click()
    page.get_by_role("option", name="not started (4)").click()
    expect(page).to_have_url(re.compile("status=unlabeled"))
    open_find(ana)
    page.get_by_label("File name contains").fill("series_00[23]*")
    page.get_by_label("File name contains").press("Enter")
    expect(page).to_have_url(re.compile("find=series"))
    eventually(lambda: listed(page) == ["series_001.jpg", "series_002.jpg", "series_003.jpg"])
    ben = new_drawable(server, page.url.removeprefix(server.url))
    ben.at(files[1].name)
    eventually(lambda: listed(ben.page) == listed(page))
    page.go_back()
    expect(page).not_to_have_url(re.compile("find="))
    eventually(lambda: "street.jpg" in listed(page))
    open_find(ben)
    ben.page.get_by_role("button", name="Show all images").click()
    eventually(lambda: len(listed(ben.page)) == 5)
    # By label, from an address: without an image, the first of what is found is opened.
    cleo = new_drawable(server, "/?label=cat&status=done")
    cleo.at(files[0].name)
    eventually(lambda: listed(cleo.page) == [files[0].name])


def test_what_makes_no_sense_in_an_address_is_ignored_with_a_word(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    ana = new_drawable(server)
    ana.upload(pictures.photo("cat.jpg"))
    ana.at("cat.jpg")
    ben = new_drawable(server, "/?status=lost&label=%3Cb%3E&find=%20&image=")
    ben.at("cat.jpg")
    for said in ("status=lost: it is one of", "label=<b>: there is no such label"):
        expect(ben.page.get_by_text(f"Ignored in the address: {said}")).to_be_visible()
    cleo = new_drawable(server, "/?image=nothing")
    expect(cleo.page.get_by_text("There is no image 'nothing'")).to_be_visible()


def test_the_open_image_and_the_export_are_in_sight(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(
        LABELER_CANVAS="drawable",
        LABELER_LABELS=",".join(f"label {number}" for number in range(20)),
    )
    labeler = new_drawable(server, size=(1280, 900))
    files = pictures.series(14)
    labeler.upload(*files)
    labeler.at(files[0].name)
    page = labeler.page
    exporting = page.get_by_role("button", name="Export COCO")
    expect(exporting).to_be_in_viewport(ratio=1)
    shown = page.locator("[class*=st-key-open_]")
    expect(shown.first).to_be_in_viewport()
    expect(shown.last).not_to_be_in_viewport()
    shown.last.click()  # the browser scrolls the list to click there
    labeler.at(files[-1].name)
    page.reload()
    labeler.at(files[-1].name)
    expect(shown.last).to_be_in_viewport(ratio=1)
    expect(shown.first).not_to_be_in_viewport()
    expect(exporting).to_be_in_viewport(ratio=1)


def test_the_open_image_is_in_sight_in_the_list_also_on_a_phone(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    at_desk = new_drawable(server)
    files = pictures.series(24)
    at_desk.upload(*files)
    at_desk.at(files[0].name)
    [image_id] = [
        document["metadata"]["image_id"]
        for name, document in documents(server.folder).items()
        if name == files[11].name
    ]
    on_phone = new_drawable(server, f"/?image={image_id}", (390, 800))
    on_phone.at(files[11].name)
    on_phone.page.get_by_test_id("stExpandSidebarButton").click()
    in_sight = """(id) => {
      const list = document.querySelector(".st-key-open_list");
      const row = list?.querySelector(`[class*=st-key-open_${id}]`);
      if (!row) return false; // the page is still on its way
      const [outer, inner] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
      return outer.left >= 0 && inner.top >= outer.top && inner.bottom <= outer.bottom;
    }"""
    on_phone.page.wait_for_function(in_sight, arg=image_id)
    at_desk.open(f"/?image={image_id}")
    at_desk.page.wait_for_function(in_sight, arg=image_id)
