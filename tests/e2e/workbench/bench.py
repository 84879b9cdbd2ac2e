"""The open workbench as a person uses it: by mouse, keys and fingers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.e2e.labeler import PLACE

Point = tuple[float, float]

# Each waits for the next frame: what a key or the mouse has just changed is painted by then.
_FRAME: Final = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
_LOOK: Final = f"""async (surface) => {{
  {_FRAME}
  const {{ left, top }} = surface.getBoundingClientRect();
  return [...['scale', 'left', 'top'].map((name) => Number(surface.dataset[name])), left, top];
}}"""
_PIXEL: Final = f"""async (surface, [which, x, y]) => {{
  {_FRAME}
  const [scale, left, top] = ['scale', 'left', 'top'].map((name) => Number(surface.dataset[name]));
  const canvas = surface.querySelectorAll('canvas')[which];
  const density = canvas.width / surface.getBoundingClientRect().width;
  const at = [left + x * scale, top + y * scale].map((length) => Math.floor(length * density));
  return [...canvas.getContext('2d').getImageData(at[0], at[1], 1, 1).data];
}}"""


class Bench:
    """The workbench of a page; `read` gives the stored document of an image."""

    def __init__(self, page: Page, read: Callable[[str], dict[str, Any]]) -> None:
        self.page = page
        self.read = read
        self.root = page.get_by_test_id("workbench")
        self.surface = page.get_by_test_id("surface")
        self.boxes = page.get_by_test_id("box")
        self._fingers: CDPSession | None = None

    def wait(self, image: str | None = None) -> Bench:
        if image is not None:
            expect(self.root).to_have_attribute("data-image", image)
        expect(self.root).to_have_attribute("data-state", "ready")
        return self

    @property
    def image(self) -> str:
        return self.root.get_attribute("data-image") or ""

    def view(self) -> tuple[float, float, float]:
        """Scale, left and top."""
        scale, left, top, _, _ = self.surface.evaluate(_LOOK)
        return scale, left, top

    def at(self, x: float, y: float) -> Point:
        """Where a point of the image is in the window, once nothing moves there any more."""
        left, top = self.surface.evaluate(PLACE, [x, y])
        return left, top

    def point(self, x: float, y: float) -> Point:
        """Which point of the image is at a place in the window."""
        scale, left, top, across, down = self.surface.evaluate(_LOOK)
        return (x - across - left) / scale, (y - down - top) / scale

    def until(self, holds: Callable[[], bool], what: str = "the condition") -> None:
        """Wait for what no locator can tell."""
        deadline = time.monotonic() + 30
        while not holds():
            assert time.monotonic() < deadline, f"{what} did not come about"
            self.page.wait_for_timeout(20)

    # --- mouse and keys

    def drag(self, start: Point, end: Point, release: bool = True) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*start))
        mouse.down()
        mouse.move(*self.at((start[0] + end[0]) / 2, (start[1] + end[1]) / 2))
        mouse.move(*self.at(*end))
        if release:
            mouse.up()

    def click(self, x: float, y: float, *, shift: bool = False) -> None:
        if shift:
            self.page.keyboard.down("Shift")
        self.page.mouse.click(*self.at(x, y))
        if shift:
            self.page.keyboard.up("Shift")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def zoom(self, x: float, y: float, scale: float) -> None:
        """Turn the wheel there until the image is shown at that scale or a larger one.

        A browser knows the mouse by whole pixels: it is aimed anew with each turn.
        """
        while (before := self.view()[0]) < scale:
            self.page.mouse.move(*self.at(x, y))
            self.page.mouse.wheel(0, -300)
            self.until(lambda before=before: self.view()[0] > before, "a zoom")  # type: ignore[misc]

    # --- fingers

    def touch(self, kind: str, *points: Point) -> None:
        """Fingers at these points of the window: touchStart, touchMove, touchEnd."""
        if self._fingers is None:
            self._fingers = self.page.context.new_cdp_session(self.page)
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    def swipe(self, start: Point, end: Point) -> None:
        """One finger from one point of the image to another."""
        middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        self.touch("touchStart", self.at(*start))
        for point in (middle, end):
            self.touch("touchMove", self.at(*point))
        self.touch("touchEnd")

    def tap(self, x: float, y: float) -> None:
        self.touch("touchStart", self.at(x, y))
        self.touch("touchEnd")

    # --- what is to be seen

    def row(self, number: int) -> Locator:
        return self.boxes.nth(number)

    def selected(self) -> list[str]:
        """The IDs of the selected boxes."""
        rows = self.page.locator("[data-testid=box][aria-selected=true]")
        return [row.get_attribute("data-rect-id") or "" for row in rows.all()]

    def picked(self, *ids: str) -> None:
        """Wait until just these boxes are selected."""
        self.until(lambda: self.selected() == list(ids), f"a selection of {ids}")

    def label(self, name: str) -> Locator:
        return self.page.locator(f"[data-testid=label][data-label={name!r}]")

    def saved(self, image: str | None = None) -> dict[str, Any]:
        """The document once nothing is pending."""
        name = image or self.image
        expect(self.root).to_have_attribute("data-save", "saved")
        return self.read(name)

    def rects(self, image: str | None = None) -> list[dict[str, Any]]:
        """The stored boxes once nothing is pending."""
        found: list[dict[str, Any]] = self.saved(image)["rects"]
        return found

    def picture_pixel(self, x: float, y: float) -> tuple[int, ...]:
        """What the canvas shows at a point of the image: red, green, blue, alpha."""
        return tuple(self.surface.evaluate(_PIXEL, [0, x, y]))

    def box_pixel(self, x: float, y: float) -> tuple[int, ...]:
        """What is painted over the image there."""
        return tuple(self.surface.evaluate(_PIXEL, [1, x, y]))
