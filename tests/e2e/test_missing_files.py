"""An instance ends while the browser fetches from it: what did not come is fetched again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewDrawable, Serve
from tests.e2e.labeler import eventually, rects
from tests.e2e.pictures import Pictures
from tests.e2e.proxy import Proxy

pytestmark = pytest.mark.e2e

PAINTED = """() => {
    const canvas = [...document.querySelectorAll("*")].map((node) => node.shadowRoot)
        .map((root) => root?.querySelector("canvas.dc-background-canvas")).find(Boolean);
    return !!canvas && canvas.getContext("2d").getImageData(40, 40, 1, 1).data[3] > 0;
}"""


@pytest.mark.parametrize("what", ["/index-style.css", "/api/images/"])
def test_a_canvas_whose_files_do_not_come_is_replaced(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures, what: str
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    with Proxy(seed=1) as proxy:
        proxy.instances = [server.port]
        proxy.refuse = {what: 1}
        labeler = new_drawable(proxy)
        page = labeler.page
        labeler.upload(pictures.photo("cat.jpg"))
        labeler.at("cat.jpg")
        page.wait_for_function(PAINTED)
        labeler.ready()
        assert proxy.refuse == {what: 0}
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        labeler.drag((40, 40), (120, 120))
        eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)


def test_what_the_page_may_need_later_is_fetched_ahead(
    serve: Serve, new_drawable: NewDrawable, pictures: Pictures
) -> None:
    server = serve(LABELER_CANVAS="drawable", LABELER_LABELS="cat")
    with Proxy(seed=1) as proxy:
        proxy.instances = [server.port]
        proxy.refuse = {"/Checkbox.": 2}
        labeler = new_drawable(proxy)
        page = labeler.page
        labeler.upload(pictures.photo("cat.jpg"))
        labeler.at("cat.jpg")
        eventually(lambda: proxy.refuse == {"/Checkbox.": 0}, 30)
        page.wait_for_timeout(3000)
        proxy.refuse = {"/Checkbox.": 1000}
        labeler.drag((40, 40), (120, 120))
        expect(page.get_by_text("List the boxes (1)")).to_be_visible(timeout=30_000)
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
