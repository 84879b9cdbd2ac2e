"""The store fails while somebody draws: they are told, they go on, and nothing of it is lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import Labeler, rects
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


def painted(labeler: Labeler, point: tuple[float, float]) -> bool:
    """Whether a box is painted at that pixel of the image."""
    left, top = labeler.place(*point)
    canvas = labeler.surface.locator("canvas").last
    return bool(
        canvas.evaluate(
            """(canvas, [x, y]) => {
                const { left, top, width } = canvas.getBoundingClientRect();
                const scale = canvas.width / width;
                const [atX, atY] = [(x - left) * scale, (y - top) * scale];
                return canvas.getContext("2d").getImageData(atX, atY, 1, 1).data[3] > 0;
            }""",
            [left, top],
        )
    )


def test_boxes_wait_for_the_folder_to_come_back(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    page = labeler.page
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (120, 120))
    labeler.saved()
    assert len(rects(server.folder, "cat.jpg")) == 1
    with away(server.folder):
        labeler.drag((160, 40), (240, 120))
        expect(labeler.root).to_have_attribute("data-save", "failed")
        line = labeler.root.locator(".save")
        expect(line).to_contain_text("Not saved")
        expect(line).to_contain_text("is a file, but Labeler needs a folder there")
        labeler.drag((280, 40), (360, 120))
        labeler.has_boxes(3)
        assert all(painted(labeler, (left, 80)) for left in (80, 200, 320))
        assert not painted(labeler, (420, 80))
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
    labeler.saved()
    assert len(rects(server.folder, "cat.jpg")) == 3
    expect(page.locator("[data-testid=stAlertContentError]")).to_have_count(0)


def test_an_image_that_is_left_before_it_could_be_saved(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    page = labeler.page
    first, second = pictures.series(2)
    labeler.upload(first, second)
    labeler.at(first.name)
    with away(server.folder):
        labeler.drag((40, 40), (120, 120))
        expect(labeler.root).to_have_attribute("data-save", "failed")
        labeler.next()
        labeler.at(second.name)
        expect(labeler.root).to_have_attribute("data-save", "failed")
        expect(labeler.root.locator(".save")).to_contain_text("Not saved")
        # Back at the image, the box is there as the person left it.
        labeler.previous()
        labeler.at(first.name)
        labeler.has_boxes(1)
        assert painted(labeler, (80, 80))
        labeler.drag((160, 40), (240, 120))
        labeler.has_boxes(2)
        labeler.next()
        labeler.at(second.name)
    labeler.saved()
    assert len(rects(server.folder, first.name)) == 2
    assert rects(server.folder, second.name) == []
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
