"""A box drawn right before "next" is kept, and so is one drawn the moment the next image is there.

The canvas sends 200 ms after the last change, forgets what is pending when it is taken away, and
loses what is drawn on it before it is ready.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewDrawable, Serve
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
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures, by: str, delay_ms: int, times: int
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    files = pictures.series(times + 1)
    labeler.upload(*files)
    labeler.at(files[0].name)
    page = labeler.page
    for step, following in enumerate(files[1:]):
        page.wait_for_timeout(delay_ms)
        labeler.drag((30 + step, 40), (100 + step, 90))
        page.wait_for_timeout(300)
        labeler.drag((150 + step, 40), (220 + step, 90))
        if delay_ms:
            page.wait_for_timeout(delay_ms)
        if by == "button":
            labeler.press("Next")
        else:
            page.keyboard.press("d")
        labeler.at(following.name)
    scale = labeler.canvas()["width"] / 320

    def lefts() -> list[list[int]]:
        stored = documents(server.folder)
        return [sorted(round(r["left"] * scale) for r in stored[f.name]["rects"]) for f in files]

    expected = [[30 + step, 150 + step] for step in range(times)] + [[]]
    eventually(lambda: [len(found) for found in lefts()] == [len(e) for e in expected])
    for found, wanted in zip(lefts(), expected, strict=True):
        assert all(abs(a - b) <= 1 for a, b in zip(found, wanted, strict=True))


def test_the_space_bar_is_done_whatever_was_clicked_before(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """A button that was clicked keeps the browser's focus, and the space bar would press it."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    files = pictures.series(4)
    labeler.upload(*files)
    labeler.at(files[0].name)

    def status(number: int) -> str:
        return str(documents(server.folder)[files[number].name]["metadata"]["status"])

    labeler.press("Next")
    labeler.at(files[1].name)
    labeler.page.keyboard.press(" ")
    labeler.at(files[2].name)
    assert (status(0), status(1)) == ("unlabeled", "done")
    labeler.press("Keys")  # opens a list over the page
    labeler.press("Keys")
    labeler.ready()
    labeler.drag((30, 40), (100, 90))
    labeler.page.keyboard.press(" ")
    labeler.at(files[3].name)
    assert status(2) == "done"


def test_keys_while_the_next_image_is_on_its_way(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """As many images on or back as there were presses; marks are for images that were seen."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    files = pictures.series(7)
    labeler.upload(*files)
    labeler.at(files[0].name)

    def press(*keys: str) -> None:
        for key in keys:
            labeler.page.keyboard.press(key)

    def statuses() -> list[str]:
        found = documents(server.folder)
        return [found[file.name]["metadata"]["status"] for file in files]

    labeler.drag((40, 40), (120, 120))
    press(*"dddd")
    labeler.at(files[4].name)
    press(*"aa")
    labeler.at(files[2].name)
    press("s", "s", " ")  # the first of them leaves the image, the others have nothing to mark
    labeler.at(files[3].name)
    labeler.page.wait_for_timeout(1500)
    labeler.at(files[3].name)
    assert statuses() == ["in_progress", "unlabeled", "skipped", *["unlabeled"] * 4]
    box, before = labeler.canvas(), labeler.page.url
    press(*"ddd")
    labeler.page.mouse.click(box["x"] + 200, box["y"] + 200)  # who takes the mouse has arrived
    # On a busy machine images may have come before the click: none comes after it.
    labeler.ready()
    labeler.page.wait_for_timeout(1500)
    arrived = labeler.page.url
    assert arrived != before
    labeler.page.wait_for_timeout(1500)
    assert labeler.page.url == arrived


def test_a_mark_that_the_image_has_already_goes_on(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """Whoever looks through finished images does it with the same key."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    files = pictures.series(3)
    labeler.upload(*files)
    labeler.at(files[0].name)
    for key, back in ((" ", "a"), ("s", "a")):
        labeler.page.keyboard.press(key)
        labeler.at(files[1].name)
        labeler.page.keyboard.press(back)
        labeler.at(files[0].name)
        labeler.page.keyboard.press(key)
        labeler.at(files[1].name)
        labeler.page.keyboard.press(back)
        labeler.at(files[0].name)
    assert documents(server.folder)[files[0].name]["metadata"]["status"] == "skipped"
