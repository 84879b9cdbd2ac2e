"""A box drawn right before "next" is kept, and so is one drawn the moment the next image is there.

And of keys that are pressed faster than images come, each does what it would have done slowly.
"""

from __future__ import annotations

import pytest

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import documents, rects
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
        ("key", 0, 20),
    ],
)
def test_no_box_is_lost_around_next(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, by: str, delay_ms: int, times: int
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    files = pictures.series(times + 1)
    labeler.upload(*files)
    labeler.at(files[0].name)
    for step, following in enumerate(files[1:]):
        labeler.page.wait_for_timeout(delay_ms)
        labeler.drag((30 + step, 40), (100 + step, 90))
        labeler.drag((150 + step, 40), (220 + step, 90))
        labeler.page.wait_for_timeout(delay_ms)
        if by == "button":
            labeler.next()
        else:
            labeler.keys("d")
        labeler.at(following.name)
    labeler.saved()
    stored = documents(server.folder)
    for step, file in enumerate(files):
        lefts = sorted(rect["left"] for rect in stored[file.name]["rects"])
        wanted = [30 + step, 150 + step] if step < times else []
        assert len(lefts) == len(wanted), file.name
        assert all(abs(a - b) <= 1 for a, b in zip(lefts, wanted, strict=True)), (lefts, wanted)


def test_a_key_is_for_the_image_whatever_was_clicked_before(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """A button that was clicked keeps the browser's focus, and Enter would press it again."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    files = pictures.series(4)
    labeler.upload(*files)
    labeler.at(files[0].name)

    def status(number: int) -> str:
        labeler.saved()
        return str(documents(server.folder)[files[number].name]["metadata"]["status"])

    labeler.next()
    labeler.at(files[1].name)
    labeler.keys("Enter")
    labeler.at(files[2].name)
    assert (status(0), status(1)) == ("unlabeled", "done")
    labeler.press("All keys")
    labeler.page.get_by_role("button", name="Close", exact=True).click()
    labeler.drag((30, 40), (100, 90))
    labeler.keys("Enter")
    labeler.at(files[3].name)
    assert status(2) == "done"


def test_keys_while_the_next_image_is_on_its_way(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """As many images on or back as there were presses; marks are for images that were seen."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    files = pictures.series(7)
    labeler.upload(*files)
    labeler.at(files[0].name)

    def statuses() -> list[str]:
        labeler.saved()
        found = documents(server.folder)
        return [found[file.name]["metadata"]["status"] for file in files]

    labeler.drag((40, 40), (120, 120))
    labeler.keys(*"dddd")
    labeler.at(files[4].name)
    labeler.keys(*"aa")
    labeler.at(files[2].name)
    # The first of them leaves the image. The others come before the next one is seen.
    labeler.page.evaluate(PRESS_AT_ONCE, ["KeyS", "KeyS", "Enter"])
    labeler.at(files[3].name)
    labeler.page.wait_for_timeout(500)
    labeler.at(files[3].name)
    assert statuses() == ["in_progress", "unlabeled", "skipped", *["unlabeled"] * 4]
    labeler.keys(*"ddd")
    labeler.at(files[6].name)
    labeler.keys("d")  # there is no more
    labeler.page.wait_for_timeout(500)
    labeler.at(files[6].name)
    labeler.followed()


def test_a_mark_that_the_image_has_already_goes_on(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Whoever looks through finished images does it with the same key."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    files = pictures.series(3)
    labeler.upload(*files)
    labeler.at(files[0].name)
    for key in ("Enter", "s"):
        for _ in range(2):
            labeler.keys(key)
            labeler.at(files[1].name)
            labeler.keys("a")
            labeler.at(files[0].name)
    labeler.saved()
    assert documents(server.folder)[files[0].name]["metadata"]["status"] == "skipped"
    assert documents(server.folder)[files[1].name]["metadata"]["status"] == "unlabeled"
    assert rects(server.folder, files[0].name) == []


PRESS_AT_ONCE = """(codes) => {
  for (const code of codes) {
    for (const type of ["keydown", "keyup"]) {
      document.body.dispatchEvent(
        new KeyboardEvent(type, { code, bubbles: true, composed: true, cancelable: true }),
      );
    }
  }
}"""
