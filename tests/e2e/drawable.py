"""What only streamlit-drawable-canvas needs: the page with the simple canvas, for its own tests."""

from __future__ import annotations

import re
import time

from playwright.sync_api import expect

from tests.e2e.labeler import WAIT_MS, Tab, eventually

READY = """() => {
  const canvas = document.querySelector("[class*=st-key-canvas_]");
  return !!canvas && getComputedStyle(canvas).getPropertyValue("--canvas").trim() === "ready";
}"""


class Drawable(Tab):
    """One person at one browser tab, with the drawable canvas."""

    def ready(self) -> None:
        """Wait until the canvas can be drawn on: until then the page holds it."""
        self.page.wait_for_function(READY)

    def canvas_key(self) -> str:
        """Which canvas is on the page: another one after it was drawn anew."""
        names = self.page.locator("[class*=st-key-canvas_]").first.get_attribute("class") or ""
        return next(name for name in names.split() if name.startswith("st-key-canvas_"))

    def renewed(self, key: str) -> None:
        """Wait until another canvas than that one can be drawn on."""
        self.page.locator(f".{key}").wait_for(state="detached")
        self.ready()

    def heading(self) -> str:
        return self.page.locator("[data-testid=stMain] strong").first.inner_text()

    def at(self, name: str) -> None:
        """Wait until the image of that name is on the canvas."""
        expect(self.page.locator("[data-testid=stMain] strong", has_text=name).first).to_be_visible(
            timeout=WAIT_MS
        )
        self.ready()

    def canvas(self) -> dict[str, float]:
        """Where the canvas is in the window: x, y, width, height."""
        canvas = self.page.locator("canvas.upper-canvas").first
        return dict(eventually(canvas.bounding_box))

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 4) -> None:
        """Press, drag and release, from canvas pixel to canvas pixel."""
        box, mouse = self.canvas(), self.page.mouse
        mouse.move(box["x"] + start[0], box["y"] + start[1])
        mouse.down()
        mouse.move(box["x"] + end[0], box["y"] + end[1], steps=steps)
        mouse.up()

    def click(self, at: tuple[float, float]) -> None:
        box = self.canvas()
        self.page.mouse.click(box["x"] + at[0], box["y"] + at[1])

    def next_to(self, name: str) -> None:
        """Press "next" until the page shows that image: a click may fall between two instances."""
        shown = self.page.locator("[data-testid=stMain] strong", has_text=name).first
        deadline = time.monotonic() + 60
        while not shown.is_visible():
            assert time.monotonic() < deadline, f"{name} did not come"
            self.ready()
            if not shown.is_visible():
                self.press("Next")
                self.page.wait_for_timeout(3000)
        self.at(name)

    def tool(self, title: str) -> None:
        """A button of the canvas's own toolbar."""
        self.page.locator(f".dc-icon-button[title='{title}']").click()

    def saved(self) -> str:
        """Wait until the page says that all is saved; what it says."""
        line = self.page.locator(".st-key-save_state")
        expect(line).to_have_text(re.compile(r"^saved \d"), timeout=WAIT_MS)
        return line.inner_text()

    def saved_nothing(self) -> None:
        """Wait until the page says that there is nothing to save yet."""
        line = self.page.locator(".st-key-save_state")
        expect(line).to_contain_text("No boxes yet", timeout=WAIT_MS)
