"""The workbench's data half in a real browser: what it keeps when tabs, browsers and networks die.

The session runs in a page of the test's own on the origin of the real API, without Streamlit.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Route

from tests.api.support import Api, Served
from tests.e2e.browsers import Browsers
from tests.e2e.labeler import WAIT_MS
from tests.pictures import png

SCRIPTS = Path(__file__).parents[2] / "labeler" / "ui" / "workbench"
SIDE = 400

PAGE = """<!doctype html><title>session</title><script type="module">
import { createSession } from "./session.js";
window.start = (image, person) => {
  window.session = createSession({
    baseUrl: location.origin, token: () => "", renewToken: async () => "", client: "tests",
    person, image,
  });
};
window.draw = (id, left) => session.dispatch({ type: "add", image: session.state.image,
  rect: { left, top: 20, width: 30, height: 40, label: "object", id } });
window.journaled = () => new Promise((done) => {
  const opening = indexedDB.open("labeler-workbench");
  opening.onsuccess = () => {
    const database = opening.result;
    const all = database.transaction("records").objectStore("records").getAll();
    all.onsuccess = () => { database.close(); done(all.result.map((r) => r.wanted).join()); };
  };
});
</script>"""

FULL_DISK = """IDBObjectStore.prototype.put = () => {
  throw new DOMException("There is no room.", "QuotaExceededError");
};"""


REPORT = """journaled().then((held) => JSON.stringify({
  held, doc: session.state.doc, save: session.state.save, phase: session.state.phase,
}))"""


class Tab:
    """A page with a session on an image."""

    def __init__(self, page: Page, api: Api) -> None:
        self.page = page
        self._url = f"{api.client.base_url}/workbench-test/index.html"

    def start(self, image: str, person: str = "ana") -> Tab:
        self.page.goto(str(self._url))
        self.page.evaluate("([image, person]) => start(image, person)", [image, person])
        self.until("session.state.phase === 'ready'")
        return self

    def until(self, condition: str) -> None:
        """Wait until that is true; fail with what the session and the journal hold.

        It asks by itself: Playwright asks once a frame, and a page that draws nothing may get none.
        """
        deadline = time.monotonic() + WAIT_MS / 1000
        while not self.page.evaluate(condition):
            if time.monotonic() > deadline:
                raise AssertionError(f"{condition}: {self.page.evaluate(REPORT)}")
            self.page.wait_for_timeout(20)

    def draw(self, rect_id: str, left: float = 10) -> None:
        assert self.page.evaluate("([id, left]) => draw(id, left)", [rect_id, left])

    def delete(self, rect_id: str) -> None:
        assert self.page.evaluate("id => session.dispatch({type: 'delete', ids: [id]})", rect_id)

    def kept(self, rect_id: str) -> None:
        """Wait until the journal holds the box."""
        self.until(f"journaled().then((held) => held.includes('{rect_id}'))")

    def saved(self) -> None:
        self.until("session.state.save.state === 'saved'")

    def state(self, name: str) -> Any:
        return self.page.evaluate(f"session.state.{name}")


class Tabs(Browsers):
    """Browsers whose pages get the test's page and the scripts of the data half."""

    def __init__(self, browser: Browser, folder: Path, api: Api) -> None:
        super().__init__(browser, folder)
        self._api = api

    def launch(self, profile: str = "profile") -> BrowserContext:
        context = super().launch(profile)
        context.route("**/workbench-test/*", _script)
        return context

    def tab(self, context: BrowserContext) -> Tab:
        return Tab(context.new_page(), self._api)


def _script(route: Route) -> None:
    name = route.request.url.rpartition("/")[2]
    if name == "index.html":
        route.fulfill(body=PAGE, content_type="text/html")
    else:
        text = (SCRIPTS / name).read_text(encoding="utf-8")
        route.fulfill(body=text, content_type="text/javascript")


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    free: list[Served] = []
    opened = Api(tmp_path / "data", free)
    yield opened
    opened.close()
    free.pop().stop()


@pytest.fixture
def browsers(browser: Browser, tmp_path: Path, api: Api) -> Iterator[Tabs]:
    made = Tabs(browser, tmp_path / "browsers", api)
    yield made
    made.close()


@pytest.fixture
def new_image(api: Api) -> Callable[[str], str]:
    return lambda name: api.image(name, png(SIDE, SIDE - len(name)))


def stored(api: Api, image: str) -> list[str]:
    answer = api.client.get(f"/api/annotations/{image}")
    assert answer.status_code == 200
    return sorted(rect["id"] for rect in answer.json()["rects"])


def hold_writes(context: BrowserContext) -> None:
    """Let no write reach the server or be answered."""
    context.route("**/api/annotations/*", _hold)


def _hold(route: Route) -> None:
    if route.request.method != "PUT":
        route.continue_()


def lose_answers(context: BrowserContext) -> None:
    """Let every write land, and cut the connection before its answer."""
    context.route("**/api/annotations/*", _lose)


def _lose(route: Route) -> None:
    if route.request.method != "PUT":
        route.continue_()
        return
    with suppress(Error):  # the browser may be killed while a write is on its way
        route.fetch()
        route.abort("connectionreset")


@pytest.mark.parametrize("cut", [hold_writes, lose_answers])
def test_a_browser_that_is_killed_before_a_write_was_answered_loses_no_box(
    api: Api,
    browsers: Tabs,
    new_image: Callable[[str], str],
    cut: Callable[[BrowserContext], None],
) -> None:
    image = new_image("a.png")
    first = browsers.launch()
    cut(first)
    tab = browsers.tab(first).start(image)
    tab.draw("box1")
    tab.draw("box2", 60)
    tab.kept("box2")
    browsers.kill(first)
    again = browsers.tab(browsers.launch()).start(image)
    again.until("session.state.doc.rects.length === 2")
    again.saved()
    assert stored(api, image) == ["box1", "box2"]
    again.until("journaled().then((held) => held === '')")


def test_work_without_a_network_outlives_reloads_and_closed_tabs(
    api: Api, browsers: Tabs, new_image: Callable[[str], str]
) -> None:
    image = new_image("a.png")
    context = browsers.launch()
    tab = browsers.tab(context).start(image)
    hold = browsers.tab(context).start(image)
    context.set_offline(True)
    tab.draw("offline1")
    tab.kept("offline1")
    tab.until("session.state.save.state === 'offline'")
    tab.page.close()  # its work is taken over by the other tab, which has the image open
    context.set_offline(False)
    hold.until("session.state.doc.rects.some((rect) => rect.id === 'offline1')")
    hold.saved()
    assert stored(api, image) == ["offline1"]


def test_two_tabs_on_one_image_keep_the_boxes_of_both(
    api: Api, browsers: Tabs, new_image: Callable[[str], str]
) -> None:
    image = new_image("a.png")
    context = browsers.launch()
    tabs = [browsers.tab(context).start(image) for _ in range(2)]
    drawn = []
    for number in range(30):
        drawn.append(f"box{number:05d}")
        tabs[number % 2].draw(drawn[-1], number)
    for tab in tabs:
        tab.saved()
    assert stored(api, image) == drawn


def test_a_full_disk_is_reported_and_the_box_is_saved(
    api: Api, browsers: Tabs, new_image: Callable[[str], str]
) -> None:
    image = new_image("a.png")
    context = browsers.launch()
    context.add_init_script(FULL_DISK)
    tab = browsers.tab(context).start(image)
    context.set_offline(True)
    tab.draw("box")
    tab.until('session.state.save.message.includes("can\'t keep a copy")')
    context.set_offline(False)
    tab.saved()
    assert stored(api, image) == ["box"]


def test_going_on_at_any_moment_after_a_box_leaves_each_box_on_its_image(
    api: Api, browsers: Tabs, new_image: Callable[[str], str]
) -> None:
    images = [new_image(f"{number}.png") for number in range(6)]
    tab = browsers.tab(browsers.launch()).start(images[0])
    tab.until("session.state.position !== null")
    chance = random.Random(5)
    delays = [chance.choice([0, 0, 1, 5, 20, 60, 150, 400]) for _ in range(100)]
    drawn = tab.page.evaluate(
        """async (delays) => {
          const drawn = {};
          const ready = async () => {
            while (session.state.phase !== "ready") await new Promise((go) => setTimeout(go, 1));
          };
          let step = 1;
          for (const [number, delay] of delays.entries()) {
            await ready();
            const { image } = session.state;
            const id = `box${String(number).padStart(5, "0")}`;
            if (!draw(id, number)) throw new Error(`${id} was not drawn`);
            (drawn[image] ??= []).push(id);
            await new Promise((go) => setTimeout(go, delay));
            const went = step > 0 ? await session.next() : await session.previous();
            if (went === null) step = -step;
          }
          return drawn;
        }""",
        delays,
    )
    tab.saved()
    assert sum(len(ids) for ids in drawn.values()) == len(delays)
    assert {image: stored(api, image) for image in images if image in drawn} == drawn
    assert len(drawn) == len(images)


def test_another_persons_work_is_offered_and_never_sent_automatically(
    api: Api, browsers: Tabs, new_image: Callable[[str], str]
) -> None:
    image, other = new_image("a.png"), new_image("b.png")
    context = browsers.launch()
    context.set_offline(False)
    ana = browsers.tab(context).start(image, "ana")
    context.set_offline(True)
    ana.draw("anas")
    ana.kept("anas")
    # A tab that is being closed may still hear that the network is back, and send its own work.
    ana.page.goto("about:blank")
    ana.page.close()
    context.set_offline(False)
    bo = browsers.tab(context).start(other, "bo")
    bo.draw("bos")
    bo.saved()
    assert bo.state("foreign") == [{"person": "ana", "images": 1}]
    assert api.client.get(f"/api/annotations/{image}").json()["rects"] == []
    bo.page.evaluate("session.adoptFrom('ana')")
    bo.until("session.state.foreign.length === 0")
    bo.saved()
    assert stored(api, image) == ["anas"]
