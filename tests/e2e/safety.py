"""What the tests of the workbench's safety share: images, boxes, and what is stored of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
from playwright.sync_api import BrowserContext, Page, Route

from tests.e2e.conftest import Address
from tests.e2e.labeler import Labeler, documents
from tests.e2e.worker import JOURNAL

LABELS = "cat,dog"

Point = tuple[float, float]


def fill(server: Address, files: list[Path], token: str = "") -> list[str]:
    """Add the images; their IDs."""
    headers = {"X-Labeler-Client": "test"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    ids = []
    for file in files:
        answer = httpx.post(
            f"{server.url}/api/images", content=file.read_bytes(),
            headers={**headers, "X-File-Name": file.name},
        )  # fmt: skip
        ids.append(str(answer.raise_for_status().json()["image_id"]))
    return ids


def corners(folder: Path, name: str) -> list[Point]:
    """Where the stored boxes of the image begin, to the pixel."""
    rects = documents(folder).get(name, {}).get("rects", [])
    return sorted((round(rect["left"]), round(rect["top"])) for rect in rects)


def box(labeler: Labeler, at: Point, size: int = 24) -> None:
    """Draw a box and see that it is there."""
    count = labeler.boxes.count()
    labeler.drag(at, (at[0] + size, at[1] + size))
    labeler.has_boxes(count + 1)


def is_put(route: Route) -> bool:
    return route.request.method == "PUT"


def hold_writes(context: BrowserContext) -> None:
    """Let no write reach the server or be answered."""
    context.route("**/api/annotations/*", lambda route: None if is_put(route) else route.fallback())


def journal(page: Page) -> list[str]:
    """The images whose unsaved changes the browser keeps."""
    found: list[str] = page.evaluate(JOURNAL)
    return found


def finished(page: Page) -> list[str]:
    """The addresses that are here from now on."""
    seen: list[str] = []
    page.on("requestfinished", lambda request: seen.append(request.url))
    return seen


def arrived(page: Page, check: Callable[[], bool]) -> None:
    """Wait until it is so, while the page goes on telling what has come."""
    end = time.monotonic() + 60
    while not check():
        assert time.monotonic() < end
        page.wait_for_timeout(20)
