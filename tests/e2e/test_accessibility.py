"""What axe finds on the pages: WCAG 2.0 to 2.2 AA and best practices."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def faults(page: Page) -> list[str]:
    """Rule and place of each fault."""
    found = Axe().run(page)
    return [
        f"{rule['id']}: {node['target']}"
        for rule in found.response["violations"]
        for node in rule["nodes"]
    ]


def test_axe_finds_nothing_on_the_pages(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    labeler = new_labeler(serve(LABELER_LABELS="cat,dog"))
    page = labeler.page
    assert faults(page) == []
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (140, 120))
    assert faults(page) == []
    page.get_by_label("More actions").click()
    item = page.get_by_text("Delete this image …")
    expect(item).to_be_visible()
    assert faults(page) == []
    assert item.evaluate("item => item.scrollWidth <= item.clientWidth")  # all of its words
    page.get_by_label("More actions").click()
    expect(item).to_be_hidden()
    for name, shown in (("Data", ".importer .chosen"), ("Labels", ".st-key-label_row_1")):
        labeler.go_to(name)
        page.locator(shown).first.wait_for()
        assert faults(page) == [], name
        labeler.go_to("Label")
        labeler.at("cat.jpg")


def test_axe_finds_nothing_on_the_dark_pages(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    labeler = new_labeler(serve(LABELER_LABELS="cat,dog"))
    page = labeler.page
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (140, 120))
    labeler.saved()
    page.emulate_media(color_scheme="dark")
    for name, shown in (
        ("label", "[data-testid=workbench][data-state=ready]"),
        ("gallery", "[data-testid=gallery][data-state=ready]"),
        ("labels", ".st-key-label_row_1"),
        ("data", ".st-key-data_export button"),
        ("dashboard", ".st-key-open_trash button"),
        ("review", "[data-testid=stSidebar]"),
        ("trash", "text=The trash is empty."),
    ):
        page.goto(f"{labeler.url}/?view={name}")
        expect(page.locator(shown).first).to_be_visible()
        labeler.drawn()
        assert faults(page) == [], name


def test_the_list_tells_statuses_in_words_and_which_image_is_open(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    labeler = new_labeler(serve(LABELER_LABELS="cat,dog"))
    labeler.upload(pictures.photo("one.jpg"), pictures.photo("two.jpg"))
    labeler.at("one.jpg")
    sidebar = labeler.page.get_by_test_id("stSidebar")
    one = sidebar.get_by_role("button", name="not started one.jpg")
    two = sidebar.get_by_role("button", name="not started two.jpg")
    expect(one).to_have_attribute("aria-current", "true")
    expect(two).not_to_have_attribute("aria-current", "true")
    labeler.drag((40, 40), (140, 120))
    expect(sidebar.get_by_role("button", name="in progress one.jpg")).to_be_visible()
    two.click()
    labeler.at("two.jpg")
    expect(two).to_have_attribute("aria-current", "true")
    expect(sidebar.locator("[aria-current]:visible")).to_have_count(1)


def test_the_list_is_one_stop_of_the_tab_key_and_arrows_lead_through_it(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    labeler = new_labeler(serve(LABELER_LABELS="cat,dog"))
    names = ("one.jpg", "three.jpg", "two.jpg")
    labeler.upload(*(pictures.photo(name) for name in names))
    labeler.at("one.jpg")
    page = labeler.page
    images = page.get_by_test_id("stSidebar").get_by_role("toolbar", name="Images")
    one, three, two = (images.get_by_role("button", name=name) for name in names)
    expect(images.locator("button[tabindex='0']:visible")).to_have_count(1)
    page.get_by_role("combobox", name="Show").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(one).to_be_focused()
    for key, button in (("ArrowDown", three), ("End", two), ("ArrowUp", three), ("Home", one)):
        page.keyboard.press(key)
        expect(button).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Export COCO")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    labeler.at("two.jpg")
    expect(two).to_have_attribute("aria-current", "true")
    expect(images.locator("button[tabindex='0']:visible")).to_have_count(1)
    expect(page.get_by_role("progressbar", name="Finished images")).to_have_count(1)
    labeler.done()
    expect(page.get_by_role("progressbar", name="Finished images")).to_have_attribute(
        "aria-valuenow", "33"
    )
    assert faults(page) == []


def test_a_click_beside_everything_frames_nothing(serve: Serve, new_labeler: NewLabeler) -> None:
    labeler = new_labeler(serve(LABELER_LABELS="cat"))
    labeler.go_to("Labels")
    page = labeler.page
    white = page.get_by_test_id("stMain")
    page.locator(".st-key-label_row_1").wait_for()
    box = white.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 20)
    page.keyboard.press("h")
    expect(white).not_to_be_focused()
    page.get_by_test_id("stSkipToContent").focus()
    page.keyboard.press("Enter")
    expect(white).to_be_focused()  # and framed, as whoever uses the keyboard expects
