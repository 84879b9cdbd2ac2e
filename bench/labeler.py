"""A scripted labeler on both canvases: seconds and actions per box, and how many boxes are right.

    python bench/labeler.py [DATASET] [--images 60] [--minutes 12] [--write]

DATASET is a folder with `instances.json` (COCO) and `images/`. The labeler draws the boxes of the
ten most frequent labels, label by label, by mouse and keys, and marks each image as done. An action
is one drag, one key or one click. Without the folder nothing is measured. 60 photos take 6 minutes
on a machine that does nothing else; after `--minutes`, half of them for each canvas, no further
photo is begun. `--write` puts the table into bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import httpx
from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.markdown import table, write_section
from tests.e2e.conftest import FLAGS, Server
from tests.e2e.drawable import Drawable
from tests.e2e.labeler import Labeler, rects

DATASET: Final = Path(__file__).parents[2] / "shared" / "data" / "coco_cc60"
MOST_LABELS: Final = 10  # as many as there are digits
RIGHT: Final = 0.75
"""Intersection over union with the true box from which on a box counts as right."""

Area = tuple[float, float, float, float]


@dataclass(frozen=True)
class Photo:
    """A photo and its true boxes: left, top, width and height by label."""

    path: Path
    boxes: dict[str, list[Area]]


@dataclass
class Work:
    """What one canvas took. `right` and `drawn` count boxes, `photos` those that were finished."""

    photos: int = 0
    seconds: float = 0
    actions: int = 0
    right: int = 0
    drawn: int = 0


class Desk(Protocol):
    """One canvas, as the scripted labeler uses it; each method gives the actions that it took."""

    def open(self, image: str, name: str) -> None: ...
    def choose(self, number: int, label: str) -> int: ...
    def draw(self, box: Area, width: int) -> int: ...
    def finish(self, following: str | None) -> int: ...


class WorkbenchDesk:
    """The workbench: a digit, a drag, Enter."""

    def __init__(self, page: Page, url: str) -> None:
        self.person = Labeler(page, url)

    def open(self, image: str, name: str) -> None:
        self.person.open(f"/?image={image}")
        self.person.at(name)
        self.person.surface.click(position={"x": 4, "y": 4})

    def choose(self, number: int, label: str) -> int:
        self.person.keys(str((number + 1) % 10))
        return 1

    def draw(self, box: Area, width: int) -> int:
        place = self.person.surface.evaluate(
            """(surface) => {
              const { left, top } = surface.getBoundingClientRect();
              const { scale, left: dx, top: dy } = surface.dataset;
              return [left + Number(dx), top + Number(dy), Number(scale)];
            }"""
        )
        drag(self.person.page, place[:2], place[2], box)
        return 1

    def finish(self, following: str | None) -> int:
        self.person.keys("Enter")
        if following:
            self.person.at(following)
        else:
            self.person.saved()
        return 1


class DrawableDesk:
    """The drawable canvas: a click on a label, a drag, a click on Done."""

    def __init__(self, page: Page, url: str) -> None:
        self.person = Drawable(page, url)

    def open(self, image: str, name: str) -> None:
        self.person.open(f"/?image={image}")
        self.person.at(name)

    def choose(self, number: int, label: str) -> int:
        page = self.person.page
        named = re.compile(rf"(^|\W){re.escape(label)}$")
        page.get_by_role("radiogroup").locator("label", has_text=named).click()
        drawing = page.locator("[data-testid=stCaptionContainer]", has_text="Drawing:")
        expect(drawing).to_contain_text(label)
        self.person.ready()
        return 1

    def draw(self, box: Area, width: int) -> int:
        canvas = self.person.canvas()
        corner = (canvas["x"], canvas["y"])
        drag(self.person.page, corner, canvas["width"] / width, box)
        return 1

    def finish(self, following: str | None) -> int:
        self.person.ready()
        self.person.page.get_by_role("button", name=re.compile("Done")).first.click()
        if following:
            self.person.at(following)
        else:
            self.person.saved()
        return 1


DESKS: Final[dict[str, type[WorkbenchDesk] | type[DrawableDesk]]] = {
    "workbench": WorkbenchDesk,
    "drawable": DrawableDesk,
}


def drag(page: Page, corner: Sequence[float], scale: float, box: Area) -> None:
    """One drag over the box, of an image whose corner is there, at so many pixels per pixel."""
    left, top, width, height = box
    page.mouse.move(corner[0] + left * scale, corner[1] + top * scale)
    page.mouse.down()
    end = (corner[0] + (left + width) * scale, corner[1] + (top + height) * scale)
    page.mouse.move(*end, steps=3)
    page.mouse.up()


def read_photos(dataset: Path, most: int) -> tuple[list[str], list[Photo]]:
    """The labels, most frequent first, and the photos with boxes of them."""
    coco = json.loads((dataset / "instances.json").read_text())
    names = {one["id"]: one["name"] for one in coco["categories"]}
    listed = sorted(coco["images"], key=lambda one: str(one["file_name"]))[:most]
    wanted = {one["id"] for one in listed}
    true = [one for one in coco["annotations"] if one["image_id"] in wanted and not one["iscrowd"]]
    counts = Counter(names[one["category_id"]] for one in true)
    labels = sorted(counts, key=lambda name: (-counts[name], name))[:MOST_LABELS]
    photos = []
    for image in listed:
        boxes: dict[str, list[Area]] = {}
        for one in true:
            name = names[one["category_id"]]
            if one["image_id"] == image["id"] and name in labels:
                left, top, width, height = one["bbox"]
                boxes.setdefault(name, []).append((left, top, width, height))
        photos.append(Photo(dataset / "images" / image["file_name"], boxes))
    return labels, photos


def overlap(one: Area, other: Area) -> float:
    """Intersection over union."""
    sides = [
        min(one[n] + one[n + 2], other[n] + other[n + 2]) - max(one[n], other[n]) for n in (0, 1)
    ]
    shared = max(0.0, sides[0]) * max(0.0, sides[1])
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)


def count_right(folder: Path, photo: Photo) -> int:
    """How many true boxes have a stored one of their label that lies on them."""
    stored = rects(folder, photo.path.name)
    areas = [
        (one["label"], (one["left"], one["top"], one["width"], one["height"])) for one in stored
    ]
    return sum(
        any(label == name and overlap(area, box) >= RIGHT for name, area in areas)
        for label, boxes in photo.boxes.items()
        for box in boxes
    )


def work_through(
    desk: Desk, server: Server, labels: list[str], photos: list[Photo], most_s: float
) -> Work:
    """Label the photos; the clock runs from the first one that is ready until all are saved."""
    client = httpx.Client(base_url=server.url, headers={"X-Labeler-Client": "bench"}, timeout=60)
    ids, widths = [], []
    for photo in photos:
        sent = {"X-File-Name": photo.path.name}
        answer = client.post("/api/images", content=photo.path.read_bytes(), headers=sent)
        answer.raise_for_status()
        ids.append(answer.json()["image_id"])
        widths.append(int(answer.json()["width"]))
    work = Work()
    desk.open(ids[0], photos[0].path.name)
    began = time.monotonic()
    for number, photo in enumerate(photos):
        for label, boxes in photo.boxes.items():
            work.actions += desk.choose(labels.index(label), label)
            for box in boxes:
                work.actions += desk.draw(box, widths[number])
                work.drawn += 1
        work.photos += 1
        goes_on = work.photos < len(photos) and time.monotonic() - began < most_s
        work.actions += desk.finish(photos[work.photos].path.name if goes_on else None)
        if not goes_on:
            break
    work.seconds = time.monotonic() - began
    work.right = sum(count_right(server.folder, photo) for photo in photos[: work.photos])
    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", type=Path, default=DATASET)
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--write", action="store_true", help="put the table into bench/README.md")
    given = parser.parse_args()
    if not (given.dataset / "instances.json").is_file():
        print(f"There is no dataset at {given.dataset}: nothing is measured.", file=sys.stderr)
        return
    labels, photos = read_photos(given.dataset, given.images)
    rows = []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        for canvas, desk in DESKS.items():
            folder = Path(place) / canvas
            env = {"LABELER_LABELS": ",".join(labels), "LABELER_CANVAS": canvas}
            server = Server(folder, Path(place) / f"{canvas}.log", env).start()
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            most_s = given.minutes * 60 / len(DESKS)
            work = work_through(desk(page, server.url), server, labels, photos, most_s)
            page.close()
            server.stop()
            each = f"{work.seconds / work.drawn:.2f}", f"{work.actions / work.drawn:.2f}"
            rows.append([canvas, work.photos, work.drawn, work.right, *each])
            print(*rows[-1], file=sys.stderr, flush=True)
        browser.close()
    text = table(["canvas", "images", "boxes", "right", "s a box", "actions a box"], rows)
    print(text, end="")
    if given.write:
        write_section("bench/labeler.py", text)


if __name__ == "__main__":
    main()
