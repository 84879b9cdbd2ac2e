"""The labeling guide: an admin writes it on the workbench, and everybody reads it at a key."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.pictures import Pictures
from tests.e2e.safety import fill
from tests.pictures import png

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TEXT = "# Cars\n\nAlso **mirrors**.\n\n![A car](car.png)\n\n<script>document.title = 1</script>"


def test_a_guide_is_written_and_read_without_leaving_the_image(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve()
    fill(server, [pictures.photo(size=(320, 240))])
    (server.folder / "guide").mkdir()
    (server.folder / "guide/car.png").write_bytes(png())
    ana = new_labeler(server)
    ana.ready()
    ana.keys("g")
    guide = ana.page.get_by_role("dialog", name="Labeling guide")
    expect(guide).to_contain_text("There is no guide yet.")
    guide.get_by_role("button", name="Edit the guide").click()
    hint = guide.get_by_role("textbox").get_attribute("placeholder") or ""
    assert hint.startswith("# What to label\n\nPictures")
    guide.get_by_role("textbox").fill(TEXT)
    guide.get_by_role("button", name="Save the guide").click()
    expect(guide.get_by_role("heading", name="Cars")).to_be_visible()
    assert (server.folder / "guide.md").read_text() == TEXT
    ana.keys("Escape")
    expect(guide).to_be_hidden()
    ana.keys("g")
    expect(guide.get_by_text("<script>document.title = 1</script>")).to_be_visible()
    picture = guide.get_by_role("img", name="A car")
    expect(picture).to_have_js_property("naturalWidth", 64)
    ana.keys("Escape")
    expect(guide).to_be_hidden()
    assert ana.document()["rects"] == []
