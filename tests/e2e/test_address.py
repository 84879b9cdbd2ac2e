"""The address says where one is: the image, and what the list shows; "back" leads back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import ROWS, Labeler, documents, eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def open_find(labeler: Labeler) -> None:
    labeler.page.locator(".st-key-find button").first.click()


def test_back_and_forward_keep_what_was_just_drawn(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    files = pictures.series(3)
    labeler.upload(*files)
    labeler.at(files[0].name)
    page = labeler.page
    labeler.drag((30, 30), (90, 80))
    labeler.next()
    labeler.at(files[1].name)
    labeler.followed()
    drawn = {files[0].name: 1, files[1].name: 0}
    for turn in range(4):
        here, there = files[(turn + 1) % 2].name, files[turn % 2].name
        labeler.drag((10 + 75 * turn, 140), (60 + 75 * turn, 190))
        if turn % 2:
            page.evaluate("history.forward()")  # at once: page.go_forward would wait
        else:
            page.evaluate("history.back()")
        labeler.at(there)
        drawn[here] += 1
        eventually(lambda here=here: len(rects(server.folder, here)) >= drawn[here])
    labeler.saved()
    counts = [len(documents(server.folder)[file.name]["rects"]) for file in files]
    assert counts == [1 + 2, 2, 0]
    labeler.next()
    labeler.at(files[2].name)
    labeler.followed()
    page.evaluate("history.go(-2)")
    labeler.at(files[0].name)


def test_a_copied_address_shows_the_same_to_somebody_else(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat,dog")
    ana = new_labeler(server)
    files = [*pictures.series(4), pictures.photo("street.jpg")]
    ana.upload(*files)
    ana.at(files[0].name)
    ana.drag((30, 30), (90, 80))
    ana.saved()
    ana.keys("Enter")
    ana.at(files[1].name)
    page = ana.page
    page.locator(".st-key-status_filter [role=combobox], .st-key-status_filter input").first.click()
    page.get_by_role("option", name="not started (4)").click()
    expect(page).to_have_url(re.compile("status=unlabeled"))
    open_find(ana)
    page.get_by_label("File name contains").fill("series_00[23]*")
    page.get_by_label("File name contains").press("Enter")
    expect(page).to_have_url(re.compile("find=series"))
    eventually(lambda: ana.listed() == ["series_001.jpg", "series_002.jpg", "series_003.jpg"])
    ben = new_labeler(server, page.url.removeprefix(server.url))
    ben.at(files[1].name)
    eventually(lambda: ben.listed() == ana.listed())
    # What the list shows is what the keys go through.
    ben.keys("d")
    ben.at(files[2].name)
    ben.keys("d")
    ben.at(files[3].name)
    ben.keys("d")
    expect(ben.root).to_have_attribute("data-image", ben.image)
    ben.at(files[3].name)
    page.go_back()
    expect(page).not_to_have_url(re.compile("find="))
    eventually(lambda: "street.jpg" in ana.listed())
    open_find(ben)
    ben.page.get_by_role("button", name="Show all images").click()
    eventually(lambda: len(ben.listed()) == 5)
    # By label, from an address: without an image, the first of what is found is opened.
    cleo = new_labeler(server, "/?label=cat&status=done")
    cleo.at(files[0].name)
    eventually(lambda: cleo.listed() == [files[0].name])


def test_what_makes_no_sense_in_an_address_is_ignored_with_a_word(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    ana = new_labeler(server)
    ana.upload(pictures.photo("cat.jpg"))
    ana.at("cat.jpg")
    ben = new_labeler(server, "/?status=lost&label=%3Cb%3E&find=%20&image=")
    ben.at("cat.jpg")
    for said in ("status=lost: it is one of", "label=<b>: there is no such label"):
        expect(ben.page.get_by_text(f"Ignored in the address: {said}")).to_be_visible()
    cleo = new_labeler(server, "/?image=nothing")
    expect(cleo.page.get_by_text("There is no image 'nothing'")).to_be_visible()


def test_the_open_image_and_the_export_are_in_sight(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=",".join(f"label {number}" for number in range(20)))
    labeler = new_labeler(server, size=(1280, 900))
    files = pictures.series(24)
    labeler.upload(*files)
    labeler.at(files[0].name)
    page = labeler.page
    exporting = page.get_by_role("button", name="Export COCO")
    expect(exporting).to_be_in_viewport(ratio=1)
    shown = page.locator(ROWS)
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
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    at_desk = new_labeler(server)
    files = pictures.series(24)
    at_desk.upload(*files)
    at_desk.at(files[0].name)
    [image_id] = [
        document["metadata"]["image_id"]
        for name, document in documents(server.folder).items()
        if name == files[11].name
    ]
    on_phone = new_labeler(server, f"/?image={image_id}", (390, 800))
    on_phone.at(files[11].name)
    on_phone.page.get_by_test_id("stExpandSidebarButton").click()
    in_sight = """(id) => {
      const list = document.querySelector(".st-key-open_list");
      const row = list?.querySelector(`[class*=open_${id}]`);
      if (!row) return false; // the page is still on its way
      const [outer, inner] = [list.getBoundingClientRect(), row.getBoundingClientRect()];
      return outer.left >= 0 && inner.top >= outer.top && inner.bottom <= outer.bottom;
    }"""
    on_phone.page.wait_for_function(in_sight, arg=image_id)
    at_desk.open(f"/?image={image_id}")
    at_desk.page.wait_for_function(in_sight, arg=image_id)
