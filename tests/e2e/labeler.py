"""What a person does with the page, in their words."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

READY = "document.documentElement?.dataset.canvas === 'ready'"
WAIT_MS = 30_000
# As long as every other wait: on a busy machine a page that is loaded anew is drawn after seconds.
expect.set_options(timeout=WAIT_MS)


class Labeler:
    """One person at one browser tab."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        page.set_default_timeout(WAIT_MS)

    def open(self, path: str = "/") -> None:
        self.page.goto(self.url + path)
        self.page.get_by_text("Upload images").first.wait_for(state="attached")

    def upload(self, *files: Path) -> None:
        chooser = self.page.locator("[data-testid=stSidebar] input[type=file]")
        chooser.set_input_files(list(files))

    def ready(self) -> None:
        """Wait until the canvas can be drawn on."""
        self.page.wait_for_function(READY, polling=10)

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
        """Press, drag and let go, from canvas pixel to canvas pixel."""
        box, mouse = self.canvas(), self.page.mouse
        mouse.move(box["x"] + start[0], box["y"] + start[1])
        mouse.down()
        mouse.move(box["x"] + end[0], box["y"] + end[1], steps=steps)
        mouse.up()

    def click(self, at: tuple[float, float]) -> None:
        box = self.canvas()
        self.page.mouse.click(box["x"] + at[0], box["y"] + at[1])

    def edit_label(self, at: tuple[float, float], text: str) -> None:
        """Open the canvas's label editor by a click on the chosen box, and type over what it says.

        Two clicks that follow at once would be a double click, which is something else.
        """
        self.click(at)
        self.page.wait_for_timeout(100)
        self.click(at)
        self.page.locator(".dc-root textarea").wait_for(state="attached")
        self.page.keyboard.type(text)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

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
        expect(line).to_contain_text("nothing drawn yet", timeout=WAIT_MS)


def drop(page: Page, target: str, *files: Path) -> None:
    """Let files go over what the selector finds, as a person does who drags them there."""
    sent = [(file.name, base64.b64encode(file.read_bytes()).decode()) for file in files]
    page.locator(target).first.evaluate(
        """(target, files) => {
          const dataTransfer = new DataTransfer();
          for (const [name, text] of files) {
            const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
            dataTransfer.items.add(new File([bytes], name));
          }
          const init = { dataTransfer, bubbles: true, composed: true, cancelable: true };
          target.dispatchEvent(new DragEvent("dragover", init));
          target.dispatchEvent(new DragEvent("drop", init));
        }""",
        sent,
    )


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """The documents in the folder, by the names of their images."""
    found = {}
    for path in sorted((folder / "annotations").glob("*.json")):
        document = json.loads(path.read_bytes())
        found[document["image_path"]] = document
    return found


def rects(folder: Path, name: str) -> list[dict[str, Any]]:
    return list(documents(folder).get(name, {}).get("rects", []))


def eventually(check: Any, seconds: float = WAIT_MS / 1000) -> Any:
    """What `check` gives as soon as it is true; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        if result or time.monotonic() > deadline:
            assert result, "it did not come about"
            return result
        time.sleep(0.02)


def near(rect: dict[str, Any], expected: Sequence[float], within: float) -> bool:
    """Whether left, top, width and height are as expected, each within so many pixels."""
    got = (rect["left"], rect["top"], rect["width"], rect["height"])
    return all(abs(a - b) <= within for a, b in zip(got, expected, strict=True))
