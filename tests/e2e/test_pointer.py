"""What the pointer does that is no box, and what goes on after a box was drawn."""

from __future__ import annotations

import pytest
from playwright.sync_api import CDPSession, expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import near, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


def touch(session: CDPSession, kind: str, *points: tuple[float, float]) -> None:
    """What fingers at these places of the window do."""
    named = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": named})


@pytest.mark.parametrize("field", ["Find a label", "File name contains"])
def test_keys_are_for_the_image_after_a_box_was_drawn(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, field: str
) -> None:
    """Also where a field of the workbench, or of the page around it, had the focus before."""
    names = [f"l{number}" for number in range(25)]
    server = serve(LABELER_LABELS=",".join(names))
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"), pictures.photo("dog.jpg"))
    labeler.at("cat.jpg")
    labeler.choose("l4")
    if field == "File name contains":
        labeler.press("Find")
    labeler.page.get_by_label(field).focus()
    labeler.drag((400, 340), (460, 400))
    labeler.has_boxes(1)
    labeler.keys("Control+z")
    labeler.has_boxes(0)
    labeler.keys("d")
    labeler.at("dog.jpg")
    chosen = labeler.page.locator("[data-testid=label][aria-pressed=true]")
    expect(chosen).to_have_attribute("data-label", "l4")
    labeler.drag((400, 340), (460, 400))
    labeler.saved()
    assert [one["label"] for one in rects(server.folder, "dog.jpg")] == ["l4"]
    assert rects(server.folder, "cat.jpg") == []


def test_two_fingers_draw_nothing(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    session = labeler.page.context.new_cdp_session(labeler.page)
    left, top = labeler.place(0, 0)

    def point(x: float, y: float) -> tuple[float, float]:
        return left + x, top + y

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
    labeler.keys("f")  # two fingers zoom
    labeler.has_boxes(0)

    touch(session, "touchStart", labeler.place(50, 60))
    for step in range(1, 5):
        touch(session, "touchMove", labeler.place(50 + 20 * step, 60 + 15 * step))
    touch(session, "touchEnd")
    labeler.has_boxes(1)
    labeler.saved()
    [rect] = rects(server.folder, "cat.jpg")
    assert near(rect, (50, 60, 80, 60), 1), rect
