"""Instances end; the tab goes on with the next one, and no box is lost or doubled."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import documents, rects
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e

SKIP_WHEN_BACK = """() => {
  if (document.documentElement.dataset.connection !== "back") return false;
  const root = [...document.querySelectorAll("*")].map((node) => node.shadowRoot)
    .find((root) => root?.querySelector("[data-testid=workbench]"));
  root.querySelector(".skip").click();
  return true;
}"""


@pytest.mark.parametrize("kill", [True, False], ids=["killed", "stopped"])
def test_what_is_drawn_while_the_server_is_away(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, kill: bool
) -> None:
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    labeler.drag((40, 40), (120, 120))
    labeler.saved()
    assert len(rects(server.folder, "cat.jpg")) == 1
    labeler.drag((160, 40), (240, 120))
    labeler.page.wait_for_timeout(40)  # before it is its turn to be sent
    assert server.stop(kill=kill) == (-9 if kill else 0)
    labeler.drag((280, 40), (360, 120))
    labeler.drag((400, 40), (480, 120))
    expect(labeler.root).to_have_attribute("data-save", "offline")
    count = 4
    labeler.has_boxes(count)
    server.start()
    labeler.saved()
    labeler.drag((40, 200), (120, 280))
    labeler.saved()
    assert len(rects(server.folder, "cat.jpg")) == count + 1
    labeler.keys("Control+z")  # its own history is still there
    labeler.has_boxes(count)
    labeler.saved()
    labeler.page.wait_for_timeout(1000)
    found = rects(server.folder, "cat.jpg")
    assert len(found) == count
    assert len({(r["left"], r["top"]) for r in found}) == count


def test_an_instance_that_ends_while_it_saves(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Killed at any moment after a box was drawn: the box is there, once, with the next one."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    labeler.upload(pictures.photo("cat.jpg"))
    labeler.at("cat.jpg")
    for turn, delay_ms in enumerate((150, 210, 230, 260, 320), 1):
        labeler.drag((30 + 90 * turn, 60), (100 + 90 * turn, 140))
        labeler.page.wait_for_timeout(delay_ms)
        server.stop(kill=True)
        server.start()
        labeler.saved()
        labeler.has_boxes(turn)
        assert len(rects(server.folder, "cat.jpg")) == turn
    labeler.page.wait_for_timeout(1000)
    assert len(rects(server.folder, "cat.jpg")) == 5


@pytest.mark.slow
@pytest.mark.parametrize("status", ["done", "skipped"])
def test_an_instance_that_ends_with_a_click(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, status: str
) -> None:
    """Killed at any moment after the click: it is heard, its box is there, and the next image."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    delays_ms = (0, 20, 100, 250, 270, 300, 350, 450)
    files = pictures.series(len(delays_ms) + 1)
    labeler.upload(*files)
    for image, following, delay_ms in zip(files, files[1:], delays_ms, strict=False):
        labeler.at(image.name)
        labeler.drag((40, 40), (120, 120))
        if delay_ms < 250:
            labeler.page.wait_for_timeout(400)  # the box is stored before
        (labeler.done if status == "done" else labeler.skip)()
        labeler.page.wait_for_timeout(delay_ms)
        server.stop(kill=True)
        server.start()
        labeler.at(following.name)
        labeler.saved()
        assert len(rects(server.folder, image.name)) == 1
        assert documents(server.folder)[image.name]["metadata"]["status"] == status
    assert documents(server.folder)[files[-1].name]["metadata"]["status"] == "unlabeled"


@pytest.mark.slow
def test_what_is_pressed_on_the_workbench_never_waits_for_the_page(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Not even between the new connection and the page's first run on it."""
    server = serve(LABELER_LABELS="cat")
    labeler = new_labeler(server)
    files = pictures.series(4)
    labeler.upload(*files)
    for image, following in pairwise(files):
        labeler.at(image.name)
        server.stop(kill=True)
        server.start()
        labeler.page.wait_for_function(SKIP_WHEN_BACK, polling=10)
        labeler.at(following.name)
    labeler.saved()
    found = documents(server.folder)
    assert [found[file.name]["metadata"]["status"] for file in files] == [
        *["skipped"] * 3, "unlabeled",
    ]  # fmt: skip
