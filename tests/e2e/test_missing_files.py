"""An instance ends while the browser fetches from it: what did not come is fetched again."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import eventually, rects
from tests.e2e.pictures import Pictures
from tests.e2e.proxy import Proxy

pytestmark = pytest.mark.e2e

STYLED = """() => [...document.querySelectorAll("*")].some((node) => {
  const root = node.shadowRoot?.querySelector("[data-testid=workbench]");
  return root && getComputedStyle(root).display === "grid";
})"""


@pytest.mark.parametrize(
    "what",
    ["/mount.js", "/session.js", "/workbench.css", "/api/images/", "/api/annotations/", "images?"],
)
def test_what_the_workbench_could_not_fetch_it_fetches_again(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, what: str
) -> None:
    server = serve(LABELER_LABELS="cat")
    with Proxy(seed=1) as proxy:
        proxy.instances = [server.port]
        proxy.refuse = {what: 1}
        labeler = new_labeler(proxy)
        page = labeler.page
        labeler.upload(pictures.photo("cat.jpg"))
        labeler.at("cat.jpg")
        assert proxy.refuse == {what: 0}
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        assert page.evaluate(STYLED)
        labeler.drag((40, 40), (120, 120))
        eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)


def test_what_the_page_may_need_later_is_fetched_ahead(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat")
    with Proxy(seed=1) as proxy:
        proxy.instances = [server.port]
        proxy.refuse = {"/Checkbox.": 2}
        labeler = new_labeler(proxy)
        page = labeler.page
        labeler.upload(pictures.photo("cat.jpg"))
        labeler.at("cat.jpg")
        eventually(lambda: any("/Checkbox." in path for path in proxy.answered))
        assert proxy.refuse == {"/Checkbox.": 0}
        page.wait_for_timeout(3000)
        proxy.refuse = {"/Checkbox.": 1000}
        labeler.drag((40, 40), (120, 120))
        labeler.saved()
        page.get_by_role("button", name="Options").click()
        expect(page.get_by_text("Include images")).to_be_visible()
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
