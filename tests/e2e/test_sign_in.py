"""Signing in, in a real browser: by a provider and by a proxy, and what each person may then do."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.sync_api import Browser, Page, Response, Route, expect

from labeler.access.policy import ASSERTION_HEADER, TOKEN_HEADER
from labeler.access.tokens import Purpose, Signer, new_token
from tests.access import iap_proxy
from tests.e2e.conftest import NewLabeler, Serve
from tests.e2e.labeler import Labeler, documents, eventually, rects
from tests.e2e.pictures import Pictures
from tests.e2e.provider import Provider
from tests.e2e.proxy import Proxy
from tests.loops import run_alone

pytestmark = pytest.mark.e2e

SECRET = {
    "LABELER_SECRET_KEY": "a secret that all instances share",
}
LISTS = {"LABELER_ADMINS": "ana@example.com", "LABELER_LABELERS": "ben@example.com"}
TOKEN = re.compile(r"token=([A-Za-z0-9_.-]+)")

Tab = Callable[[str], Labeler]


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    """Another person's browser at that address, wherever it leads."""
    pages: list[Page] = []
    errors: list[str] = []

    def open_tab(url: str) -> Labeler:
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        page.goto(url)
        return Labeler(page, url)

    yield open_tab
    for page in pages:
        page.context.close()
    assert not errors


def status(url: str, headers: dict[str, str] | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers or {})) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def addresses(labeler: Labeler) -> list[str]:
    """Those that the tab asks for from now on, with how each was answered."""
    seen: list[str] = []

    def note(response: Response) -> None:
        seen.append(f"{response.status} {response.url}")

    labeler.page.on("response", note)
    return seen


def button(labeler: Labeler, name: str) -> Any:
    return labeler.page.get_by_role("button", name=name)


def saved_by(labeler: Labeler, folder: Path, name: str, email: str) -> None:
    """Wait until everything is saved; the document names that person."""
    labeler.saved()
    assert documents(folder)[name]["metadata"]["saved_by"] == email


# --- oidc ---------------------------------------------------------------------------------


def sign_in(labeler: Labeler, email: str) -> None:
    button(labeler, "Sign in").click()
    labeler.page.get_by_role("link", name=email).click()


def test_signing_in_and_out_by_a_provider(serve: Serve, tab: Tab, pictures: Pictures) -> None:
    """Through a proxy before two instances: each takes what the other has signed."""
    accounts: dict[str, dict[str, Any]] = {
        "ana": {"email_verified": True},
        "ben": {},
        "eve": {"email_verified": False},
        "ola": {},
    }
    with Provider(**accounts) as provider, Proxy(seed=1) as proxy:
        environ = {**provider.settings(proxy.url), **SECRET, **LISTS, "LABELER_LABELS": "cat"}
        servers = [
            serve(None, **environ),
            serve(None, **environ),
        ]
        proxy.instances = [server.port for server in servers]
        folder = servers[0].folder

        # Nobody sees or gets anything before.
        ana = tab(proxy.url)
        expect(button(ana, "Sign in")).to_be_visible()
        expect(ana.page.get_by_text("Upload images")).to_have_count(0)
        assert status(f"{proxy.url}/api/images") == 401

        # An admin labels and exports; what she saves has her name.
        seen = addresses(ana)
        sign_in(ana, "ana@example.com")
        ana.page.get_by_text("Upload images").first.wait_for()
        photo = pictures.photo("cat.jpg")
        ana.upload(photo)
        ana.at("cat.jpg")
        ana.drag((40, 40), (140, 120))
        saved_by(ana, folder, "cat.jpg", "ana@example.com")
        button(ana, "Export COCO").click()
        with ana.page.expect_download() as download:
            ana.page.get_by_role("link", name="Download").click()
        exported = json.loads(download.value.path().read_bytes())
        assert len(exported["annotations"]) == 1

        # Images came with a token in a header: no address holds one, and none is open without.
        [picture, *_] = [one for one in seen if "/api/images/" in one]
        assert picture.startswith("200 ")
        assert status(picture.removeprefix("200 ")) == 401
        shown = [one for one in seen if "/api/" in one and "/api/export" not in one]
        assert not any(TOKEN.search(one) for one in shown), shown

        # Somebody else may label, but not export; the address that he came by is where he gets.
        ana.upload(pictures.photo("dog.jpg"))
        ana.at("dog.jpg")
        ana.followed()
        ben = tab(ana.page.url)
        sign_in(ben, "ben@example.com")
        ben.at("dog.jpg")
        ben.previous()
        ben.at("cat.jpg")
        expect(ben.page.get_by_text("Signed in as ben@example.com")).to_be_visible()
        expect(button(ben, "Export COCO")).to_have_count(0)
        ben.drag((200, 40), (300, 120))
        saved_by(ben, folder, "cat.jpg", "ben@example.com")

        # Whom no list names, and whose address nobody has verified, stays outside.
        for email, why in (("ola", "isn't allowed to do this"), ("eve", "never verified")):
            other = tab(proxy.url)
            sign_in(other, f"{email}@example.com")
            expect(other.page.get_by_text(why)).to_be_visible()
            expect(other.page.get_by_text("Upload images")).to_have_count(0)
            button(other, "Sign out").click()
            expect(button(other, "Sign in")).to_be_visible()

        # After signing out the same tab has nothing any more, and the box is there.
        button(ana, "Sign out").click()
        expect(button(ana, "Sign in")).to_be_visible()
        ana.page.reload()
        expect(button(ana, "Sign in")).to_be_visible()
        eventually(lambda: len(rects(folder, "cat.jpg")) == 2)
        for server in servers:
            assert not TOKEN.search(server.log.read_text())


def test_a_cookie_that_was_made_up_signs_nobody_in(serve: Serve, tab: Tab) -> None:
    with Provider(ana={}) as provider:
        server = serve(None, **provider.settings("http://127.0.0.1:1"), **SECRET)
        claims = {"is_logged_in": True, "email": "ana@example.com", "origin": server.url}
        one = tab(server.url)
        one.page.context.add_cookies(
            [{"name": "_streamlit_user", "value": json.dumps(claims), "url": server.url}]
        )
        one.page.goto(server.url)
        expect(button(one, "Sign in")).to_be_visible()


def test_who_is_not_signed_in_begins_no_session(serve: Serve) -> None:
    async def open_session(url: str) -> int:
        async with aiohttp.ClientSession() as http:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(f"{url}/_stcore/stream", protocols=("streamlit",))
            return refused.value.status

    with Provider(ana={}) as provider:
        environ = {**provider.settings("http://127.0.0.1:1"), **SECRET, "LABELER_UPLOADS": "off"}
        server = serve(None, **environ)
        assert run_alone(open_session(server.url)) == 403
        call = urllib.request.Request(
            f"{server.url}/_stcore/upload_file/a/b", data=b"x" * 100, method="PUT"
        )
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(call)


# --- iap ----------------------------------------------------------------------------------


class Guarded(Proxy):
    """Identity-Aware Proxy before the instances: it vouches for one person at each request.

    Like the real one, it takes a bearer for a credential of its own.
    """

    def __init__(self, email: str) -> None:
        super().__init__(seed=1)
        self.email = email
        self.lives_s = 600

    def passed_on(self, head: bytes) -> bytes:
        lines = [
            line
            for line in head.split(b"\r\n")
            if not line.lower().startswith(ASSERTION_HEADER.lower().encode())
        ]
        assert b"\r\nauthorization: bearer" not in head.lower()
        if self.email:
            now = time.time()
            claims = iap_proxy.claims(self.email, now, exp=int(now) + self.lives_s)
            lines.insert(1, f"{ASSERTION_HEADER}: {iap_proxy.signed(claims)}".encode())
        return b"\r\n".join(lines)


@pytest.fixture
def keys() -> Iterator[iap_proxy.KeyServer]:
    with iap_proxy.KeyServer() as server:
        yield server


def behind_iap(keys: iap_proxy.KeyServer) -> dict[str, str]:
    return {
        "LABELER_AUTH": "iap",
        "LABELER_IAP_AUDIENCE": iap_proxy.AUDIENCE,
        "LABELER_IAP_KEYS_URL": keys.url,
        "LABELER_LABELS": "cat",
        **SECRET,
        **LISTS,
    }


def test_labeling_behind_iap(
    serve: Serve,
    tab: Tab,
    new_labeler: NewLabeler,
    pictures: Pictures,
    keys: iap_proxy.KeyServer,
) -> None:
    server = serve(None, **behind_iap(keys))
    with Guarded("ana@example.com") as proxy:
        proxy.instances = [server.port]
        ana = new_labeler(proxy)
        files = pictures.series(2)
        ana.upload(*files)
        ana.at(files[0].name)
        ana.drag((40, 40), (140, 120))
        saved_by(ana, server.folder, files[0].name, "ana@example.com")
        expect(button(ana, "Export COCO")).to_be_visible()
        expect(ana.page.get_by_text("Signed in as ana@example.com")).to_be_visible()

        # A new connection of hers goes on. One of somebody else's does not: her box is neither lost
        # nor stored in his name.
        proxy.cut_websockets()
        ana.next()
        ana.at(files[1].name)
        ana.followed()
        ana.drag((40, 40), (140, 120))
        saved_by(ana, server.folder, files[1].name, "ana@example.com")
        proxy.email = "ben@example.com"
        ana.drag((200, 40), (300, 120))
        proxy.cut_websockets()
        expect(ana.page.get_by_text("has opened this page")).to_be_visible()
        ana.page.reload()
        ana.at(files[1].name)
        expect(ana.page.get_by_text("Signed in as ben@example.com")).to_be_visible()
        expect(button(ana, "Export COCO")).to_have_count(0)
        ana.drag((40, 140), (140, 220))
        saved_by(ana, server.folder, files[1].name, "ben@example.com")
        assert len(rects(server.folder, files[1].name)) == 2
        proxy.email = "ana@example.com"
        ana.page.reload()
        ana.at(files[1].name)
        ana.has_boxes(3)
        saved_by(ana, server.folder, files[1].name, "ana@example.com")
        assert len(rects(server.folder, files[1].name)) == 3

        # Past the proxy nobody gets anything, whatever they say.
        plain = {"X-Goog-Authenticated-User-Email": "accounts.google.com:ana@example.com"}
        assert status(f"{server.url}/api/images", plain) == 401
        outside = tab(server.url)
        expect(outside.page.get_by_text("does not prove who it comes from")).to_be_visible()
        expect(outside.page.get_by_text("Upload images")).to_have_count(0)
        outside.page.context.set_extra_http_headers(plain)
        outside.page.reload()
        expect(outside.page.get_by_text("does not prove who it comes from")).to_be_visible()


def test_a_page_outlives_its_assertion_and_its_tokens(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures, keys: iap_proxy.KeyServer
) -> None:
    server = serve(None, **behind_iap(keys))
    with Guarded("ben@example.com") as proxy:
        proxy.instances = [server.port]
        proxy.lives_s = 3
        ben = new_labeler(proxy)
        files = pictures.series(3)
        ben.upload(files[0])
        ben.at(files[0].name)
        time.sleep(4)
        ben.drag((40, 40), (140, 120))
        saved_by(ben, server.folder, files[0].name, "ben@example.com")

        # A box whose token has expired asks the page for another one, and is saved.
        puts: list[int] = []
        ben.page.on(
            "response",
            lambda answer: puts.append(answer.status) if answer.request.method == "PUT" else None,
        )
        signer = Signer(SECRET["LABELER_SECRET_KEY"].encode())
        old = new_token(Purpose.API, "ben@example.com", time.time() - 7200)

        def with_old_token(route: Route) -> None:
            headers = {**route.request.headers, TOKEN_HEADER.lower(): signer.sign(old)}
            route.continue_(headers=headers)

        late: list[Route] = []

        def first_put_with_old_token(route: Route) -> None:
            # The page asks for the document every few seconds, too.
            if route.request.method != "PUT" or late:
                route.continue_()
                return
            late.append(route)
            with_old_token(route)

        ben.page.route("**/api/annotations/*", first_put_with_old_token)
        ben.drag((160, 40), (240, 120))
        ben.saved()
        assert puts == [401, 200]
        assert len(rects(server.folder, files[0].name)) == 2

        # An upload with an expired token asks the page for another one, and goes on.
        answers: list[int] = []
        ben.page.on(
            "response",
            lambda answer: (
                answers.append(answer.status)
                if answer.request.method == "POST" and answer.url.endswith("/api/images")
                else None
            ),
        )
        ben.page.route("**/api/images", with_old_token, times=1)
        ben.upload(files[1])
        ben.at(files[1].name)
        assert answers == [401, 201]
        assert documents(server.folder)[files[1].name]["metadata"]["saved_by"] == "ben@example.com"

        # One that is refused again says why.
        ben.page.route("**/api/images", with_old_token)
        ben.upload(files[2])
        said = ben.page.locator(".uploader .failures li")
        expect(said).to_contain_text("expired", timeout=60_000)
        assert answers[2:] == [401, 401]


# --- none ---------------------------------------------------------------------------------


def test_a_page_that_strangers_may_reach_says_so(
    serve: Serve, new_labeler: NewLabeler, pictures: Pictures
) -> None:
    """Over the page: it moves nothing, and lets every click through."""
    server = serve(LABELER_LABELS="cat", LABELER_HOSTS="labels.localhost")
    alone = new_labeler(server)
    alone.upload(pictures.photo("cat.jpg"))
    alone.at("cat.jpg")
    expect(alone.page.get_by_role("alert")).to_have_count(0)
    alone.page.goto(server.url.replace("127.0.0.1", "labels.localhost"))
    alone.at("cat.jpg")
    banner = alone.page.get_by_text("Nobody signs in here")
    expect(banner).to_be_visible()
    alone.drag((40, 40), (140, 120))
    alone.saved()
    eventually(lambda: len(rects(server.folder, "cat.jpg")) == 1)
