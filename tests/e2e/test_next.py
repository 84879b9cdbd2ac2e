"""A box drawn right before "next" is kept, and so is one drawn the moment the next image is there.

The canvas sends 200 ms after the last change, forgets what is pending when it is taken away, and
loses what is drawn on it before it is ready.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewLabeller, Serve
from tests.e2e.labeller import documents, eventually
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
