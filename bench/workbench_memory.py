"""What the browser holds while somebody labels one image after the other; needs Chromium.

    python bench/workbench_memory.py                # 200 images of 2 megapixels, three minutes
    python bench/workbench_memory.py --images 40

On each image a box is drawn, then the next one is opened. Measured every fifth of the way, after a
garbage collection: the JavaScript heap of the page, and the resident memory of the process that
draws it, in which decoded pictures are. Flat means that nothing of an image stays behind.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.server import Client, labeler

SIZE = (1600, 1200)


def photo(number: int) -> bytes:
    """A picture like no other, about as large as a photo."""
    noise = np.random.default_rng(number).integers(-12, 12, (SIZE[1] // 4, SIZE[0] // 4, 3))
    slope = np.linspace(40, 200, SIZE[0] // 4)[None, :, None]
    small = Image.fromarray((slope + noise).astype(np.uint8))
    data = io.BytesIO()
    small.resize(SIZE).save(data, "JPEG", quality=85)
    return data.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--images", type=int, default=200)
    images = parser.parse_args().images
    with labeler() as running:
        client = Client(running.port, 1)
        for number in range(images):
            client.connect()
            client.call("POST", "/api/images", photo(number), X_File_Name=f"{number:04}.jpg")
        print("| after images | JavaScript heap, MB | page's process, MB |")
        print("|---|---|---|")
        label(f"http://127.0.0.1:{running.port}", images)


def label(url: str, images: int) -> None:
    from playwright.sync_api import sync_playwright

    from tests.e2e.conftest import FLAGS
    from tests.e2e.labeler import Labeler

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        person = Labeler(page, url)
        person.open()
        tools = page.context.new_cdp_session(page)
        info = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        drawing = [one["id"] for one in info["processInfo"] if one["type"] == "renderer"]
        for number in range(images):
            person.at(f"{number:04}.jpg")
            person.drag((200, 200), (700, 600))
            person.has_boxes(1)
            if (number + 1) % max(1, images // 5) == 0:
                print(f"| {number + 1} | {heap_mb(tools):.1f} | {resident_mb(drawing):.0f} |")
            person.keys("d")
        person.saved()
        browser.close()


def heap_mb(tools: Any) -> float:
    for _ in range(2):
        tools.send("HeapProfiler.collectGarbage")
    return float(tools.send("Runtime.getHeapUsage")["usedSize"]) / 2**20


def resident_mb(processes: list[int]) -> float:
    """Of the largest of them: the page's."""
    status = [Path(f"/proc/{process}/status") for process in processes]
    texts = [one.read_text() for one in status if one.exists()]
    return max(int(text.split("VmRSS:")[1].split()[0]) / 1024 for text in texts)


if __name__ == "__main__":
    main()
