"""The queue: people label image after image, and nobody is given another's."""

from __future__ import annotations

import re

import httpx
import pytest
from playwright.sync_api import expect

from labeler.model.layout import claim_key
from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import ROWS, WAIT_MS, Labeler, documents, eventually
from tests.e2e.pictures import Pictures
from tests.e2e.safety import box, corners, fill

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


def phase(labeler: Labeler, *names: str) -> None:
    """Wait until the queue is in one of these states."""
    pattern = re.compile(f"^({'|'.join(names)})$")
    expect(labeler.page.get_by_test_id("queue")).to_have_attribute("data-phase", pattern)


def test_two_people_share_the_images_and_a_closed_tab_gives_its_own_back(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve()
    files = [pictures.photo(f"{number}.jpg", size=(320, 240)) for number in range(4)]
    names = [file.name for file in files]
    fill(server, files)
    ana, ben, cem = (new_labeler(server) for _ in range(3))
    ana.at(names[0])
    ana.keys("n")
    phase(ana, "held")
    ana.at(names[0])
    # Whoever opens an image by hand sees who has it, and both see what the other one draws.
    cem.at(names[0])
    expect(cem.root.get_by_text("Also here: somebody else")).to_be_visible()
    box(cem, (200, 100), 40)
    ana.has_boxes(1)
    expect(ana.root.get_by_text("Also here: somebody else")).to_be_visible()
    ben.root.get_by_role("button", name=re.compile("^Start labeling")).click()
    ben.at(names[1])
    box(ben, (100, 100), 40)
    ben.keys("Enter")
    ben.at(names[2])
    ben.followed()
    expect(ben.page.locator(f".st-key-open_{ben.image}")).to_be_visible()
    ana.keys("Shift+s")
    expect(ana.page.get_by_role("dialog", name="Skip with a reason")).to_be_visible()
    ana.keys("1")
    ana.at(names[3])
    phase(ana, "held")
    cem.keys("n")
    expect(cem.page.get_by_text("Nothing left to label.")).to_be_visible()
    ben.saved()
    gone = claim_key(ben.image)
    ben.page.goto("about:blank")
    eventually(lambda: not (server.folder / gone).exists())
    cem.keys("n")
    cem.at(names[2])
    phase(cem, "held")
    found = documents(server.folder)
    assert found[names[0]]["metadata"]["skip_reason"] == "Blurred or too dark"
    assert [len(found[name]["rects"]) for name in names[:2]] == [1, 1]


def test_a_lease_that_ends_while_somebody_works_loses_no_box(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    brief, server = serve(LABELER_LEASE_S="2"), serve(LABELER_LEASE_S="600")
    file = pictures.photo(size=(320, 240))
    [image] = fill(server, [file])
    ana, ben = new_labeler(brief), new_labeler(server)
    ana.at(file.name)
    ana.keys("n")
    phase(ana, "held", "ended")  # on a busy machine 2 seconds pass between two looks
    box(ana, (20, 20), 40)
    ana.saved()
    phase(ana, "ended")
    expect(ana.root.get_by_text("somebody else may have it by now")).to_be_visible()
    claim = f"{server.url}/api/claims/{image}"
    eventually(lambda: httpx.get(claim).json()["by"] is None)
    ben.at(file.name)
    ben.keys("n")
    phase(ben, "held")
    box(ben, (100, 100), 40)
    ben.saved()
    # Ana goes on: she is told who has the image, and both keep all boxes of both.
    ana.drag((200, 20), (240, 60))
    phase(ana, "taken")
    words = "Somebody else has this image until .* Your boxes are saved all the same"
    expect(ana.root.get_by_text(re.compile(words))).to_be_visible()
    for labeler in (ana, ben):
        labeler.has_boxes(3)
        labeler.saved()
        expect(labeler.root.get_by_role("group", name="Conflicts")).to_be_hidden()
    phase(ben, "held")
    assert corners(server.folder, file.name) == [(20, 20), (100, 100), (200, 20)]


def test_assigned_images_come_first_and_a_reload_keeps_the_claim(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve()
    files = [pictures.photo(f"{number}.jpg", size=(320, 240)) for number in range(4)]
    names = [file.name for file in files]
    ids = fill(server, files)
    gallery = new_labeler(server, "/?view=gallery").page
    card = gallery.locator(f"[data-testid=gallery-image][data-image='{ids[2]}']")
    card.click(modifiers=["Control"])
    field = gallery.get_by_label("Put the selected images into the queue of")
    field.fill("Kim")
    field.press("Enter")
    expect(gallery.locator(".told")).to_have_text("Assigning to Kim: all 1 images are done.")
    expect(card.locator(".assigned")).to_have_text("→ Kim")
    kim = new_labeler(server)
    kim.at(names[0])
    kim.keys("n")
    phase(kim, "held")
    kim.root.get_by_label("Whose queue").select_option("Kim")
    box(kim, (100, 100), 40)
    kim.keys("Enter")
    kim.at(names[2])
    phase(kim, "held")
    kim.saved()
    kim.followed()
    kim.page.reload()
    kim.at(names[2])
    phase(kim, "held")
    other = new_labeler(server)
    other.at(names[1])
    other.keys("n")
    phase(other, "held")
    other.at(names[1])
    other.keys("Shift+s")
    expect(other.page.get_by_role("dialog", name="Skip with a reason")).to_be_visible()
    other.keys("1")
    other.at(names[3])  # neither the image of another's queue, nor the one that is held
    phase(kim, "held")


def test_an_image_that_a_program_adds_appears_beside_an_open_image_by_itself(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve()
    fill(server, [pictures.photo("b.jpg", size=(320, 240))])
    ana = new_labeler(server)
    ana.at("b.jpg")
    ana.followed()
    drop = pictures.photo("a.jpg", size=(320, 200))
    drop.rename(server.folder / "uploads" / drop.name)
    # The workbench counts the images every 30 seconds, and the count is at most five seconds old.
    expect(ana.page.locator(ROWS)).to_have_count(2, timeout=2 * WAIT_MS)
    assert ana.listed() == ["a.jpg", "b.jpg"]
    ana.at("b.jpg")
    ana.previous()
    ana.at("a.jpg")
