"""Instances end; the tab goes on with the next one, and no box is lost or doubled."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.labeler import documents, eventually, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_what_is_drawn_while_the_server_is_away(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures, kill: bool
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (120, 120))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)
    labeler.saved()
    labeler.drag((160, 40), (240, 120))
    labeler.page.wait_for_timeout(40)  # before the canvas sends it
    assert server.stop(kill=kill) == (-9 if kill else 0)
    if kill:  # at once: soon the page says in a dialog that it is alone
        labeler.drag((280, 40), (360, 120))
        labeler.drag((400, 40), (480, 120))
    count = 4 if kill else 2
    server.start()
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == count, 60)
    expect(labeler.page.get_by_text(f"{count} boxes").first).to_be_visible(timeout=30_000)
    labeler.ready()
    labeler.drag((40, 200), (120, 280))
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == count + 1)
    labeler.page.keyboard.press("Control+z")  # its own history is still there
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == count)
    labeler.page.wait_for_timeout(1000)
    found = rects(server.folder, "cat.jpg")
    assert len(found) == count
    assert len({(r["left"], r["top"]) for r in found}) == count


def test_an_instance_that_ends_while_it_saves(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """Killed at any moment after a box was drawn: the box is there, once, with the next one."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    for turn, delay_ms in enumerate((150, 210, 230, 260, 320), 1):
        labeler.drag((30 + 90 * turn, 60), (100 + 90 * turn, 140))
        labeler.page.wait_for_timeout(delay_ms)
        server.stop(kill=True)
        server.start()
        eventually(lambda turn=turn: len(rects(server.folder, "cat.jpg")) == turn, 40)
        expect(
            labeler.page.get_by_text("1 box" if turn == 1 else f"{turn} boxes").first
        ).to_be_visible(timeout=30_000)
        labeler.ready()
    labeler.page.wait_for_timeout(1000)
    assert len(rects(server.folder, "cat.jpg")) == 5


@pytest.mark.slow
@pytest.mark.parametrize(("button", "status"), [("Done", "done"), ("Skip", "skipped")])
def test_an_instance_that_ends_with_a_click(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures, button: str, status: str
) -> None:
    """Killed at any moment after the click: it is heard, its box is there, and the next image."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    delays_ms = (0, 20, 100, 250, 270, 300, 350, 450)
    files = pictures.series(len(delays_ms) + 1)
    labeler.upload(*files)
    for image, following, delay_ms in zip(files, files[1:], delays_ms, strict=False):
        labeler.at(image.name)
        labeler.drag((40, 40), (120, 120))
        if delay_ms < 250:
            labeler.page.wait_for_timeout(400)  # the canvas has sent it
        labeler.press(button)
        labeler.page.wait_for_timeout(delay_ms)
        server.stop(kill=True)
        server.start()
        labeler.at(following.name)
        assert len(rects(server.folder, image.name)) == 1
        assert documents(server.folder)[image.name]["metadata"]["status"] == status
    assert documents(server.folder)[files[-1].name]["metadata"]["status"] == "unlabeled"


@pytest.mark.slow
def test_a_click_between_two_instances_that_end(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """Made on a connection that is just back, and lost once more: heard once, by the third."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    files = pictures.series(5)
    labeler.upload(*files)
    for image, following in pairwise(files):
        labeler.at(image.name)
        labeler.drag((40, 40), (120, 120))
        labeler.page.wait_for_timeout(400)
        server.stop(kill=True)
        server.start()
        labeler.page.wait_for_function(
            """() => {
              if (document.documentElement.dataset.connection !== "back") return false;
              document.querySelector(".st-key-leave_skip button").click();
              return true;
            }""",
            polling=10,
        )
        server.stop(kill=True)
        server.start()
        labeler.at(following.name)
    labeler.page.wait_for_timeout(1000)
    found = documents(server.folder)
    assert [len(found[file.name]["rects"]) for file in files] == [1, 1, 1, 1, 0]
    assert [found[file.name]["metadata"]["status"] for file in files] == [
        *["skipped"] * 4, "unlabeled",
    ]  # fmt: skip


def test_parts_of_the_page_that_go_with_the_connection(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    """A connection that breaks within a run takes components along; what they know stays."""
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    labeler = new_drawable(server)
    image, following = pictures.series(2)
    labeler.upload(image, following)
    labeler.at(image.name)
    labeler.drag((40, 40), (120, 120))
    labeler.saved()
    labeler.drag((160, 40), (240, 120))
    labeler.page.keyboard.press("s")
    server.stop(kill=True)
    labeler.page.locator(".guard").evaluate("(guard) => window.labelerGuard.detach(guard)")
    labeler.page.wait_for_timeout(1000)
    server.start()
    labeler.at(following.name)
    assert len(rects(server.folder, image.name)) == 2
    assert documents(server.folder)[image.name]["metadata"]["status"] == "skipped"
