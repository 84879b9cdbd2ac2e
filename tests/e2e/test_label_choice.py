"""A box gets the label that was chosen before it was drawn, however fast it was drawn.

The canvas stamps a box with the label that it has been told, and it is told by a run of the page.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewLabeller, Serve
from tests.e2e.labeller import eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e

DELAYS_MS = (0, 50, 150)


@pytest.mark.parametrize("by", ["button", "key", "menu", "typing"])
def test_a_box_drawn_right_after_its_label_was_chosen(
    serve: Serve, new_labeller: NewLabeller, pictures: Pictures, by: str
) -> None:
    names = [f"l{number}" for number in range(25 if by in ("menu", "typing") else 6)]
    server = serve(LABELER_LABELS=",".join(names))
    labeller = new_labeller(server)
    labeller.upload(pictures.photo("cat.jpg"))
    labeller.at("cat.jpg")
    page = labeller.page
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
        labeller.drag((left, 40), (left + 40, 90))
        eventually(lambda: len(rects(server.folder, "cat.jpg")) == len(chosen))
    assert [rect["label"] for rect in rects(server.folder, "cat.jpg")] == chosen
