"""The workbench in Chromium: frames beside a bare Canvas2D loop, saves, next image, first page.

    python bench/workbench.py [--only frames|saves|next|first|memory] [--short] [--write]

`app.py` runs on a folder of its own; but for the first page, the page is a plain one with the
workbench's modules on the same origin, so that Streamlit takes no part. Tables are printed as
Markdown, and `--write` puts them into bench/README.md. All of it takes 8 minutes on a machine that
does nothing else; `--short` measures fewer images, boxes and rounds, in two minutes.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.markdown import table, write_section
from tests.e2e.conftest import FLAGS, Server
from tests.e2e.workbench.backend import MODULES, TYPES

PAGE = """<!doctype html><style>html, body, main { margin: 0; height: 100%; }</style><main></main>
<script type="module">
import { openWorkbench } from "./open.js";
window.open_ = (image) => {
  window.opened = openWorkbench(document.querySelector("main"), {
    baseUrl: location.origin, token: () => "", renewToken: async () => "", client: "bench",
    takesChanges: true, person: "", filters: {}, image,
    labels: [{ number: 1, name: "object", color: "#e6194b" }],
  });
};
</script>"""
FRAMES = 90
# Main-thread time of one frame: from its first callback until the browser has painted it and does
# the next task, which is when the pixels of both canvases are there.
FRAME = """
  const { port1, port2 } = new MessageChannel();
  const nextFrame = (paint) => new Promise((done) => requestAnimationFrame((time) => {
    const start = performance.now();
    paint();
    port1.onmessage = () => done({ time, took: performance.now() - start });
    port2.postMessage(null);
  }));
  const [times, gaps] = [[], []];
  let before = (await nextFrame(() => {})).time;
  const count = ({ time, took }, handled) => {
    times.push(handled + took);
    gaps.push(time - before);
    before = time;
  };"""
# One input per frame: its handler counts too.
DRIVE = f"""async ([how, frames]) => {{
  const surface = document.querySelector('[data-testid=surface]');
  const box = surface.getBoundingClientRect();
  const point = (kind, x, y, more) => surface.dispatchEvent(new PointerEvent(kind, {{
    pointerId: 1, clientX: box.left + x, clientY: box.top + y, bubbles: true, composed: true,
    cancelable: true, isPrimary: true, ...more }}));
  const middle = [box.width / 2, box.height / 2];
  if (how === 'move') {{
    opened.session.dispatch({{ type: 'select', ids: [opened.session.state.doc.rects[0].id] }});
    const [scale, left, top] = ['scale', 'left', 'top'].map((n) => Number(surface.dataset[n]));
    const rect = opened.session.state.doc.rects[0];
    middle[0] = left + (rect.left + rect.width / 2) * scale;
    middle[1] = top + (rect.top + rect.height / 2) * scale;
  }}
  const button = how === 'pan' ? 1 : 0;
  if (how !== 'zoom') point('pointerdown', ...middle, {{ button, buttons: 1 }});
  {FRAME}
  for (let frame = 0; frame < frames; frame++) {{
    const painted = nextFrame(() => {{}}); // asked for before the workbench asks for its own
    const start = performance.now();
    const to = [middle[0] + 4 + frame % 60, middle[1] + 4 + frame % 45];
    if (how === 'zoom') {{
      surface.dispatchEvent(new WheelEvent('wheel', {{ deltaY: frame % 30 < 15 ? -60 : 60,
        clientX: box.left + middle[0], clientY: box.top + middle[1], cancelable: true }}));
    }} else point('pointermove', ...to, {{ buttons: 1 }});
    await null;
    const handled = performance.now() - start;
    count(await painted, handled);
  }}
  point('pointercancel', ...middle);
  return {{ times, gaps }};
}}"""
# What every canvas has to do at least: paint the image and as many outlines, and nothing else.
BARE = f"""async ([frames]) => {{
  const canvas = Object.assign(document.createElement('canvas'),
    {{ width: innerWidth - 294, height: innerHeight - 96 }});
  document.body.append(canvas);
  canvas.style.cssText = 'position: fixed; inset: 0; z-index: 9';
  const to = canvas.getContext('2d');
  const {{ levels, width, height }} = opened.session.state.bitmap;
  const rects = opened.session.state.doc.rects;
  {FRAME}
  for (let frame = 0; frame < frames; frame++) {{
    const scale = canvas.width / width * (1 + frame % 10 / 50);
    const {{ bitmap }} = levels.filter((level) => level.scale >= scale).at(-1) ?? levels[0];
    count(await nextFrame(() => {{
      to.clearRect(0, 0, canvas.width, canvas.height);
      to.drawImage(bitmap, 0, 0, width * scale, height * scale);
      to.strokeStyle = '#e6194b';
      for (const r of rects) {{
        to.strokeRect(r.left * scale, r.top * scale, r.width * scale, r.height * scale);
      }}
    }}), 0);
  }}
  canvas.remove();
  return {{ times, gaps }};
}}"""
ONE_SAVE = """() => new Promise((done) => {
  const root = document.querySelector('[data-testid=workbench]');
  let start = 0;
  addEventListener('pointerup', () => start = performance.now(), { capture: true, once: true });
  const watching = new MutationObserver(() => {
    if (!start || root.dataset.save !== 'saved') return;
    watching.disconnect();
    window.took = performance.now() - start;
  });
  watching.observe(root, { attributeFilter: ['data-save'] });
  window.took = null;
  done();
})"""
GO = """([image, open]) => new Promise((done) => {
  const root = document.querySelector('[data-testid=workbench]');
  const start = performance.now();
  const look = () => {
    if (root.dataset.image === image && root.dataset.state === 'ready') {
      done(performance.now() - start);
    } else setTimeout(look, 1);
  };
  if (open) opened.session.open(image);
  else opened.session.next();
  look();
})"""


def p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def photo(width: int, height: int, seed: int) -> bytes:
    """An image with as much in it as a photo has."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 25, width // 25, 3), np.uint8)
    picture = Image.fromarray(small).resize((width, height), Image.Resampling.BILINEAR)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


class Bench:
    """The server with its images, and pages of the workbench on it."""

    def __init__(self, server: Server, context: BrowserContext, *, is_short: bool) -> None:
        self.is_short = is_short
        self.server = server
        self.client = httpx.Client(
            base_url=server.url, headers={"X-Labeler-Client": "bench"}, timeout=120
        )
        self.context = context
        context.route("**/bench-page/**", _module)

    def add(self, name: str, size: tuple[int, int], boxes: int, seed: int = 1) -> str:
        data = photo(*size, seed)
        answer = self.client.post("/api/images", content=data, headers={"X-File-Name": name})
        answer.raise_for_status()
        image = str(answer.json()["image_id"])
        rects = [
            {
                "left": 10 + number % 25 * (size[0] - 60) // 25,
                "top": 10 + number // 25 % 20 * (size[1] - 60) // 20,
                "width": size[0] // 40,
                "height": size[1] // 40,
                "label": "object",
            }
            for number in range(boxes)
        ]
        url = f"/api/annotations/{image}"
        before = self.client.get(url)
        document = before.json() | {"rects": rects}
        headers = {"If-Match": before.headers["ETag"]}
        self.client.put(url, json=document, headers=headers).raise_for_status()
        return image

    def open(self, image: str) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{self.server.url}/bench-page/index.html")
        page.wait_for_function("() => Boolean(window.open_)")
        page.evaluate("image => open_(image)", image)
        page.wait_for_selector("[data-testid=workbench][data-state=ready]")
        return page


def _module(route: Route) -> None:
    name = route.request.url.partition("/bench-page/")[2]
    if name == "index.html":
        route.fulfill(body=PAGE, content_type="text/html")
    else:
        file = MODULES / name
        route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])


def frames(bench: Bench) -> str:
    sizes = {"1": (1200, 900), "12": (4000, 3000), "100": (11_500, 8_600)}
    rows = []
    for megapixels, size in sizes.items():
        if bench.is_short and megapixels != "12":
            continue
        for boxes in (10, 100, 500):
            image = bench.add(f"frames_{megapixels}_{boxes}.jpg", size, boxes, boxes)
            page = bench.open(image)
            # Not the small copy that a large image shows first.
            page.wait_for_function("() => opened.session.state.bitmap?.whole")
            results: dict[str, Any] = {"bare loop": page.evaluate(BARE, [FRAMES])}
            for how in ("draw", "move", "zoom", "pan"):
                results[how] = page.evaluate(DRIVE, [how, FRAMES])
            page.close()
            cells = [
                f"{statistics.median(one['times']):.1f} / {p95(one['times']):.1f} "
                f"({sum(gap > 25 for gap in one['gaps'])})"
                for one in results.values()
            ]
            rows.append([megapixels, boxes, *cells])
    return table(["megapixels", "boxes", "bare loop", "draw", "move", "zoom", "pan"], rows)


def saves(bench: Bench) -> str:
    page = bench.open(bench.add("saves.jpg", (2000, 1500), 60))
    sizes: list[dict[str, int]] = []

    def count(request: Any) -> None:
        if request.method == "PUT":
            sizes.append(request.sizes())

    page.on("requestfinished", count)
    surface = page.get_by_test_id("surface").bounding_box()
    assert surface is not None
    took = []
    for number in range(10 if bench.is_short else 30):
        page.wait_for_timeout(1100)  # one write a second: each box has its own
        page.evaluate(ONE_SAVE)
        x, y = surface["x"] + 60 + number * 20, surface["y"] + 120
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 15, y + 30, steps=3)
        page.mouse.up()
        page.wait_for_function("() => window.took !== null")
        took.append(float(page.evaluate("window.took")))
    page.close()
    waited = table(
        ["pointer up to saved, ms", "p50", "p95"],
        [["folder, loopback", f"{statistics.median(took):.0f}", f"{p95(took):.0f}"]],
    )
    parts = {
        "what has changed": "requestBodySize",
        "headers of the request": "requestHeadersSize",
        "the answer": "responseBodySize",
        "headers of the answer": "responseHeadersSize",
    }
    return waited + table(
        ["one save with 60 to 90 boxes, on the wire", "bytes"],
        [
            [name, f"{statistics.median(one[key] for one in sizes):,.0f}"]
            for name, key in parts.items()
        ]
        + [["both ways", f"{statistics.median(sum(one.values()) for one in sizes):,.0f}"]],
    )


def next_image(bench: Bench) -> str:
    images = [bench.add(f"next_{n:02}.jpg", (4000, 3000), 20, 100 + n) for n in range(24)]
    page = bench.open(images[0])
    ahead = []
    for image in images[1 : 6 if bench.is_short else 13]:
        page.wait_for_timeout(2500)  # a labeler draws meanwhile
        ahead.append(float(page.evaluate(GO, [image, False])))
    cold = [float(page.evaluate(GO, [image, True])) for image in (images[17], *images[19:24:2])]
    page.close()
    return table(
        ["to the next image, ready to draw, 12 megapixels, ms", "p50", "p95"],
        [
            ["fetched ahead", f"{statistics.median(ahead):.0f}", f"{p95(ahead):.0f}"],
            ["cold", f"{statistics.median(cold):.0f}", f"{max(cold):.0f}"],
        ],
    )


def first_page(bench: Bench) -> str:
    """The page as people open it, with Streamlit, in a browser that has nothing of it yet."""
    image = bench.add("first.jpg", (4000, 3000), 20, 300)
    browser = bench.context.browser
    assert browser is not None
    took = []
    for _ in range(2 if bench.is_short else 7):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        began = time.monotonic()
        page.goto(f"{bench.server.url}/?image={image}")
        page.wait_for_selector("[data-testid=workbench][data-state=ready]", timeout=120_000)
        took.append((time.monotonic() - began) * 1000)
        context.close()
    return table(
        ["first page to ready to draw, cold, ms", "p50", "worst"],
        [["12 megapixels, 20 boxes", f"{statistics.median(took):.0f}", f"{max(took):.0f}"]],
    )


def memory(bench: Bench) -> str:
    count = 60 if bench.is_short else 200
    images = [bench.add(f"memory_{n:03}.jpg", (1000, 750), 10, 400 + n) for n in range(count)]
    page = bench.open(images[0])
    session = bench.context.new_cdp_session(page)
    session.send("Performance.enable")
    rows = []
    for number, image in enumerate(images[1:], 2):
        page.evaluate(GO, [image, True])
        if number in (20, count // 2, count):
            session.send("HeapProfiler.collectGarbage")
            metrics = session.send("Performance.getMetrics")["metrics"]
            found = {one["name"]: one["value"] for one in metrics}
            rows.append([number, f"{found['JSHeapUsedSize'] / 2**20:.1f}", int(found["Nodes"])])
    page.close()
    return table(["images opened", "JavaScript heap, MB", "DOM nodes"], rows)


def main() -> None:
    parts: dict[str, Callable[[Bench], str]] = {
        "frames": frames,
        "saves": saves,
        "next": next_image,
        "first": first_page,
        "memory": memory,
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=parts)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        folder = Path(place)
        env = {"LABELER_LABELS": "object", "LABELER_MAX_PIXELS": "120000000"}
        server = Server(folder / "data", folder / "log", env).start()
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        bench = Bench(server, context, is_short=given.short)
        for name, part in parts.items():
            if given.only in (None, name):
                text = part(bench)
                print(text, end="", flush=True)
                if given.write:
                    write_section(f"bench/workbench.py {name}", text)
        browser.close()
        server.stop()


if __name__ == "__main__":
    main()
