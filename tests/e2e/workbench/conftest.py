"""One backend, and one page of one browser, for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.workbench.backend import Backend, Host
from tests.e2e.workbench.bench import Bench

LABELS: list[dict[str, Any]] = [
    {"number": 1, "name": "person", "color": "#e6194b", "former": ["people"]},
    {"number": 2, "name": "car", "color": "#3cb44b"},
    {"number": 3, "name": "dog", "color": "#4363d8"},
    {"number": 4, "name": "auto", "color": "#f58231", "merged_into": 2},
    {"number": 5, "name": "cat", "color": "#911eb4", "retired": True},
    *({"number": 6 + n, "name": f"thing {n:02}", "color": "#008080"} for n in range(12)),
]


class Desk:
    """A host, and pages of the workbench on it."""

    def __init__(self, host: Host, context: BrowserContext) -> None:
        self.host = host
        self.backend = host.backend
        self.context = context
        self.errors: list[str] = []
        self._page: Page | None = None

    def open(self, image: str, *, page: Page | None = None) -> Bench:
        """The workbench at that image, on the one page of the tests or on another one."""
        if page is None:
            page = self._page = self._page or self.new_page()
        page.goto(f"{self.host.url}/?image={image}")
        return Bench(page, self.backend.document).wait(image)

    def new_page(self, context: BrowserContext | None = None) -> Page:
        page = (context or self.context).new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page


@pytest.fixture(scope="module")
def desk(browser: Browser) -> Iterator[Desk]:
    host = Host(Backend([dict(label) for label in LABELS]))
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    made = Desk(host, context)
    yield made
    context.close()
    host.stop()
    assert not made.errors
