"""What pages cost one instance over a local folder: memory, start, bytes on the wire.

    python bench/pages.py                  # everything, about five minutes; Markdown tables
    python bench/pages.py --only wire      # or sessions, held, first

Sessions are websockets that speak Streamlit's protocol, so that each holds an image with its canvas
open as a browser does, without a browser. The wire is counted between a real browser and the
server, on the way of all connections: needs Chromium.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
import shutil
import socket
import statistics
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.server import Client, Server, bare_page, labeler, white_png

COUNTS = (1, 50, 200)
AT_WORK = (10, 25, 50)
PACE_S = 3.0


# --- sessions ------------------------------------------------------------------------------


class Session:
    """A page without a browser. Reads all the time, as a browser does: it answers pings."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._finished = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        self.has_canvas = False

    @property
    def is_open(self) -> bool:
        """Whether the server still holds it."""
        return not self._socket.closed

    async def run(self) -> None:
        """Run the page once, to its end."""
        from streamlit.proto.BackMsg_pb2 import BackMsg

        call = BackMsg()
        call.rerun_script.query_string = ""
        call.rerun_script.context_info.url = "http://127.0.0.1:8501/"
        self._finished.clear()
        await self._socket.send_bytes(call.SerializeToString())
        finished = asyncio.create_task(self._finished.wait())
        await asyncio.wait((finished, self._reading), return_when=asyncio.FIRST_COMPLETED)
        if self._reading.done():
            finished.cancel()
            raise SystemExit(f"The server ended the session: {self._socket.close_code}")

    async def _read(self) -> None:
        from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

        async for answer in self._socket:
            message = ForwardMsg.FromString(answer.data)
            kind = message.WhichOneof("type")
            if kind == "delta":
                name = message.delta.new_element.bidi_component.component_name
                self.has_canvas |= name.endswith(("drawable_canvas", "workbench"))
            if kind == "script_finished":
                self._finished.set()


@asynccontextmanager
async def browserless(port: int) -> AsyncIterator[Callable[[], Awaitable[Session]]]:
    """Opens pages, as many as wanted; all are closed at the end."""
    import aiohttp

    address = f"http://127.0.0.1:{port}/_stcore/stream"
    # Without this, it opens a hundred and waits for one of them to end.
    unlimited = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=unlimited) as http, AsyncExitStack() as stack:

        async def open_one() -> Session:
            protocols = ("streamlit", "PLACEHOLDER")
            # Packed, as browsers have it.
            connecting = http.ws_connect(address, protocols=protocols, max_msg_size=0, compress=15)
            return Session(await stack.enter_async_context(connecting))

        yield open_one


async def at_pages(running: Server, count: int) -> str:
    """A row of the table for so many pages open at once."""
    async with browserless(running.port) as open_one:
        pages = []
        before = running.cpu_s()
        for _ in range(count):
            pages.append(await open_one())
            await pages[-1].run()
            await pages[-1].run()
        cpu = (running.cpu_s() - before) / count
        memory = running.memory_mb()
        shown = sum(page.has_canvas for page in pages)
        open_still = sum(page.is_open for page in pages)
        return f"| {count} | {open_still} | {shown} | {memory:.0f} | {cpu * 1e3:.0f} |"


def sessions() -> None:
    print("| pages | open at the end | with a canvas | MB | CPU ms to open one |")
    print("|---:|---:|---:|---:|---:|")
    for count in COUNTS:
        with labeler() as running:
            Client(running.port, 1).prepare()
            print(asyncio.run(at_pages(running, count)), flush=True)


# --- pages at work -------------------------------------------------------------------------


async def work(page: Session, seconds: float, begin: float) -> list[float]:
    """Run the page every three seconds, as somebody does who draws quickly; the seconds of each."""
    await asyncio.sleep(begin)
    took: list[float] = []
    for _ in range(math.ceil(seconds / PACE_S)):
        started = time.perf_counter()
        await page.run()
        took.append(time.perf_counter() - started)
        await asyncio.sleep(max(0.0, PACE_S - took[-1]))
    return took


async def at_work(running: Server, count: int, seconds: float) -> tuple[list[float], float]:
    """The seconds of each run of so many pages, and the server's CPU seconds for all of them."""
    async with browserless(running.port) as open_one:
        pages = [await open_one() for _ in range(count)]
        for page in pages:
            await page.run()
            await page.run()
        source = random.Random(count)
        before = running.cpu_s()
        found = await asyncio.gather(
            *(work(page, seconds, source.uniform(0, PACE_S)) for page in pages)
        )
        return [took for each in found for took in each], running.cpu_s() - before


def held(seconds: float) -> None:
    """How long a run of the page takes while so many people work at once."""
    print("| pages at work | runs | p50 ms | p95 ms | CPU ms a run |\n|---:|---:|---:|---:|---:|")
    for count in AT_WORK:
        with labeler() as running:
            Client(running.port, 1).prepare()
            took, cpu = asyncio.run(at_work(running, count, seconds))
        cuts = [cut * 1e3 for cut in statistics.quantiles(took, n=20)]
        runs = len(took)
        print(
            f"| {count} | {runs} | {cuts[9]:.0f} | {cuts[18]:.0f} | {cpu / runs * 1e3:.0f} |",
            flush=True,
        )


# --- the first page ------------------------------------------------------------------------


async def first_page(port: int) -> None:
    async with browserless(port) as open_one:
        await (await open_one()).run()


def first(rounds: int) -> None:
    """From the start of the process to health, and to the last part of the first page."""
    print("| start | to health s | to the first page s | CPU s until then |\n|---|---:|---:|---:|")
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(rounds):
        for name, start in (("one-line Streamlit app", bare_page), ("Labeler", labeler)):
            began = time.perf_counter()
            with start() as running:
                asyncio.run(first_page(running.port))
                took = time.perf_counter() - began
                found.setdefault(name, []).append((running.started_s, took, running.cpu_s()))
    medians = {
        name: [statistics.median(column) for column in zip(*figures, strict=True)]
        for name, figures in found.items()
    }
    bare, ours = medians.values()
    medians["times as much"] = [mine / plain for mine, plain in zip(ours, bare, strict=True)]
    for name, columns in medians.items():
        print(f"| {name} | {' | '.join(f'{value:.2f}' for value in columns)} |")


# --- the wire ------------------------------------------------------------------------------


class Wire:
    """Passes connections on to a port of this machine, and counts what goes each way."""

    def __init__(self, port: int) -> None:
        self.up = self.down = 0
        self._there = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def counted(self, work: Callable[[], object]) -> tuple[int, int]:
        """Bytes from and to the browser while that is done, and until nothing more comes."""
        before = self.up, self.down
        work()
        last = -1
        while last != self.up + self.down:
            last = self.up + self.down
            time.sleep(1.0)
        return self.up - before[0], self.down - before[1]

    def _serve(self) -> None:
        while True:
            here, _ = self._listener.accept()
            there = socket.create_connection(("127.0.0.1", self._there))
            for one, other, name in ((here, there, "up"), (there, here, "down")):
                threading.Thread(target=self._pump, args=(one, other, name), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, name: str) -> None:
        try:
            while data := source.recv(2**16):
                setattr(self, name, getattr(self, name) + len(data))
                target.sendall(data)
        except OSError:
            pass  # the browser has closed it
        finally:
            target.close()


@contextmanager
def browser_page(url: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    from tests.e2e.conftest import FLAGS
    from tests.e2e.labeler import Labeler

    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        yield Labeler(page, url)
        browser.close()


def wire() -> None:
    """A first visit, boxes, images of 100 kB each, over a browser's connections."""
    rows: dict[str, list[tuple[int, int]]] = {}
    with labeler() as running:
        picture = white_png(1000, 700) + os.urandom(100_000)
        uploader = Client(running.port, 1)
        for number in range(4):
            uploader.call("POST", "/api/images", picture, X_File_Name=f"{number}.png")
        line = Wire(running.port)

        def row(name: str, work: Callable[[], object]) -> None:
            rows.setdefault(name, []).append(line.counted(work))

        with browser_page(f"http://127.0.0.1:{line.port}") as person:

            def visit() -> None:
                person.open()
                person.ready()

            def draw(number: int) -> None:
                person.drag((20 + number * 60, 30), (60 + number * 60, 90))
                person.saved()

            def on(name: str) -> None:
                person.next()
                person.at(name)

            row("first visit, with an image", visit)
            for number in range(10):
                name = "box 1" if number == 0 else "boxes 2 to 9, each" if number < 9 else "box 10"
                row(name, partial(draw, number))
            for number in range(1, 4):
                row("another image, its picture and the next one's", partial(on, f"{number}.png"))
            row("second visit", visit)
    print("| over the wire | from the browser, kB | to the browser, kB |\n|---|---:|---:|")
    for name, found in rows.items():
        up, down = (statistics.mean(column) / 1000 for column in zip(*found, strict=True))
        print(f"| {name} | {up:.1f} | {down:.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["sessions", "held", "first", "wire"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15, help="of work at pages")
    chosen = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "sessions": sessions,
        "held": lambda: held(chosen.seconds),
        "first": lambda: first(chosen.rounds),
        "wire": wire,
    }
    for name, measure in parts.items():
        if chosen.only in (None, name):
            measure()
            print(f"\nload {os.getloadavg()[0]:.0f}\n", flush=True)


if __name__ == "__main__":
    main()
