"""What a person does with the page, in their words."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

WAIT_MS = 60_000
# As long as every other wait: on a busy machine a page that is loaded anew is drawn after seconds.
expect.set_options(timeout=WAIT_MS)
ROWS = ".st-key-open_list [class*=open_]"
PLACE = """async (surface, [x, y]) => {
  const look = () => {
    const { left, top } = surface.getBoundingClientRect();
    const { scale, left: dx, top: dy } = surface.dataset;
    return [left + Number(dx) + x * scale, top + Number(dy) + y * scale];
  };
  for (let before = look();;) {
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const now = look();
    if (now[0] === before[0] && now[1] === before[1]) return now;
    before = now;
  }
}"""


ON_WORKBENCH = ("Label", "Review")
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Tab:
    """One browser tab at the page, whatever images are labeled on there."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        page.set_default_timeout(WAIT_MS)

    def open(self, path: str = "/") -> None:
        self.page.goto(self.url + path)
        self.page.get_by_text("Upload images").first.wait_for(state="attached")
        self.drawn()

    def drawn(self) -> None:
        """Wait until the page's script has ended, and its last change is painted.

        A first run that has not listed the images yet would show an uploaded one before the upload
        has ended. The page then goes to it once more, and takes whoever has gone on back.
        """
        app = self.page.locator("[data-testid=stApp]")
        expect(app).to_have_attribute("data-test-script-state", "notRunning")
        self.page.evaluate(TWO_FRAMES)

    def upload(self, *files: Path) -> None:
        chooser = self.page.locator("[data-testid=stSidebar] input[type=file]")
        chooser.set_input_files(list(files))

    def press(self, name: str) -> None:
        """Press the button of that name."""
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def go_to(self, page: str) -> None:
        """Follow the link to the page of that title, and wait until it has come.

        The workbench is shown until the last part of another page is there. Whoever went back
        before would take it for the one to come, and draw on what is about to go.
        """
        links = self.page.get_by_role("navigation", name="Pages")
        link = links.get_by_role("link", name=page, exact=True)
        link.click()
        expect(link).to_have_attribute("aria-current", "page")
        if page not in ON_WORKBENCH:
            expect(self.page.get_by_test_id("workbench")).to_be_hidden()

    def listed(self) -> list[str]:
        """The names in the sidebar's list of images, as the list shows them."""
        names = self.page.locator(ROWS).all_inner_texts()
        return [found[0] for name in names if (found := re.search(r"\S+\.(jpg|png)", name))]

    def open_from_list(self, text: str) -> None:
        """Click on the first image in the sidebar's list whose row shows that text."""
        self.page.locator(f"{ROWS} button", has_text=text).first.click()


class Labeler(Tab):
    """One person at one browser tab, who labels on the workbench. Points are image pixels."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page, url)
        self.root = page.get_by_test_id("workbench")
        self.surface = page.get_by_test_id("surface")
        self.boxes = page.get_by_test_id("box")

    # --- what is open ---------------------------------------------------------------------

    def ready(self) -> Labeler:
        """Wait until the image and its boxes are painted and can be drawn on."""
        expect(self.root).to_have_attribute("data-state", "ready")
        return self

    def at(self, name: str) -> None:
        """Wait until the image of that name can be drawn on."""
        heading = self.page.locator(".name", has_text=re.compile(f"^{re.escape(name)}$"))
        shown = self.page.locator("[data-testid=workbench][data-state=ready]", has=heading)
        expect(shown).to_be_visible()

    @property
    def image(self) -> str:
        """The ID of the open image."""
        return self.root.get_attribute("data-image") or ""

    def heading(self) -> str:
        """The name of the open image."""
        return self.root.locator(".bar .name").inner_text()

    def followed(self) -> None:
        """Wait until the address names the open image, as it does within a second."""
        expect(self.page).to_have_url(re.compile(rf"[?&]image={self.image}(&|$)"))

    # --- pointer --------------------------------------------------------------------------

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the image is in the window, once nothing moves there any more."""
        left, top = self.surface.evaluate(PLACE, [x, y])
        return left, top

    def drag(self, start: tuple[float, float], end: tuple[float, float], steps: int = 2) -> None:
        """Press, drag and release, from image pixel to image pixel."""
        (x, y), (to_x, to_y) = self.place(*start), self.place(*end)
        mouse = self.page.mouse
        mouse.move(x, y)
        mouse.down()
        mouse.move(to_x, to_y, steps=steps)
        mouse.up()

    def click(self, point: tuple[float, float]) -> None:
        self.page.mouse.click(*self.place(*point))

    # --- keys and buttons -----------------------------------------------------------------

    def keys(self, *keys: str) -> None:
        """Press these keys one after the other, wherever the focus is."""
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, label: str) -> None:
        """Click on a label: the one of the selected boxes, or of the next one."""
        self.page.locator(
            f"[data-testid=label][data-label={json.dumps(label, ensure_ascii=False)}]"
        ).click()

    def next(self) -> None:
        self.press("Next image")

    def previous(self) -> None:
        self.press("Previous image")

    def done(self) -> None:
        self.root.get_by_role("button", name=re.compile("^Done")).click()

    def skip(self) -> None:
        self.press("Skip")

    # --- boxes and saving -----------------------------------------------------------------

    def row(self, number: int) -> Locator:
        """A row of the list of boxes."""
        return self.boxes.nth(number)

    def has_boxes(self, count: int) -> None:
        """Wait until the open image has so many boxes."""
        expect(self.boxes).to_have_count(count)

    def saved(self) -> None:
        """Wait until the workbench says that everything is saved."""
        expect(self.root).to_have_attribute("data-save", "saved")

    def document(self, image: str | None = None) -> dict[str, Any]:
        """The stored document of the open image, or of another one, once everything is saved."""
        self.saved()
        answer = self.page.request.get(f"{self.url}/api/annotations/{image or self.image}")
        assert answer.ok, answer.text()
        found: dict[str, Any] = answer.json()
        return found


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
