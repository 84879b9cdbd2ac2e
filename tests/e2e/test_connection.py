"""The tab's connection: let go while nobody is there, taken up again, and told as it is."""

from __future__ import annotations

import http.client

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import documents, eventually, rects
from tests.e2e.pictures import Pictures
from tests.e2e.proxy import Proxy

pytestmark = pytest.mark.e2e


PAUSED = "Paused. Everything is saved. Click or press any key to continue."
BACK = "Back online. Everything is saved."
ALONE = "Not connected. Your boxes are kept here."


PAUSE_S = 60
NOTE_SAYINGS = """() => {
  const line = document.querySelector(".labeler-connection");
  const said = (globalThis.said = [line.textContent]);
  new MutationObserver(() => said.push(line.textContent)).observe(line, { childList: true });
}"""
TAKE_SAYING = """(text) => {
  const place = said.indexOf(text);
  if (place >= 0) said.splice(0, place + 1);
  return place >= 0;
}"""


def note_sayings(page: Page) -> None:
    """Keep all that the page says of its connection: some of it is there for seconds only."""
    page.locator(".labeler-connection").wait_for(state="attached")
    page.evaluate(NOTE_SAYINGS)


def says(page: Page, text: str) -> None:
    """Wait until the page says that of its connection, after what it said before."""
    page.wait_for_function(TAKE_SAYING, arg=text)


def leave_alone(page: Page) -> None:
    """Have the page believe that nobody has touched it for the time of a pause."""
    page.evaluate(
        "(ms) => { const now = Date.now; Date.now = () => now() + ms; }", (PAUSE_S + 1) * 1000
    )


@pytest.mark.parametrize("by", ["click", "key"])
def test_a_tab_that_is_left_alone_lets_its_instance_go(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, by: str
) -> None:
    """And goes on with another one: the same image, every box, and its own history."""
    first = serve(LABELER_LABELS="cat", LABELER_PAUSE_AFTER_S=str(PAUSE_S))
    files = pictures.series(2)
    with Proxy(seed=1) as proxy:
        proxy.instances = [first.port]
        labeler = new_labeler(proxy)
        labeler.upload(*files)
        labeler.at(files[0].name)
        labeler.next()
        labeler.at(files[1].name)
        labeler.drag((40, 40), (140, 120))
        page = labeler.page
        note_sayings(page)
        leave_alone(page)
        says(page, PAUSED)
        assert len(rects(first.folder, files[1].name)) == 1
        eventually(lambda: proxy.websockets == 0)
        labeler.drag((200, 40), (300, 120))  # the press is a click to go on, no box
        eventually(lambda: proxy.websockets == 1)
        says(page, BACK)
        leave_alone(page)
        says(page, PAUSED)
        eventually(lambda: proxy.websockets == 0)
        proxy.instances = []
        assert first.stop() == 0
        proxy.instances = [serve(LABELER_LABELS="cat", LABELER_PAUSE_AFTER_S="0").port]
        if by == "click":
            page.mouse.click(300, 300)
        else:
            page.keyboard.press("d")
        says(page, BACK)
        labeler.at(files[1].name)
        labeler.has_boxes(1)
        labeler.drag((40, 140), (140, 220))
        labeler.saved()
        assert len(rects(first.folder, files[1].name)) == 2
        labeler.keys("Control+z", "Control+z")
        labeler.has_boxes(0)
        labeler.saved()
        assert rects(first.folder, files[1].name) == []
        labeler.previous()
        labeler.at(files[0].name)
        leave_alone(page)
        page.wait_for_timeout(3500)
        assert proxy.websockets == 1  # 0 seconds: never


def test_what_is_not_saved_keeps_the_connection(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS="cat", LABELER_PAUSE_AFTER_S=str(PAUSE_S))
    with Proxy(seed=1) as proxy:
        proxy.instances = [server.port]
        labeler = new_labeler(proxy)
        labeler.upload(pictures.photo("cat.jpg"))
        labeler.at("cat.jpg")
        folder = server.folder / "annotations"
        aside = server.folder / "aside"
        folder.rename(aside)
        folder.write_text("in the way")
        labeler.drag((40, 40), (140, 120))
        expect(labeler.root).to_have_attribute("data-save", "failed")
        note_sayings(labeler.page)
        leave_alone(labeler.page)
        labeler.page.wait_for_timeout(12_000)
        assert proxy.websockets == 1
        folder.unlink()
        aside.rename(folder)
        says(labeler.page, PAUSED)
        assert len(rects(server.folder, "cat.jpg")) == 1


def test_the_page_says_that_it_is_alone_and_lets_one_draw(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """No "saved" while nothing can be saved, no dialog over the canvas, and no click swallowed."""
    server = serve(LABELER_LABELS="cat")
    files = pictures.series(2)
    with Proxy(seed=1) as proxy:
        proxy.instances = [server.port]
        labeler = new_labeler(proxy)
        labeler.upload(*files)
        labeler.at(files[0].name)
        labeler.drag((40, 40), (140, 120))
        labeler.saved()
        page = labeler.page
        [following] = [
            path.stem
            for path in (server.folder / "annotations").glob("*.json")
            if path.stem != labeler.image
        ]
        for kind in ("annotations", "images"):  # the next image is fetched ahead, and whole
            part = f"/api/{kind}/{following}"
            eventually(
                lambda part=part: any(
                    part in path and "width=" not in path for path in proxy.answered
                )
            )
        note_sayings(page)
        proxy.instances = []
        server.stop(kill=True)
        says(page, ALONE)
        page.wait_for_timeout(15_000)  # Streamlit's own dialog would be here by now
        labeler.drag((200, 40), (300, 120))
        labeler.drag((40, 140), (140, 220))
        labeler.has_boxes(3)
        expect(labeler.root).to_have_attribute("data-save", "failed")
        expect(labeler.root.locator(".save")).to_contain_text("Not saved")
        expect(page.locator("[role=dialog]")).to_have_count(0)
        labeler.next()
        labeler.at(files[1].name)
        proxy.instances = [serve(LABELER_LABELS="cat").port]
        labeler.saved()
        assert len(documents(server.folder)[files[0].name]["rects"]) == 3
        labeler.followed()


def test_another_machine_keeps_the_workbench(
    serve_slowly: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """The page must not take itself for a new one there: what is not sent would be gone."""
    sites = []
    for number in (1, 2):
        site = pictures.folder / f"machine{number}"
        site.mkdir()
        (site / "sitecustomize.py").write_text(
            "import os.path, uuid\n"
            "isfile = os.path.isfile\n"
            "os.path.isfile = lambda path: 'machine-id' not in str(path) and isfile(path)\n"
            f"uuid.getnode = lambda: {number}\n"
        )
        sites.append(str(site))
    first = serve_slowly(LABELER_LABELS="cat", PYTHONPATH=sites[0])
    second = serve_slowly(LABELER_LABELS="cat", PYTHONPATH=sites[1])
    with Proxy(seed=1) as proxy:
        proxy.instances = [first.port]
        labeler = new_labeler(proxy)
        labeler.upload(pictures.photo("cat.jpg"))
        labeler.at("cat.jpg")
        labeler.root.evaluate("(bench) => { bench.isTheSame = true; }")
        labeler.drag((40, 40), (140, 120))
        note_sayings(labeler.page)
        labeler.page.wait_for_timeout(40)  # not sent yet
        first.stop(kill=True)
        proxy.instances = [second.port]
        labeler.saved()
        assert len(rects(first.folder, "cat.jpg")) == 1
        says(labeler.page, BACK)
        assert labeler.ready().root.evaluate("(bench) => bench.isTheSame")


@pytest.mark.parametrize("offered", ["permessage-deflate; client_max_window_bits", ""])
def test_what_pages_are_sent_is_packed_for_whoever_can_unpack_it(
    serve: Serve, offered: str
) -> None:
    with Proxy(seed=1) as proxy:
        proxy.instances = [serve().port]
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=30)
        wanted = {"Sec-WebSocket-Extensions": offered} if offered else {}
        connection.request(
            "GET",
            "/_stcore/stream",
            headers={
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
                "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
                "Sec-WebSocket-Protocol": "streamlit",
                **wanted,
            },
        )
        answer = connection.getresponse()
        agreed = answer.headers.get("Sec-WebSocket-Extensions", "")
        assert answer.status == 101
        assert agreed.partition(";")[0] == offered.partition(";")[0]
        connection.close()
