"""A box gets the label that was chosen before it was drawn, however fast it was drawn.

The canvas stamps a box with the label that it has been told, and it is told by a run of the page.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.labeler import eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e

DELAYS_MS = (0, 50, 150)


@pytest.mark.parametrize("by", ["button", "key", "menu", "typing"])
def test_a_box_drawn_right_after_its_label_was_chosen(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures, by: str
) -> None:
    names = [f"l{number}" for number in range(25 if by in ("menu", "typing") else 6)]
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS=",".join(names))
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    page = labeler.page
    chosen: list[str] = []
    for turn, delay_ms in enumerate(DELAYS_MS * 2):
        number = turn % 4 + 1
        chosen.append(names[number])
        match by:
            case "button":
                page.locator(".st-key-label [role=radiogroup] label").nth(number).click()
            case "key":
                page.keyboard.press(f"{number + 1}")
            case "menu":
                page.locator(".st-key-label_menu input").click()
                page.get_by_role("option", name=names[number], exact=True).click()
            case "typing":
                page.locator(".st-key-label_menu input").fill(names[number])
                page.get_by_role("option", name=names[number], exact=True).wait_for()
                page.keyboard.press("Enter")
        page.wait_for_timeout(delay_ms)
        left = 20 + 60 * turn
        labeler.drag((left, 40), (left + 40, 90))
        eventually(lambda: len(rects(server.folder, "cat.jpg")) == len(chosen))
    assert [rect["label"] for rect in rects(server.folder, "cat.jpg")] == chosen


def test_boxes_drawn_on_a_held_canvas_are_kept_before_a_click_leaves_it(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """Until the page has the label nothing is drawn; two boxes and "next" may come before that."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="car,dog")
    labeler = new_drawable(server)
    names = ("cat.jpg", "dog.jpg")
    labeler.upload(*(pictures.photo(name) for name in names))
    page = labeler.page
    for name in names:
        labeler.at(name)
        for turn in range(3):
            page.locator(".st-key-label [role=radiogroup] label").nth(1 - turn % 2).click()
            for row in range(2):
                labeler.drag((20 + 60 * turn, 40 + 80 * row), (60 + 60 * turn, 100 + 80 * row), 2)
        labeler.press("Next" if name == names[0] else "Previous")
    labeler.at(names[0])
    for name in names:
        eventually(lambda name=name: len(rects(server.folder, name)) == 6, 30)
        labels = [rect["label"] for rect in rects(server.folder, name)]
        assert labels == ["dog", "dog", "car", "car", "dog", "dog"]
