"""The workbench under fingers, on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.e2e.workbench.bench import Bench
from tests.e2e.workbench.conftest import Desk
from tests.e2e.workbench.test_drawing import box, near
from tests.pictures import jpeg

pytestmark = pytest.mark.e2e


@pytest.fixture
def phone(desk: Desk, browser: Browser) -> Iterator[Bench]:
    for name in ("p1.jpg", "p2.jpg"):
        desk.backend.add(name, jpeg(1200, 900), [])
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=3,
    )
    yield desk.open("p1.jpg", page=desk.new_page(context))
    context.close()


def test_fingers_draw_select_pinch_pan_undo_and_go_on(desk: Desk, phone: Bench) -> None:
    phone.swipe((200, 200), (500, 500))
    expect(phone.boxes).to_have_count(1)
    phone.tap(210, 350)  # a finger is broad: this far from the edge still is at it
    expect(phone.row(0)).to_have_attribute("aria-selected", "true")
    phone.swipe((490, 505), (600, 700))  # the corner, as near as a finger comes
    [rect] = phone.rects()
    assert near(rect, 200, 200, 410, 495, within=25)
    before = phone.view()
    (x, y), spread = phone.at(600, 450), 30
    phone.touch("touchStart", (x - spread, y))
    phone.touch("touchMove", (x - spread - 40, y))  # it might have become a box
    phone.touch("touchStart", (x - spread - 40, y), (x + spread, y))
    for wide in (90, 150):
        phone.touch("touchMove", (x - wide, y + 20), (x + wide, y + 20))
    phone.touch("touchEnd")
    phone.until(lambda: phone.view()[0] > 1.8 * before[0], "a pinch")
    expect(phone.boxes).to_have_count(1)
    phone.page.get_by_role("button", name="Undo").tap()
    phone.page.get_by_role("button", name="Undo").tap()
    expect(phone.boxes).to_have_count(0)
    assert phone.rects() == []
    phone.page.get_by_role("button", name="Redo").tap()
    phone.page.get_by_role("button", name="Next image", exact=True).tap()
    phone.wait("p2.jpg")
    expect(phone.boxes).to_have_count(0)
    assert phone.saved("p1.jpg")["rects"][0]["id"] == rect["id"]
    assert desk.backend.rects("p2.jpg") == []


def test_labels_and_boxes_are_a_sheet_and_nothing_lies_over_anything(
    desk: Desk, phone: Bench
) -> None:
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    surface = phone.surface.bounding_box()
    assert surface is not None
    assert surface["width"] == 390
    assert surface["height"] > 600
    page.get_by_role("button", name="Labels and boxes").tap()
    found = Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found] == []
    phone.label("dog").tap()
    expect(phone.label("dog")).to_be_hidden()
    phone.swipe((100, 100), (400, 400))
    expect(phone.row(0)).to_have_attribute("data-label", "dog")
    for target in page.locator("button:visible, summary:visible").all():
        place = target.bounding_box()
        assert place is not None
        assert max(place["width"], place["height"]) >= 44, target.get_attribute("aria-label")
        assert min(place["width"], place["height"]) >= 32, target.get_attribute("aria-label")


def test_what_is_worth_a_look_leaves_the_buttons_their_room(desk: Desk, phone: Bench) -> None:
    """Also where all of it is longer than a line."""
    odd = [box("a", 10, 10, 2, 2, label="nobody"), box("b", 0, 50, 2, 2, label="no one")]
    bench = desk.open(desk.backend.add("odd.jpg", jpeg(800, 600), odd), page=phone.page)
    warning = bench.root.locator(".warning")
    expect(warning).to_contain_text("To look at")
    place = warning.bounding_box()
    assert place is not None
    for name in ("Previous image", "Next image", "Skip", "Done"):
        button = bench.page.get_by_role("button", name=name, exact=True).bounding_box()
        assert button is not None
        assert button["x"] >= 0, name
        assert button["x"] + button["width"] <= 390, name
        assert button["y"] >= place["y"] + place["height"], name
        assert button["y"] + button["height"] <= 844, name


def test_a_pen_draws_as_a_mouse_does(desk: Desk) -> None:
    bench = desk.open(desk.backend.add("pen.jpg", jpeg(1200, 900), [box("a", 10, 10, 50, 50)]))
    session = bench.page.context.new_cdp_session(bench.page)
    for kind, point in (
        ("mousePressed", (300, 300)),
        ("mouseMoved", (400, 350)),
        ("mouseMoved", (500, 400)),
        ("mouseReleased", (500, 400)),
    ):
        x, y = bench.at(*point)
        event = {"type": kind, "x": x, "y": y, "pointerType": "pen", "button": "left"}
        session.send("Input.dispatchMouseEvent", {**event, "buttons": 1, "clickCount": 1})
    expect(bench.boxes).to_have_count(2)
    assert near(bench.rects()[1], 300, 300, 200, 100)
