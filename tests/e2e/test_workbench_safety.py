"""Nothing that was drawn is lost, doubled, or found on another image, whatever ends or is cut.

Through the real page. SOAK_ROUNDS makes the long form; `make soak` sets it.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from labeler.access.tokens import Purpose, Signer, new_token
from tests.e2e.browsers import Browsers
from tests.e2e.conftest import ROOT, NewLabeler, Serve, Server
from tests.e2e.labeler import Labeler, documents, eventually
from tests.e2e.pictures import Pictures
from tests.e2e.provider import Provider
from tests.e2e.proxy import Proxy
from tests.e2e.safety import (
    LABELS,
    Point,
    arrived,
    box,
    corners,
    fill,
    finished,
    hold_writes,
    is_put,
    journal,
)

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "20"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
SECRET = "a secret that all instances share"


@pytest.fixture
def browsers(browser: Browser, tmp_path: Path) -> Iterator[Browsers]:
    made = Browsers(browser, tmp_path / "browsers")
    yield made
    made.close()


# --- going on at any moment ---------------------------------------------------------------


def test_a_box_right_before_the_next_image_is_on_its_image(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Through a proxy before three instances: each call is answered by another one."""
    chance = random.Random(SEED)
    files = pictures.series(5)
    servers = [serve(LABELER_LABELS=LABELS) for _ in range(3)]
    with Proxy(SEED) as proxy:
        proxy.instances = [server.port for server in servers]
        fill(servers[0], files)
        labeler = new_labeler(proxy)
        drawn: dict[str, list[Point]] = {file.name: [] for file in files}
        place, step = 0, 1
        labeler.at(files[0].name)
        for number in range(ROUNDS):
            at = (5 + number * 37 % 280, 5 + number * 23 % 200)
            box(labeler, at)
            drawn[files[place].name].append(at)
            labeler.page.wait_for_timeout(chance.choice((0, 0, 1, 20, 60, 150, 400)))
            if not 0 <= place + step < len(files):
                step = -step
            labeler.keys("d" if step > 0 else "a")
            place += step
            labeler.at(files[place].name)
        labeler.saved()
        assert journal(labeler.page) == []
        folder = servers[0].folder
        for name, points in drawn.items():
            assert corners(folder, name) == sorted(points), name


# --- without a network --------------------------------------------------------------------


def test_work_goes_on_without_a_network_over_images_that_were_fetched_ahead(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    files = pictures.series(6)
    ids = fill(server, files)
    labeler = new_labeler(server, "/?view=data")
    page = labeler.page
    seen = finished(page)
    page.goto(f"{server.url}/?image={ids[1]}")
    labeler.at(files[1].name)
    ahead = {
        f"{server.url}/api/{kind}/{one}" for kind in ("images", "annotations") for one in ids[2:5]
    }
    arrived(page, lambda: ahead <= set(seen))
    page.context.set_offline(True)
    for number, file in enumerate(files[1:5], start=1):
        labeler.at(file.name)
        box(labeler, (20, 30))
        expect(labeler.root).not_to_have_attribute("data-save", "saved")
        expect(labeler.root).to_have_attribute("data-unsaved", str(number))
        if number < 4:
            labeler.keys("d")
    expect(labeler.root).to_have_attribute("data-save", "offline")
    expect(labeler.root.get_by_role("status").first).to_contain_text("Offline. Changes of 4 images")
    eventually(lambda: sorted(journal(page)) == sorted(ids[1:5]))
    assert not any(corners(server.folder, file.name) for file in files)
    page.context.set_offline(False)
    labeler.saved()
    assert [corners(server.folder, file.name) for file in files] == [
        [], [(20, 30)], [(20, 30)], [(20, 30)], [(20, 30)], []
    ]  # fmt: skip


def test_each_state_of_saving_is_reported_as_it_is(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    file = pictures.photo(size=(320, 240))
    fill(server, [file])
    labeler = new_labeler(server)
    labeler.at(file.name)
    labeler.saved()
    states = """root => {
      window.states = [];
      new MutationObserver(() => states.push(`${root.dataset.save} ${root.dataset.unsaved}`))
        .observe(root, { attributeFilter: ["data-save", "data-unsaved"] });
    }"""
    labeler.root.evaluate(states)
    answers: list[Callable[[Route], None]] = [
        lambda route: route.fulfill(status=503, body="{}"),
        lambda route: route.abort("connectionreset"),
    ]
    puts: list[int] = []

    def answer(route: Route) -> None:
        if not is_put(route):
            return route.fallback()
        puts.append(len(corners(server.folder, file.name)))
        return answers.pop(0)(route) if answers else route.continue_()

    labeler.page.route("**/api/annotations/*", answer)
    box(labeler, (20, 30))
    labeler.saved()
    assert corners(server.folder, file.name) == [(20, 30)]
    assert puts == [0, 0, 0]
    seen = labeler.page.evaluate("states.map((state) => state.split(' '))")
    assert [name for name, _ in seen][-1] == "saved"
    assert {"pending", "failed", "offline"} <= {name for name, _ in seen}
    assert all((name == "saved") == (count == "0") for name, count in seen[-1:] + seen[:1])
    assert [name for name, _ in seen].count("saved") == 1


def test_a_full_disk_is_reported_in_the_bar_and_the_box_is_saved(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    file = pictures.photo(size=(320, 240))
    fill(server, [file])
    labeler = new_labeler(server)
    labeler.at(file.name)
    labeler.page.evaluate("""() => {
      IDBObjectStore.prototype.put = function () {
        this.transaction.abort();
      };
    }""")
    labeler.page.context.set_offline(True)
    box(labeler, (20, 30))
    bar = labeler.root.locator(".save")
    expect(bar).to_have_text("Offline. Changes of 1 image in this tab alone. Keep it open")
    labeler.page.context.set_offline(False)
    labeler.saved()
    expect(bar).to_have_text("Saved")
    assert corners(server.folder, file.name) == [(20, 30)]


# --- what ends ----------------------------------------------------------------------------


def test_a_reload_and_a_killed_browser_lose_nothing_and_send_nothing_twice(
    serve: Serve, browsers: Browsers, pictures: Pictures
) -> None:
    server = serve(LABELER_LABELS=LABELS)
    files = pictures.series(2)
    ids = fill(server, files)

    def opened(context: BrowserContext) -> Labeler:
        labeler = Labeler(context.new_page(), server.url)
        labeler.open(f"/?image={ids[0]}")
        labeler.at(files[0].name)
        return labeler

    first = browsers.launch()
    hold_writes(first)
    labeler = opened(first)
    box(labeler, (20, 30))
    eventually(lambda: journal(labeler.page) == [ids[0]])
    labeler.page.reload()
    labeler.at(files[0].name)
    labeler.has_boxes(1)
    expect(labeler.root).to_have_attribute("data-save", "pending")
    box(labeler, (80, 60))
    labeler.keys("d")
    labeler.at(files[1].name)
    box(labeler, (40, 50))
    eventually(lambda: set(journal(labeler.page)) == set(ids))
    browsers.kill(first)
    assert not any(corners(server.folder, file.name) for file in files)

    again = opened(browsers.launch())
    again.has_boxes(2)
    again.saved()
    assert corners(server.folder, files[0].name) == [(20, 30), (80, 60)]
    assert corners(server.folder, files[1].name) == [(40, 50)]
    eventually(lambda: journal(again.page) == [])


def test_a_page_that_sleeps_goes_on_where_it_was(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """The browser freezes a tab with a write on its way; meanwhile somebody else draws."""
    server = serve(LABELER_LABELS=LABELS)
    file = pictures.photo(size=(320, 240))
    ids = fill(server, [file])
    labeler = new_labeler(server)
    labeler.at(file.name)
    hold = labeler.page.context.new_cdp_session(labeler.page)
    box(labeler, (20, 30))
    hold.send("Page.setWebLifecycleState", {"state": "frozen"})
    url = f"{server.url}/api/annotations/{ids[0]}"
    while True:
        stored = httpx.get(url)
        document = stored.json()
        document["rects"].append(
            {"left": 200, "top": 100, "width": 20, "height": 20, "label": "dog", "id": "others01"}
        )
        headers = {"X-Labeler-Client": "other", "If-Match": stored.headers["ETag"]}
        if httpx.put(url, json=document, headers=headers).status_code == 200:
            break
    hold.send("Page.setWebLifecycleState", {"state": "active"})
    labeler.has_boxes(2)
    labeler.saved()
    assert corners(server.folder, file.name) == [(20, 30), (200, 100)]


class OtherVersion(Server):
    """The program from a copy of its files, in which a script of the workbench is another one."""

    def __init__(self, copy: Path, folder: Path, log: Path) -> None:
        super().__init__(folder, log, {"LABELER_LABELS": LABELS, "LABELER_SECRET_KEY": SECRET})
        self.copy = copy
        for name in ("labeler", ".streamlit"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "app.py", copy)
        changed = copy / "labeler/ui/workbench/time.js"
        changed.write_text(changed.read_text() + "\n// Another version.\n")

    def launch(self, env: dict[str, str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "app.py"], cwd=self.copy, env=env, stdout=log, stderr=log
            )


def test_a_deploy_takes_nothing_from_who_is_labeling(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, tmp_path: Path
) -> None:
    """All instances are replaced by another version: the workbench that is open goes on."""
    old = serve(LABELER_SECRET_KEY=SECRET, LABELER_LABELS=LABELS)
    files = pictures.series(3)
    fill(old, files)
    new = OtherVersion(tmp_path / "copy", old.folder, tmp_path / "other.log")
    with Proxy(SEED) as proxy:
        proxy.instances = [old.port]
        labeler = new_labeler(proxy)
        labeler.at(files[0].name)
        box(labeler, (20, 30))
        labeler.keys("2")
        version = "performance.getEntriesByType('resource').map((one) => one.name)" \
            ".filter((name) => name.endsWith('/mount.js'))"  # fmt: skip
        before = labeler.page.evaluate(version)
        labeler.root.evaluate("root => root.isTheSame = true")
        try:
            new.start()
            proxy.instances = [new.port]
            assert old.stop() == 0
            box(labeler, (80, 60))
            labeler.keys("d")
            labeler.at(files[1].name)
            box(labeler, (40, 50))
            labeler.page.locator(":root[data-connection=here]").wait_for(state="attached")
            labeler.saved()
            assert labeler.root.evaluate("root => root.isTheSame") is True
            labeler.followed()
            labeler.page.reload()
            labeler.at(files[1].name)
            labeler.has_boxes(1)
            after = labeler.page.evaluate(version)
        finally:
            new.stop()
    assert len(before) == len(after) == 1
    assert before != after
    assert "Traceback" not in new.log.read_text()
    assert corners(old.folder, files[0].name) == [(20, 30), (80, 60)]
    assert corners(old.folder, files[1].name) == [(40, 50)]
    labels = [rect["label"] for file in files[:2]
              for rect in documents(old.folder)[file.name]["rects"]]  # fmt: skip
    assert sorted(labels) == ["cat", "dog", "dog"]


def test_a_token_that_expired_is_renewed_also_after_the_websocket_was_cut(
    serve: Serve, browser: Browser, pictures: Pictures
) -> None:
    files = pictures.series(2)
    signer = Signer(SECRET.encode())
    old = signer.sign(new_token(Purpose.API, "ana@example.com", time.time() - 7200))
    with Provider(ana={"email_verified": True}) as provider, Proxy(SEED) as proxy:
        environ = {**provider.settings(proxy.url), "LABELER_SECRET_KEY": SECRET}
        server = serve(None, LABELER_LABELS=LABELS, **environ)
        proxy.instances = [server.port]
        fresh = signer.sign(new_token(Purpose.API, "ana@example.com", time.time()))
        fill(server, files, fresh)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        labeler = Labeler(page, proxy.url)
        page.goto(proxy.url)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="ana@example.com").click()
        labeler.at(files[0].name)
        answers: list[int] = []
        page.on(
            "response",
            lambda answer: (
                answers.append(answer.status) if answer.request.method == "PUT" else None
            ),
        )

        def expired(route: Route) -> None:
            if is_put(route):
                route.continue_(headers={**route.request.headers, "authorization": f"Bearer {old}"})
                page.unroute("**/api/annotations/*", expired)
            else:
                route.fallback()

        page.route("**/api/annotations/*", expired)
        box(labeler, (20, 30))
        labeler.saved()
        assert answers == [401, 200]

        page.route("**/api/annotations/*", expired)
        box(labeler, (80, 60))
        proxy.cut_websockets()
        labeler.keys("d")
        labeler.at(files[1].name)
        labeler.saved()
        context.close()
    assert answers == [401, 200, 401, 200]
    assert corners(server.folder, files[0].name) == [(20, 30), (80, 60)]
    assert documents(server.folder)[files[0].name]["metadata"]["saved_by"] == "ana@example.com"
    assert corners(server.folder, files[1].name) == []
