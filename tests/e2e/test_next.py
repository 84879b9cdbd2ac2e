"""A box drawn right before "next" is kept, and so is one drawn the moment the next image is there.

The canvas sends 200 ms after the last change, forgets what is pending when it is taken away, and
loses what is drawn on it before it is ready.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewLabeller, Serve
from tests.e2e.labeler import documents, eventually
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


@pytest.mark.slow
@pytest.mark.parametrize(
    ("by", "delay_ms", "times"),
    [
        ("button", 0, 20),
        ("button", 50, 20),
        ("button", 100, 20),
        ("button", 200, 20),
        ("key", 0, 8),
    ],
)
def test_no_box_is_lost_around_next(
    serve: Serve, new_labeller: NewLabeller, pictures: Pictures, by: str, delay_ms: int, times: int
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeller = new_labeller(server)
    files = pictures.series(times + 1)
    labeller.upload(*files)
    labeller.at(files[0].name)
    page = labeller.page
    for step, following in enumerate(files[1:]):
        page.wait_for_timeout(delay_ms)
        labeller.drag((30 + step, 40), (100 + step, 90))
        page.wait_for_timeout(300)
        labeller.drag((150 + step, 40), (220 + step, 90))
        if delay_ms:
            page.wait_for_timeout(delay_ms)
        if by == "button":
            labeller.press("Next")
        else:
            page.keyboard.press("d")
        labeller.at(following.name)
    scale = labeller.canvas()["width"] / 320

    def lefts() -> list[list[int]]:
        stored = documents(server.folder)
        return [sorted(round(r["left"] * scale) for r in stored[f.name]["rects"]) for f in files]

    expected = [[30 + step, 150 + step] for step in range(times)] + [[]]
    eventually(lambda: [len(found) for found in lefts()] == [len(e) for e in expected])
    for found, wanted in zip(lefts(), expected, strict=True):
        assert all(abs(a - b) <= 1 for a, b in zip(found, wanted, strict=True))


def test_the_space_bar_is_done_whatever_was_clicked_before(
    serve: Serve, new_labeller: NewLabeller, pictures: Pictures
) -> None:
    """A button that was clicked keeps the browser's focus, and the space bar would press it."""
    server = serve(LABELER_LABELS="cat")
    labeller = new_labeller(server)
    files = pictures.series(4)
    labeller.upload(*files)
    labeller.at(files[0].name)

    def status(number: int) -> str:
        return str(documents(server.folder)[files[number].name]["metadata"]["status"])

    labeller.press("Next")
    labeller.at(files[1].name)
    labeller.page.keyboard.press(" ")
    labeller.at(files[2].name)
    assert (status(0), status(1)) == ("unlabeled", "done")
    labeller.press("Keys")  # opens a list over the page
    labeller.press("Keys")
    labeller.ready()
    labeller.drag((30, 40), (100, 90))
    labeller.page.keyboard.press(" ")
    labeller.at(files[3].name)
    assert status(2) == "done"


def test_keys_while_the_next_image_is_on_its_way(
    serve: Serve, new_labeller: NewLabeller, pictures: Pictures
) -> None:
    """As many images on or back as there were presses; marks are for images that were seen."""
    server = serve(LABELER_LABELS="cat")
    labeller = new_labeller(server)
    files = pictures.series(7)
    labeller.upload(*files)
    labeller.at(files[0].name)

    def press(*keys: str) -> None:
        for key in keys:
            labeller.page.keyboard.press(key)

    def statuses() -> list[str]:
        found = documents(server.folder)
        return [found[file.name]["metadata"]["status"] for file in files]

    labeller.drag((40, 40), (120, 120))
    press(*"dddd")
    labeller.at(files[4].name)
    press(*"aa")
    labeller.at(files[2].name)
    press("s", "s", " ")  # the first of them leaves the image, the others have nothing to mark
    labeller.at(files[3].name)
    labeller.page.wait_for_timeout(1500)
    labeller.at(files[3].name)
    assert statuses() == ["in_progress", "unlabeled", "skipped", *["unlabeled"] * 4]
    box = labeller.canvas()
    press(*"ddd")
    labeller.page.mouse.click(box["x"] + 200, box["y"] + 200)  # who takes the mouse has arrived
    labeller.at(files[4].name)
    labeller.page.wait_for_timeout(1500)
    labeller.at(files[4].name)


def test_a_mark_that_the_image_has_already_goes_on(
    serve: Serve, new_labeller: NewLabeller, pictures: Pictures
) -> None:
    """Whoever looks through finished images does it with the same key."""
    server = serve(LABELER_LABELS="cat")
    labeller = new_labeller(server)
    files = pictures.series(3)
    labeller.upload(*files)
    labeller.at(files[0].name)
    for key, back in ((" ", "a"), ("s", "a")):
        labeller.page.keyboard.press(key)
        labeller.at(files[1].name)
        labeller.page.keyboard.press(back)
        labeller.at(files[0].name)
        labeller.page.keyboard.press(key)
        labeller.at(files[1].name)
        labeller.page.keyboard.press(back)
        labeller.at(files[0].name)
    assert documents(server.folder)[files[0].name]["metadata"]["status"] == "skipped"
