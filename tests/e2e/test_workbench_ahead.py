"""The next image at once: what is fetched ahead, what is kept, and what a slow network shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.pictures import Pictures
from tests.e2e.safety import LABELS, arrived, box, corners, fill, finished

pytestmark = pytest.mark.e2e

RATE = 150_000
"""Bytes a second: a photo of the size below takes some seconds."""
SIZE = (2400, 1600)


def photo(path: Path) -> Path:
    """A photo with the noise that a camera makes, and so as large as one."""
    noise = np.random.default_rng(1).integers(-12, 12, (SIZE[1], SIZE[0], 3))
    slope = np.linspace(40, 200, SIZE[0])[None, :, None]
    Image.fromarray((slope + noise).astype(np.uint8)).save(path, quality=92)
    return path


def pictures_of(seen: list[str], image: str) -> list[str]:
    """In which sizes the image is here, except for the one of thumbnails."""
    found = [url.partition(f"/api/images/{image}")[1:] for url in seen]
    return [query for name, query in found if name and query != "?width=128"]


def test_three_images_ahead_are_here_and_no_more(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Going on and back among them asks the server for no image."""
    server = serve(LABELER_LABELS=LABELS)
    files = pictures.series(9)
    ids = fill(server, files)
    labeler = new_labeler(server, "/?view=data")
    seen = finished(labeler.page)
    labeler.page.goto(f"{server.url}/?image={ids[2]}")
    labeler.at(files[2].name)
    arrived(labeler.page, lambda: all(pictures_of(seen, one) for one in ids[2:6]))
    assert {one for one in ids if pictures_of(seen, one)} == set(ids[2:6])
    assert len(labeler.page.workers) == 1  # which decodes them: the page's policy lets it start
    labeler.page.route("**/api/images/*", lambda route: route.abort())
    labeler.page.route("**/api/annotations/*", lambda route: route.abort())
    for key, place in (("d", 3), ("d", 4), ("d", 5), ("a", 4), ("a", 3), ("a", 2)):
        labeler.keys(key)
        labeler.at(files[place].name)


def test_a_slow_network_shows_a_small_copy_first_that_can_be_drawn_on(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    files = [*pictures.series(5), photo(pictures.folder / "tall.jpg")]
    assert files[-1].stat().st_size > 4 * RATE
    ids = fill(server, files)
    labeler = new_labeler(server)
    page = labeler.page
    labeler.at(files[0].name)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 20, "downloadThroughput": RATE, "uploadThroughput": RATE},
    )
    seen = finished(page)
    labeler.open_from_list(files[-1].name)
    labeler.at(files[-1].name)
    assert pictures_of(seen, ids[-1]) == ["?width=1024"]
    box(labeler, (1200, 800), 240)
    labeler.saved()
    ((left, top),) = corners(server.folder, files[-1].name)
    assert abs(left - 1200) <= 2
    assert abs(top - 800) <= 2
    arrived(page, lambda: "" in pictures_of(seen, ids[-1]))
    expect(labeler.root).to_have_attribute("data-state", "ready")
    labeler.has_boxes(1)
