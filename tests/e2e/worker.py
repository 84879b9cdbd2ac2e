"""A labeler who works through a project whatever happens, and remembers what has to come of it.

They never do anything twice: what they do on the workbench has to come about, whether an instance
answers at that moment or not.
"""

from __future__ import annotations

import json
import random
import re
from collections import deque
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from playwright.sync_api import Locator, Response, expect

from tests.e2e.labeler import Labeler, documents, eventually

LABELS = ("cat", "dog")
SIDES = ("left", "top", "width", "height")
WITHIN = 1.6
"""Image pixels by which a box may differ from where the pointer was."""
CALM_MS = 60_000
"""As long as it takes until what failed is tried again, and an instance is there that answers."""

JOURNAL = """() => new Promise((done) => {
  const opening = indexedDB.open("labeler-workbench");
  opening.onsuccess = () => {
    const database = opening.result;
    const all = database.transaction("records").objectStore("records").getAll();
    all.onsuccess = () => { database.close(); done(all.result.map((record) => record.image)); };
  };
})"""


@dataclass(frozen=True)
class Box:
    """A box in image pixels; `id` once the page has told it."""

    left: float
    top: float
    width: float
    height: float
    label: str
    id: str = ""

    @property
    def middle(self) -> tuple[float, float]:
        return self.left + self.width / 2, self.top + self.height / 2

    @property
    def corner(self) -> tuple[float, float]:
        return self.left + self.width, self.top + self.height


@dataclass
class Sheet:
    """What an image has to have in the end; `free` are places where no box was ever drawn."""

    name: str
    free: list[tuple[int, int]]
    boxes: list[Box] = field(default_factory=list)
    statuses: tuple[str, ...] = ("unlabeled", "in_progress")


class Worker:
    """Labels images of 320 by 240 pixels one after the other, as the seed says."""

    def __init__(self, labeler: Labeler, folder: Path, seed: int, names: list[str]) -> None:
        self.labeler = labeler
        self.page = page = labeler.page
        self.folder = folder
        self.random = random.Random(seed)
        self.label = LABELS[0]
        self.heard: deque[str] = deque(maxlen=60)
        page.on("console", lambda said: self.heard.append(f"{said.type}: {said.text[:300]}"))
        page.on("requestfailed", lambda request: self.heard.append(f"failed: {request.url}"))
        page.on("response", self.note_answer)
        places = [(10 + 100 * x, 5 + 80 * y) for x in range(3) for y in range(3)]
        self.sheets = [Sheet(name, self.random.sample(places, len(places))) for name in names]

    def note_answer(self, answer: Response) -> None:
        if answer.status >= 400:
            self.heard.append(f"{answer.status}: {answer.request.method} {answer.url}")

    def work(self) -> None:
        """Go through all images."""
        self.start()
        edits = (self.move, self.resize, self.relabel, self.delete, self.delete_and_undo)
        for number, sheet in enumerate(self.sheets):
            self.at(sheet.name)
            for _ in range(self.random.randrange(1, 4)):
                self.draw(sheet)
            if self.random.random() < 0.6:
                self.random.choice(edits)(sheet)
            if self.random.random() < 0.5:
                self.draw(sheet)  # often right before the next image
            self.no_error()
            if number + 1 < len(self.sheets):
                self.go_on(sheet)

    # --- where one is ------------------------------------------------------------------------

    def start(self) -> None:
        """Go back to the first image: others may have been here before it."""
        for _ in self.sheets:
            name = self.here(*(sheet.name for sheet in self.sheets))
            place = [sheet.name for sheet in self.sheets].index(name)
            if place == 0:
                return
            self.page.keyboard.press("a")
            self.at(self.sheets[place - 1].name)

    def here(self, *names: str) -> str:
        """The name of the open image, which is one of these, once it can be drawn on."""
        either = re.compile("^(?:" + "|".join(map(re.escape, names)) + ")$")
        heading = self.page.locator(".bar .name", has_text=either)
        ready = self.page.locator("[data-testid=workbench][data-state=ready]", has=heading)
        expect(ready).to_be_visible(timeout=CALM_MS)
        return heading.inner_text()

    def at(self, name: str) -> None:
        """Wait until that image can be drawn on."""
        self.here(name)

    # --- what one does with an image ---------------------------------------------------------

    def draw(self, sheet: Sheet) -> None:
        """Draw a box in a free place."""
        if self.random.random() < 0.3:
            self.choose_label()
        left, top = sheet.free.pop()
        width, height = self.random.randrange(40, 70), self.random.randrange(30, 55)
        box = Box(left, top, width, height, self.label)
        self.pause()
        self.labeler.drag((left, top), box.corner)
        known = {one.id for one in sheet.boxes}
        self.labeler.has_boxes(len(sheet.boxes) + 1)
        (drawn,) = set(self.ids()) - known
        sheet.boxes.append(replace(box, id=drawn))

    def ids(self) -> list[str]:
        return [str(row.get_attribute("data-rect-id")) for row in self.labeler.boxes.all()]

    def row(self, box: Box) -> Locator:
        return self.page.locator(f"[data-testid=box][data-rect-id='{box.id}']")

    def choose_label(self) -> None:
        """By its digit; it is the label for new boxes, as none is selected."""
        self.label = self.random.choice(LABELS)
        self.page.keyboard.press(str(LABELS.index(self.label) + 1))
        chosen = self.page.locator(f"[data-testid=label][data-label={self.label}]")
        expect(chosen).to_have_attribute("aria-pressed", "true")

    def select(self, box: Box) -> None:
        self.labeler.click(box.middle)
        expect(self.row(box)).to_have_attribute("aria-selected", "true")

    def unselect(self) -> None:
        """The next press draws, and the next digit is for the next box."""
        self.page.keyboard.press("Escape")
        expect(self.page.locator("[data-testid=box][aria-selected=true]")).to_have_count(0)

    def move(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]
        left, top = sheet.free.pop()
        moved = replace(box, left=left, top=top)
        self.select(box)
        self.labeler.drag(box.middle, moved.middle)
        self.unselect()
        sheet.boxes[0] = moved

    def resize(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]
        larger = replace(box, width=box.width + 12, height=box.height + 12)
        self.select(box)
        self.labeler.drag(box.corner, larger.corner)
        self.unselect()
        sheet.boxes[0] = larger

    def relabel(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]
        other = LABELS[1 - LABELS.index(box.label)]
        self.select(box)
        self.page.keyboard.press(str(LABELS.index(other) + 1))
        expect(self.row(box)).to_have_attribute("data-label", other)
        self.unselect()
        sheet.boxes[0] = replace(box, label=other)

    def delete(self, sheet: Sheet) -> None:
        box = sheet.boxes.pop(0)
        self.select(box)
        self.page.keyboard.press("Delete")
        expect(self.row(box)).to_have_count(0)

    def delete_and_undo(self, sheet: Sheet) -> None:
        box = sheet.boxes[0]
        self.delete(sheet)
        self.pause()
        self.page.keyboard.press("Control+z")
        expect(self.row(box)).to_have_count(1)
        self.unselect()
        sheet.boxes.append(box)

    # --- on with the next --------------------------------------------------------------------

    def go_on(self, sheet: Sheet) -> None:
        """Once, by a key or a button; what is not saved yet is saved meanwhile."""
        hand = self.labeler
        go, status = self.random.choice(
            (
                (partial(hand.keys, "d"), None),
                (hand.next, None),
                (partial(hand.keys, "Enter"), "done"),
                (hand.done, "done"),
                (partial(hand.keys, "s"), "skipped"),
                (hand.skip, "skipped"),
            )
        )
        self.pause()
        go()
        if status:
            sheet.statuses = (status,)

    def pause(self) -> None:
        """At times long enough that all is sent, at times not."""
        self.page.wait_for_timeout(self.random.choice((0, 0, 100, 250, 600, 1500)))

    # --- what has come of it -------------------------------------------------------------------

    def no_error(self) -> None:
        for what in ("stException", "stAlertContentError"):
            found = self.page.get_by_test_id(what)
            assert not found.count(), found.first.inner_text()

    def stored(self, sheet: Sheet) -> list[Box]:
        rects = documents(self.folder).get(sheet.name, {}).get("rects", [])
        return [Box(**{name: rect[name] for name in (*SIDES, "label", "id")}) for rect in rects]

    def matches(self, sheet: Sheet) -> bool:
        """Whether the boxes are stored, each once, and no other."""
        key = lambda box: box.id  # noqa: E731
        stored, wanted = sorted(self.stored(sheet), key=key), sorted(sheet.boxes, key=key)
        return len(stored) == len(wanted) and all(map(_is, wanted, stored))

    def count(self) -> int:
        """How many boxes the images have to have."""
        return sum(len(sheet.boxes) for sheet in self.sheets)

    def lost(self) -> int:
        """How many of these are not stored as they were drawn, once."""
        stored = {sheet.name: self.stored(sheet) for sheet in self.sheets}
        return sum(
            sum(_is(box, one) for one in stored[sheet.name]) != 1
            for sheet in self.sheets
            for box in sheet.boxes
        )

    def view(self) -> str:
        """What is on the page, for whoever looks for the cause of a failure."""
        seen = self.page.locator("body").inner_text(timeout=5000).splitlines()
        marks = self.labeler.root.evaluate_all("(all) => all.map((one) => ({ ...one.dataset }))")
        return "\n".join([json.dumps(marks), " | ".join(seen), *self.heard])

    def told(self, sheet: Sheet) -> str:
        return f"{sheet.name}: wanted {sheet.boxes}, stored {self.stored(sheet)}"

    def check(self) -> None:
        """Every box is stored once, on its image, with its label, and nothing is pending."""
        expect(self.labeler.root).to_have_attribute("data-save", "saved", timeout=CALM_MS)
        wrong = [self.told(sheet) for sheet in self.sheets if not self.matches(sheet)]
        assert not wrong, "\n".join(wrong)
        found = documents(self.folder)
        assert set(found) == {sheet.name for sheet in self.sheets}
        for sheet in self.sheets:
            status = found[sheet.name]["metadata"]["status"]
            assert status in sheet.statuses, (sheet.name, status, sheet.statuses)
        eventually(lambda: self.page.evaluate(JOURNAL) == [])


def _is(wanted: Box, stored: Box) -> bool:
    same = (wanted.id, wanted.label) == (stored.id, stored.label)
    apart = [abs(getattr(wanted, side) - getattr(stored, side)) for side in SIDES]
    return same and max(apart) <= WITHIN
