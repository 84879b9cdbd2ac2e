"""A real server and a real browser for each test that wants them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.drawable import Drawable
from tests.e2e.labeler import Labeler, Tab
from tests.e2e.pictures import Pictures
from tests.e2e.starter import Started, Starter

ROOT = Path(__file__).parents[2]
# Two pages of the address bar, which nobody sees here, come with every window and cost half as much
# as ours. Playwright's own list gives way to this one: the rest is what matters of it.
OFF = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AimEnabled", "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades", "LensOverlay", "MediaRouter", "NetworkTimeServiceQuerying",
    "OptimizationHints", "PreconnectToSearch", "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose", "ThirdPartyStoragePartitioning",
)  # fmt: skip
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
    f"--disable-features={','.join(OFF)}",
)  # fmt: skip
START_S = 120
LOST_PART = "Cannot set a node at a delta path"
LOST_PARTS = (LOST_PART, "Bad delta path index ")
"""What Streamlit 1.67 now and then throws after a cut connection. It is a failure unless the page
is there again: Labeler loads a page anew that Streamlit has dropped."""
IS_THERE = "document.getElementById('root')?.childElementCount > 0"


class Server:
    """`python app.py` on a folder and a free port of loopback; sooner by a starter."""

    def __init__(
        self, folder: Path, log: Path, env: dict[str, str], starter: Starter | None = None
    ) -> None:
        self.folder = folder
        self.log = log
        self.env = env
        self.starter = starter
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | Started | None = None

    def start(self) -> Server:
        env = {key: value for key, value in os.environ.items() if not key.startswith("LABELER_")}
        env |= {"LABELER_STORAGE": str(self.folder), "PORT": str(self.port), **self.env}
        self.process = self.launch(env)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"{self.url}/api/health", timeout=20):
                    return self
            except (urllib.error.URLError, OSError):
                time.sleep(0.02)
        self.stop()
        raise AssertionError(f"The server did not start: {self.log.read_text()}")

    def launch(self, env: dict[str, str]) -> subprocess.Popen[bytes] | Started:
        if self.starter:
            return self.starter.start(env, self.log)
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=env, stdout=log, stderr=log
            )

    def stop(self, *, kill: bool = False, within: float = 60) -> int:
        if self.process is None:
            return 0
        (self.process.kill if kill else self.process.terminate)()
        code = self.process.wait(within)
        self.process = None
        return code

    def restart(self) -> None:
        self.stop()
        self.start()


class Serve(Protocol):
    """Starts a server, on the test's folder or another one, with settings."""

    def __call__(self, folder: Path | None = None, **env: str) -> Server: ...


class Address(Protocol):
    """Whatever serves the page: a server, or a proxy before several."""

    @property
    def url(self) -> str: ...


AnyTab = TypeVar("AnyTab", bound=Tab, covariant=True)


class NewTab(Protocol[AnyTab]):
    """Opens the page of a server in a browser of its own."""

    def __call__(
        self, server: Address, path: str = "/", size: tuple[int, int] = (1280, 900)
    ) -> AnyTab: ...


NewLabeler = NewTab[Labeler]
NewDrawable = NewTab[Drawable]


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def _serving(place: Path, starter: Starter | None) -> Iterator[Serve]:
    servers: list[Server] = []

    def start(folder: Path | None = None, **env: str) -> Server:
        log = place / f"server{len(servers)}.log"
        servers.append(Server(folder or place / "data", log, env, starter))
        return servers[-1].start()

    yield start
    for server in servers:
        server.stop()
        text = server.log.read_text()
        assert "Traceback" not in text, text


@pytest.fixture(scope="session")
def starter() -> Iterator[Starter]:
    found = Starter()
    yield found
    found.stop()


@pytest.fixture
def serve(tmp_path: Path, starter: Starter) -> Iterator[Serve]:
    """Starts servers: `serve(LABELER_LABELS="a,b")`; all end with the test."""
    with _serving(tmp_path, starter) as start:
        yield start


@pytest.fixture(scope="module")
def serve_to_all(tmp_path_factory: pytest.TempPathFactory, starter: Starter) -> Iterator[Serve]:
    """The same for all tests of a file, each of which adds images of its own."""
    with _serving(tmp_path_factory.mktemp("served"), starter) as start:
        yield start


@pytest.fixture
def serve_slowly(tmp_path: Path) -> Iterator[Serve]:
    """The same, by a Python of each server's own: for what depends on how it starts."""
    with _serving(tmp_path, None) as start:
        yield start


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "The browser tests need Chromium: run them by `make test`."
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield launched
        launched.close()


@contextmanager
def _tabs(browser: Browser, kind: type[AnyTab]) -> Iterator[NewTab[AnyTab]]:
    pages: list[Page] = []
    errors: list[str] = []

    def open_page(server: Address, path: str = "/", size: tuple[int, int] = (1280, 900)) -> AnyTab:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]})
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        pages.append(page)
        tab = kind(page, server.url)
        tab.open(path)
        return tab

    yield open_page
    others = [error for error in errors if not error.startswith(LOST_PARTS)]
    is_healed = others == errors or all(page.evaluate(IS_THERE) for page in pages)
    for page in pages:
        page.context.close()
    assert (others if is_healed else errors) == []


@pytest.fixture
def new_labeler(browser: Browser) -> Iterator[NewLabeler]:
    """Another person with a browser of their own: `new_labeler(server)`."""
    with _tabs(browser, Labeler) as open_page:
        yield open_page


@pytest.fixture
def new_drawable(browser: Browser) -> Iterator[NewDrawable]:
    """The same on the drawable canvas, of a server that shows it."""
    with _tabs(browser, Drawable) as open_page:
        yield open_page


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Makes image files of this test's own."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Pictures(folder)
