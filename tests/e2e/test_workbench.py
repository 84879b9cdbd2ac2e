"""The workbench in the real page: what a labeler does, and what must not happen meanwhile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.conftest import Serve
from tests.e2e.pictures import Pictures

pytestmark = pytest.mark.e2e


class Bench:
    """The open workbench, and the documents behind it."""

    def __init__(self, page: Page, folder: Path) -> None:
        self.page = page
        self.folder = folder
        self.root = page.get_by_test_id("workbench")
        self.surface = page.get_by_test_id("surface")
        self.boxes = page.get_by_test_id("box")

    def wait(self) -> Bench:
        expect(self.root).to_have_attribute("data-state", "ready")
        return self

    @property
    def image(self) -> str:
        return self.root.get_attribute("data-image") or ""

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the image is in the window."""
        box = self.surface.bounding_box()
        assert box is not None
        scale, left, top = (
            float(self.surface.get_attribute(f"data-{name}") or "nan")
            for name in ("scale", "left", "top")
        )
        return box["x"] + left + x * scale, box["y"] + top + y * scale

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(*end))
        mouse.up()

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def saved(self, image: str | None = None) -> dict[str, Any]:
        """The document once nothing is pending."""
        name = image or self.image
        expect(self.root).to_have_attribute("data-save", "saved")
        document: dict[str, Any] = json.loads(
            (self.folder / "annotations" / f"{name}.json").read_text()
        )
        return document

    def row(self, number: int) -> Locator:
        return self.boxes.nth(number)


@pytest.fixture
def bench(serve: Serve, pictures: Pictures, browser: Browser) -> Iterator[Bench]:
    server = serve(LABELER_CANVAS="workbench", LABELER_LABELS="person,car,dog")
    for number in range(3):
        name = f"image_{number}.jpg"
        headers = {"X-File-Name": name, "X-Labeler-Client": "test"}
        data = pictures.photo(name, (800, 600)).read_bytes()
        httpx.post(f"{server.url}/api/images", content=data, headers=headers).raise_for_status()
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.set_default_timeout(30_000)
    page.goto(server.url)
    yield Bench(page, server.folder).wait()
    page.close()


def test_a_box_is_drawn_moved_relabeled_undone_and_saved(bench: Bench) -> None:
    bench.press("2")
    bench.drag((100, 100), (300, 250))
    expect(bench.boxes).to_have_count(1)
    expect(bench.row(0)).to_have_attribute("data-label", "car")
    expect(bench.row(0)).to_have_attribute("aria-selected", "false")
    bench.page.mouse.click(*bench.at(200, 200))
    expect(bench.row(0)).to_have_attribute("aria-selected", "true")
    bench.press("3", "ArrowRight")
    expect(bench.row(0)).to_have_attribute("data-label", "dog")
    bench.drag((200, 200), (250, 220))
    expect(bench.boxes).to_have_count(1)
    (rect,) = bench.saved()["rects"]
    assert rect["label"] == "dog"
    for key, wanted in (("left", 151), ("top", 120), ("width", 200), ("height", 150)):
        assert abs(rect[key] - wanted) <= 1.5, rect
    bench.press("Control+z", "Control+z", "Control+z", "Control+z")
    expect(bench.boxes).to_have_count(0)
    assert bench.saved()["rects"] == []
    bench.press(*["Control+Shift+z"] * 4)
    assert bench.saved()["rects"] == [rect]


def test_next_and_back_follow_the_address_and_put_nothing_on_another_image(bench: Bench) -> None:
    first = bench.image
    bench.drag((100, 100), (300, 250))
    bench.press("d")
    expect(bench.root).not_to_have_attribute("data-image", first)
    bench.wait()
    expect(bench.boxes).to_have_count(0)
    second = bench.image
    expect(bench.page).to_have_url(f"{bench.page.url.split('?')[0]}?image={second}")
    bench.page.go_back()
    expect(bench.root).to_have_attribute("data-image", first)
    expect(bench.boxes).to_have_count(1)
    assert len(bench.saved(first)["rects"]) == 1
    assert not bench.saved(second).get("rects")


def test_a_click_in_the_list_leads_the_workbench(bench: Bench) -> None:
    first = bench.image
    bench.page.get_by_role("button", name="image_2.jpg").first.click()
    expect(bench.root).not_to_have_attribute("data-image", first)
    bench.wait()
    bench.drag((50, 50), (150, 150))
    assert bench.saved()["image_path"] == "image_2.jpg"


def test_done_is_taken_back_within_its_time(bench: Bench) -> None:
    first = bench.image
    bench.press("Enter")
    expect(bench.root).not_to_have_attribute("data-image", first)
    assert bench.saved(first)["metadata"]["status"] == "done"
    bench.press("Control+z")
    expect(bench.root).to_have_attribute("data-image", first)
    assert bench.saved(first)["metadata"]["status"] == "unlabeled"


def test_zoom_reaches_an_object_of_ten_pixels(bench: Bench) -> None:
    x, y = 400, 300
    bench.page.mouse.move(*bench.at(x, y))
    for _ in range(8):
        bench.page.mouse.wheel(0, -300)
    scale = float(bench.surface.get_attribute("data-scale") or 0)
    bench.page.wait_for_timeout(200)
    assert float(bench.surface.get_attribute("data-scale") or 0) >= max(8, scale)
    bench.drag((x, y), (x + 10, y + 12))
    (rect,) = bench.saved()["rects"]
    assert [round(rect[key]) for key in ("left", "top", "width", "height")] == [x, y, 10, 12]


def test_keys_reach_neither_streamlit_nor_the_picture_while_somebody_types(bench: Bench) -> None:
    first = bench.image
    bench.press("c", "Slash")
    expect(bench.page.get_by_role("dialog")).to_have_count(0)
    bench.press("d", "o")
    assert bench.image == first
    bench.press("Enter")
    expect(bench.page.locator("[data-testid=label][data-label=dog]")).to_have_attribute(
        "aria-pressed", "true"
    )
    assert bench.image == first


def test_a_box_is_made_moved_and_deleted_by_keyboard_alone(bench: Bench) -> None:
    bench.surface.focus()
    bench.press("b", "Shift+ArrowRight", "Control+ArrowDown")
    expect(bench.boxes).to_have_count(1)
    before = bench.saved()["rects"][0]
    bench.press("Escape", "Tab", "ArrowLeft")
    expect(bench.row(0)).to_have_attribute("aria-selected", "true")
    expect(bench.root).to_have_attribute("data-save", "pending")
    after = bench.saved()["rects"][0]
    assert round(before["left"] - after["left"], 2) == 1
    bench.press("Delete")
    expect(bench.boxes).to_have_count(0)


def test_one_image_pixel_at_100_percent_is_the_pixel_of_the_file(bench: Bench) -> None:
    bench.press("Shift+F")
    expect(bench.surface).to_have_attribute("data-scale", "1")
    differing = bench.page.evaluate(
        """async ([image]) => {
          const host = [...document.querySelectorAll('*')].find((e) =>
            e.shadowRoot?.querySelector('[data-testid=workbench]'));
          const surface = host.shadowRoot.querySelector('[data-testid=surface]');
          const canvas = surface.querySelector('canvas');
          await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)));
          const blob = await (await fetch(`/api/images/${image}`)).blob();
          const bitmap = await createImageBitmap(blob);
          const other = new OffscreenCanvas(canvas.width, canvas.height);
          const [left, top] = ['left', 'top'].map((n) => Number(surface.getAttribute(`data-${n}`)));
          const to = other.getContext('2d', { alpha: false });
          to.drawImage(bitmap, left, top);
          const [x, y] = [Math.max(0, left), Math.max(0, top)];
          const width = Math.min(canvas.width, left + bitmap.width) - x;
          const height = Math.min(canvas.height, top + bitmap.height) - y;
          const one = canvas.getContext('2d').getImageData(x, y, width, height).data;
          const two = to.getImageData(x, y, width, height).data;
          return [one.length, one.filter((value, index) => value !== two[index]).length];
        }""",
        [bench.image],
    )
    assert differing[0] > 100_000
    assert differing[1] == 0


def test_nothing_of_the_other_canvas_is_loaded(bench: Bench) -> None:
    assert bench.page.locator("iframe").count() == 0
    assert bench.page.locator("[class*='st-key-canvas_']").count() == 0
