"""What the pointer does that is no box, and what goes on after a box was drawn."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import CDPSession, expect

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.drawable import Drawable
from tests.e2e.labeler import WAIT_MS, eventually, near, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e

TURNS = 8
HELD = "document.documentElement?.dataset.canvas !== 'ready'"


def at(labeler: Drawable, x: float, y: float) -> dict[str, float]:
    """That place on the canvas, in the window."""
    box = labeler.canvas()
    return {"x": box["x"] + x, "y": box["y"] + y}


def touch(session: CDPSession, kind: str, *points: dict[str, float]) -> None:
    named = [{**point, "id": number} for number, point in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": named})


def test_a_drag_that_began_on_a_canvas_that_is_gone_is_where_it_was_dragged(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """A refused drag has the page make another canvas; the next drag may begin on the old one.

    One that begins while the place of the canvas is empty draws nothing. None draws a box that
    nobody dragged.
    """
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    page, mouse = labeler.page, labeler.page.mouse
    scale = labeler.canvas()["width"] / 640
    began_on_old = 0
    for turn in range(TURNS):
        old = labeler.canvas_key()
        top = 20 + 30 * turn
        start, end = at(labeler, 200, top), at(labeler, 260, top + 40)
        labeler.drag((400, top), (403, top + 3))
        page.wait_for_function(HELD, polling=10)
        mouse.move(start["x"], start["y"])
        mouse.down()
        began_on_old += page.locator(f".{old} canvas.upper-canvas").count()
        page.locator(f".{old}").wait_for(state="detached")
        mouse.move(end["x"], end["y"])
        mouse.up()
        labeler.ready()
        labeler.saved()
    assert began_on_old
    eventually(lambda: len(rects(server.folder, "cat.jpg")) > 0, 30)
    drawn = []
    for rect in rects(server.folder, "cat.jpg"):
        turns = [
            turn
            for turn in range(TURNS)
            if near(rect, [one / scale for one in (200, 20 + 30 * turn, 60, 40)], 2 / scale)
        ]
        assert turns, rect
        drawn += turns
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("field", ["label_menu", "list_row"])
def test_keys_are_for_the_picture_after_a_box_was_drawn(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures, field: str
) -> None:
    names = [f"l{number}" for number in range(25)]
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS=",".join(names))
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"), pictures.photo("dog.jpg"))
    labeler.at("cat.jpg")
    page = labeler.page
    menu = page.locator(".st-key-label_menu input")
    menu.click()
    page.get_by_role("option", name="l4", exact=True).click()
    page.locator(f".st-key-{field} input").first.focus()
    labeler.drag((40, 40), (100, 100))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)
    page.keyboard.press("Control+z")
    eventually(lambda: rects(server.folder, "cat.jpg") == [])
    page.keyboard.press("d")
    labeler.at("dog.jpg")
    page.keyboard.press("Enter")
    expect(menu).to_have_value("l4")
    labeler.drag((40, 40), (100, 100))
    eventually(lambda: [one["label"] for one in rects(server.folder, "dog.jpg")] == ["l4"])


def test_two_fingers_draw_nothing(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    page = labeler.page
    session = page.context.new_cdp_session(page)
    scale = labeler.canvas()["width"] / 640

    def point(x: float, y: float) -> Any:
        return at(labeler, x, y)

    # Both at once; the second late, after the first has gone far; and one that the system takes.
    touch(session, "touchStart", point(100, 100), point(200, 200))
    touch(session, "touchMove", point(60, 60), point(240, 240))
    touch(session, "touchEnd")
    touch(session, "touchStart", point(100, 100))
    touch(session, "touchMove", point(180, 170))
    touch(session, "touchStart", point(180, 170), point(300, 200))
    touch(session, "touchMove", point(220, 190), point(280, 200))
    touch(session, "touchEnd", point(220, 190))
    touch(session, "touchMove", point(320, 290))
    touch(session, "touchEnd")
    touch(session, "touchStart", point(100, 100))
    touch(session, "touchMove", point(180, 170))
    touch(session, "touchCancel")

    touch(session, "touchStart", point(50, 60))
    for step in range(1, 5):
        touch(session, "touchMove", point(50 + 20 * step, 60 + 15 * step))
    touch(session, "touchEnd")
    eventually(lambda: rects(server.folder, "cat.jpg"))
    expect(page.locator(".st-key-save_state")).to_contain_text("saved", timeout=WAIT_MS)
    stored = rects(server.folder, "cat.jpg")
    assert len(stored) == 1, stored
    assert near(stored[0], [one / scale for one in (50, 60, 80, 60)], 1), stored
