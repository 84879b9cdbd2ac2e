"""A labeler who works through a project whatever happens, and remembers what has to come of it."""

from __future__ import annotations

import random
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Response

from tests.e2e.drawable import Drawable
from tests.e2e.labeler import documents, eventually

LABELS = ("cat", "dog")
AREA = (420, 280)
"""Canvas pixels that every canvas of these tests has."""


@dataclass
class Box:
    """A box in canvas pixels; `within` so many of them it is stored."""

    left: float
    top: float
    width: float
    height: float
    label: str
    within: float = 1.6

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2


@dataclass
class Sheet:
    """What an image has to have in the end; `free` are places where no box was ever drawn."""

    name: str
    free: list[tuple[int, int]]
    boxes: list[Box] = field(default_factory=list)
    statuses: tuple[str, ...] = ("unlabeled", "in_progress")


class Worker:
    """Labels images one after the other, as the seed says."""

    def __init__(self, labeler: Drawable, folder: Path, seed: int, names: list[str]) -> None:
        self.labeler = labeler
        self.folder = folder
        self.random = random.Random(seed)
        self.label = LABELS[0]
        self.scale = 0.0
        self.heard: deque[str] = deque(maxlen=40)
        page = labeler.page
        page.on("console", lambda said: self.heard.append(f"{said.type}: {said.text[:300]}"))
        page.on("requestfailed", lambda request: self.heard.append(f"failed: {request.url}"))
        page.on("response", self.note_answer)
        columns, rows = AREA[0] // 100, AREA[1] // 80
        places = [(20 + 100 * x, 20 + 80 * y) for x in range(columns) for y in range(rows)]
        self.sheets = [
            Sheet(name, self.random.sample(places, len(places))) for name in names
        ]  # fmt: skip

    def note_answer(self, answer: Response) -> None:
        if answer.status >= 400:
            self.heard.append(f"{answer.status}: {answer.url}")

    def work(self) -> None:
        """Go through all images."""
        for number, sheet in enumerate(self.sheets):
            self.labeler.at(sheet.name)
            self.scale = self.labeler.canvas()["width"] / 320
            for _ in range(self.random.randrange(1, 4)):
                self.draw(sheet)
            if self.random.random() < 0.6:
                self.random.choice((self.move, self.resize, self.relabel, self.delete))(sheet)
            if self.random.random() < 0.5:
                self.draw(sheet)  # often right before the next image
            self.no_error()
            last = number + 1 == len(self.sheets)
            self.go_on(sheet, None if last else self.sheets[number + 1])

    # --- what one does with an image ---------------------------------------------------------

    def draw(self, sheet: Sheet) -> None:
        """Never again: a box that is drawn has to be there."""
        if self.random.random() < 0.3:
            self.choose_label()
        place = sheet.free.pop()
        width, height = self.random.randrange(40, 80), self.random.randrange(30, 60)
        self.pause()
        self.labeler.ready()
        self.labeler.drag(place, (place[0] + width, place[1] + height))
        sheet.boxes.append(Box(*place, width, height, self.label))

    def choose_label(self) -> None:
        """Until it is chosen: without a connection the picker stays as it was."""
        wanted = self.random.choice(LABELS)
        radio = self.labeler.page.locator(".st-key-label label", has_text=wanted)

        def choose() -> bool:
            if not radio.locator("input").is_checked():
                radio.click()
            self.settle()
            return radio.locator("input").is_checked()

        eventually(choose, 60)
        self.label = wanted

    def move(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]
        place = sheet.free.pop()
        moved = Box(*place, box.width, box.height, box.label, box.within)
        self.edit(sheet, 0, moved, lambda: self.labeler.drag(box.middle, moved.middle))

    def resize(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]
        # Not exactly: a corner is taken somewhere beside it.
        larger = Box(box.left, box.top, box.width + 12, box.height + 12, box.label, within=4)
        corner = box.left + box.width, box.top + box.height

        def pull() -> None:
            self.labeler.click(box.middle)
            self.labeler.page.keyboard.down("Shift")
            self.labeler.drag(corner, (corner[0] + 12, corner[1] + 12))
            self.labeler.page.keyboard.up("Shift")

        self.edit(sheet, 0, larger, pull)

    def relabel(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]
        other = LABELS[1 - LABELS.index(box.label)]

        def rename() -> None:
            for _ in range(2):
                self.labeler.click(box.middle)
                self.labeler.page.wait_for_timeout(400)
            editor = self.labeler.page.locator(".dc-root textarea")
            editor.fill(other, timeout=2000)
            self.labeler.page.keyboard.press("Enter")

        self.edit(sheet, 0, replace(box, label=other), rename)

    def delete(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]

        def remove() -> None:
            self.labeler.click(box.middle)
            self.settle()
            self.close_editor()
            self.labeler.page.keyboard.press("Delete")

        self.edit(sheet, 0, None, remove)

    def edit(self, sheet: Sheet, index: int, wanted: Box | None, act: Any) -> None:
        """Do it until it is done: a press on a canvas that is held for a moment does nothing."""
        before = list(sheet.boxes)
        sheet.boxes[index : index + 1] = [wanted] if wanted else []
        for _ in range(6):
            self.settle()
            self.tool("Edit")
            try:
                act()
            except Error:
                continue  # the canvas was held
            finally:
                self.settle()
                self.tool("Draw")
            end = time.monotonic() + 10
            while time.monotonic() < end:
                self.labeler.page.wait_for_timeout(100)
                if self.matches(sheet):
                    return
            assert self.matches(sheet, before), self.told(sheet)
        raise AssertionError(f"the edit did not come about: {self.told(sheet)}")

    def tool(self, name: str) -> None:
        """To edit or to draw; a key at a moment when the canvas is held does nothing."""

        def there() -> bool:
            edit = self.labeler.page.locator(".dc-icon-button[title='Edit']")
            return (edit.get_attribute("aria-pressed") == "true") == (name == "Edit")

        def press() -> bool:
            self.close_editor()
            if not there():
                self.labeler.ready()
                self.labeler.page.keyboard.press("e")
                self.labeler.page.wait_for_timeout(100)
            return there()

        eventually(press, 20)

    def close_editor(self) -> None:
        """A click on a box that is chosen already opens one: what is typed would be its label."""
        if self.labeler.page.locator(".dc-root textarea").count():
            self.labeler.page.keyboard.press("Enter")

    # --- on with the next --------------------------------------------------------------------

    def go_on(self, sheet: Sheet, following: Sheet | None) -> None:
        page = self.labeler.page
        way = self.random.choice(("next", "d", "done", "skip"))
        if following is None:
            eventually(lambda: self.matches(sheet), 60)
            return
        if way in ("next", "d"):
            self.until_at(following.name, (lambda: self.labeler.press("Next")) if way == "next"
                          else (lambda: page.keyboard.press("d")))  # fmt: skip
            return
        sheet.statuses = ("done",) if way == "done" else ("skipped",)
        self.until_at(following.name, lambda: page.keyboard.press("s" if way == "skip" else " "))

    def until_at(self, name: str, go: Any) -> None:
        """Go on until that image is there; a key that falls between two instances goes nowhere."""
        page = self.labeler.page
        shown = page.locator("[data-testid=stMain] strong", has_text=name).first
        end = time.monotonic() + 90
        self.pause()
        self.labeler.ready()
        while not shown.is_visible():
            assert time.monotonic() < end, f"{name} did not come; {self.labeler.heading()} is here"
            go()
            try:
                shown.wait_for(state="visible", timeout=6000)
            except Error:
                self.labeler.ready()

    def pause(self) -> None:
        """At times long enough that all is sent, at times not."""
        self.labeler.page.wait_for_timeout(self.random.choice((0, 0, 100, 250, 600)))

    def settle(self) -> None:
        self.labeler.page.wait_for_timeout(350)
        self.labeler.ready()

    # --- what has come of it -------------------------------------------------------------------

    def no_error(self) -> None:
        page = self.labeler.page
        for what in ("stException", "stAlertContentError"):
            found = page.get_by_test_id(what)
            assert not found.count(), found.first.inner_text()

    def stored(self, sheet: Sheet) -> list[Box]:
        rects = documents(self.folder).get(sheet.name, {}).get("rects", [])
        sides = ("left", "top", "width", "height")
        return [
            Box(label=rect["label"], **{side: rect[side] * self.scale for side in sides})
            for rect in rects
        ]

    def matches(self, sheet: Sheet, wanted: list[Box] | None = None) -> bool:
        """Whether the boxes are stored, each once, and no other."""
        rest = list(self.stored(sheet))
        for box in sheet.boxes if wanted is None else wanted:
            same = next((other for other in rest if _is(box, other)), None)
            if same is None:
                return False
            rest.remove(same)
        return not rest

    def view(self) -> str:
        """What is on the page, for whoever looks for the cause of a failure."""
        page = self.labeler.page
        root = page.evaluate(
            "JSON.stringify([{...document.documentElement.dataset}, "
            "document.querySelector('.labeler-connection')?.textContent, "
            "[...document.querySelectorAll('[class*=st-key-]')].map(e => e.className)])"
        )
        seen = page.get_by_test_id("stMain").inner_text(timeout=5000).splitlines()
        return "\n".join([root, " | ".join(seen), *self.heard])

    def told(self, sheet: Sheet) -> str:
        return f"{sheet.name}: wanted {sheet.boxes}, stored {self.stored(sheet)}"

    def check(self) -> None:
        """Every box is in the store, once, on the right image, with its label."""
        end = time.monotonic() + 30
        while wrong := [self.told(sheet) for sheet in self.sheets if not self.matches(sheet)]:
            assert time.monotonic() < end, "\n".join(wrong)
            self.labeler.page.wait_for_timeout(200)
        found = documents(self.folder)
        assert set(found) == {sheet.name for sheet in self.sheets}
        for sheet in self.sheets:
            status = found[sheet.name]["metadata"]["status"]
            assert status in sheet.statuses, (sheet.name, status, sheet.statuses)
            ids = [rect["id"] for rect in found[sheet.name]["rects"]]
            assert len(set(ids)) == len(ids)


def _is(wanted: Box, stored: Box) -> bool:
    return wanted.label == stored.label and all(
        abs(getattr(wanted, side) - getattr(stored, side)) <= wanted.within
        for side in ("left", "top", "width", "height")
    )
