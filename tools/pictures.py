"""Make the pictures in docs/pictures/ from the running program, by mouse and keyboard.

    make pictures

Starts Labeler on a folder of its own, uploads photos that scikit-image ships, draws boxes, and
takes screenshots: of the workbench at a desktop's and at a phone's width, and of the gallery in the
dark theme. CHROMIUM names the browser.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright
from skimage import data

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.e2e.conftest import FLAGS, Server  # noqa: E402
from tests.e2e.labeler import Labeler, rects  # noqa: E402

TARGET = ROOT / "docs" / "pictures"
DESKTOP = (1280, 800)
PHONE = (390, 780)
GALLERY = (1100, 520)
LABELS = ("motorcycle", "wheel", "bench", "carton")
PHOTO = "garage.jpg"
BOXES = (  # label, and left, top, right, bottom in pixels of the photo
    ("motorcycle", 91, 22, 686, 453),
    ("wheel", 121, 236, 281, 404),
    ("wheel", 512, 290, 685, 451),
    ("bench", 40, 105, 284, 309),
    ("carton", 526, 28, 594, 100),
    ("carton", 613, 184, 683, 277),
)


def main() -> None:
    """Write all pictures."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        photos = write_photos(folder)
        env = {"LABELER_LABELS": ",".join(LABELS)}
        server = Server(folder / "data", folder / "server.log", env)
        browser = playwright.chromium.launch(
            executable_path=os.environ["CHROMIUM"], args=list(FLAGS)
        )
        server.start()
        try:
            labeler = new_page(browser, server, DESKTOP)
            label_all(labeler, server.folder, photos)
            for picture, size in (("desktop.png", DESKTOP), ("phone.png", PHONE)):
                labeler = new_page(browser, server, size)
                labeler.at(PHOTO)
                take(labeler, TARGET / picture)
            labeler = new_page(browser, server, GALLERY, "dark")
            labeler.go_to("Gallery")
            images = labeler.page.get_by_test_id("gallery-image")
            expect(images).to_have_count(len(photos))
            for image in images.locator("img").all():
                expect(image).to_have_js_property("complete", True)
                expect(image).not_to_have_js_property("naturalWidth", 0)
            take(labeler, TARGET / "gallery.png")
        finally:
            server.stop()
            browser.close()


def write_photos(folder: Path) -> list[Path]:
    """The photos to upload, in the order of their names."""
    photos = {
        "cat.jpg": data.chelsea(),
        "coffee.jpg": data.coffee(),
        PHOTO: data.stereo_motorcycle()[0],
        "rocket.jpg": data.rocket(),
    }
    paths = []
    for name, pixels in photos.items():
        paths.append(folder / name)
        Image.fromarray(pixels).save(paths[-1], quality=95)
    return paths


def new_page(
    browser: Browser,
    server: Server,
    size: tuple[int, int],
    scheme: Literal["light", "dark"] = "light",
) -> Labeler:
    """A person with a window of that size, on the first image with work left."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
    )
    labeler = Labeler(context.new_page(), server.url)
    labeler.open()
    return labeler


def label_all(labeler: Labeler, folder: Path, photos: Sequence[Path]) -> None:
    """Finish two images that have nothing to label, then draw the boxes of the third."""
    labeler.upload(*photos)
    labeler.at("cat.jpg")
    labeler.skip()
    labeler.at("coffee.jpg")
    labeler.done()
    labeler.at(PHOTO)
    for label, left, top, right, bottom in BOXES:
        labeler.keys(str(LABELS.index(label) + 1))
        labeler.drag((left, top), (right, bottom))
    labeler.has_boxes(len(BOXES))
    labeler.saved()
    stored = [rect["label"] for rect in rects(folder, PHOTO)]
    if stored != [label for label, *_ in BOXES]:
        sys.exit(f"The boxes have other labels than they were drawn with: {stored}")


def take(labeler: Labeler, path: Path) -> None:
    """Write what the window shows, as a PNG of 256 colors: a third of the size."""
    labeler.page.wait_for_timeout(1500)  # all animations have ended
    with Image.open(io.BytesIO(labeler.page.screenshot())) as shot:
        window = shot.convert("RGB")
    few = window.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=4)
    window.quantize(palette=few).save(path, optimize=True)  # dithered, unlike `few` itself


if __name__ == "__main__":
    main()
