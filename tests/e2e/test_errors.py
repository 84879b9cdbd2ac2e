"""The store fails while somebody draws: they are told, they go on, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.drawable import Drawable
from tests.e2e.labeler import WAIT_MS, eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


@contextmanager
def away(folder: Path) -> Iterator[None]:
    """A file stands where the folder was: nobody can write there, not even root."""
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_bytes(b"")
    try:
        yield
    finally:
        folder.unlink()
        aside.rename(folder)


def painted(labeler: Drawable, at: tuple[float, float]) -> bool:
    """Whether a box is painted at that pixel of the canvas."""
    canvas = labeler.page.locator("canvas.dc-canvas.lower-canvas").first
    return bool(
        canvas.evaluate(
            """(canvas, [x, y]) => {
                const scale = canvas.width / canvas.getBoundingClientRect().width;
                return canvas.getContext("2d").getImageData(x * scale, y * scale, 1, 1).data[3] > 0;
            }""",
            list(at),
        )
    )


def test_boxes_wait_for_the_folder_to_come_back(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    page = labeler.page
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (120, 120))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)
    labeler.saved()
    key = labeler.canvas_key()
    with away(server.folder):
        labeler.drag((160, 40), (240, 120))
        line = page.locator(".st-key-save_state")
        expect(line).to_contain_text("Not saved", timeout=WAIT_MS)
        expect(line).to_contain_text("is a file, but Labeler needs a folder there")
        expect(line).to_contain_text("leave this page open")
        labeler.drag((280, 40), (360, 120))
        expect(page.get_by_text("3 boxes").first).to_be_visible(timeout=WAIT_MS)
        assert all(painted(labeler, (left, 80)) for left in (80, 200, 320))
        assert not painted(labeler, (420, 80))
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
    labeler.saved()
    assert len(rects(server.folder, "cat.jpg")) == 3
    assert labeler.canvas_key() == key
    expect(page.locator("[data-testid=stAlertContentError]")).to_have_count(0, timeout=WAIT_MS)


def test_an_image_that_is_left_before_it_could_be_saved(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    page = labeler.page
    first, second = pictures.series(2)
    labeler.upload(first, second)
    labeler.at(first.name)
    with away(server.folder):
        labeler.drag((40, 40), (120, 120))
        expect(page.get_by_text("Not saved").first).to_be_visible(timeout=WAIT_MS)
        labeler.press("Next")
        note = page.locator(".st-key-unsaved")
        expect(note).to_contain_text(first.name, timeout=WAIT_MS)
        expect(note).to_contain_text("Not saved yet")
        # Back at the image, the box is there as the person left it.
        page.locator("[class*=st-key-open_] button", has_text=first.name).first.click()
        labeler.at(first.name)
        expect(page.get_by_text("1 box").first).to_be_visible()
        assert painted(labeler, (80, 80))
        labeler.drag((160, 40), (240, 120))
        expect(page.get_by_text("2 boxes").first).to_be_visible(timeout=WAIT_MS)
    labeler.saved()
    assert len(rects(server.folder, first.name)) == 2
    labeler.press("Next")
    labeler.at(second.name)
    expect(note).to_have_count(0)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
