"""How fast one instance saves and starts over a local folder. pages.py has what pages cost.

    python bench/server.py                 # everything, about two minutes; Markdown tables
    python bench/server.py --only saves --seconds 10

The server is `python app.py` as a laptop starts it. Beside it, in the same run and in turns, a
bare Starlette route that does nothing but write the body to a file with fsync, and a one-line
Streamlit app: what is slower there is the machine, what is slower here alone is ours.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from struct import pack
from typing import Any
from zlib import compress, crc32

ROOT = Path(__file__).parents[1]
CLIENT = {"X-Labeler-Client": "bench"}

BARE_ROUTE = """
import os, sys, uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

folder, port = sys.argv[1], int(sys.argv[2])

def keep(name, data):
    temp = f"{folder}/{name}.{os.urandom(4).hex()}"
    with open(temp, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temp, f"{folder}/{name}")

async def put(request):
    await run_in_threadpool(keep, request.path_params["name"], await request.body())
    return Response(status_code=200)

async def health(request):
    return Response("ok")

app = Starlette(routes=[
    Route("/api/annotations/{name}", put, methods=["PUT"]), Route("/api/health", health),
])
uvicorn.run(app, port=port, access_log=False, log_level="warning")
"""
BARE_PAGE = 'import streamlit as st\nst.write("one line")\n'


# --- servers ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen[bytes]
    started_s: float

    def memory_mb(self) -> float:
        """What is resident, of all that the process has."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_s(self) -> float:
        """The processor time that it has used, which other programs' load does not change."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def server(command: list[str], port: int, health: str, **environ: str) -> Iterator[Server]:
    """The running server, from the start of its process until it is well."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environ},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while not is_well(port, health):
            if process.poll() is not None:
                raise SystemExit(f"{command} ended with {process.returncode}")
            time.sleep(0.005)
        yield Server(port, process, time.perf_counter() - started)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def is_well(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def labeler() -> Iterator[Server]:
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        server(
            [sys.executable, "app.py"], port, "/api/health",
            PORT=str(port), LABELER_STORAGE=folder,
        ) as running,
    ):  # fmt: skip
        yield running


@contextmanager
def bare_route() -> Iterator[Server]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", BARE_ROUTE, folder, str(port)]
        with server(command, port, "/api/health") as running:
            yield running


@contextmanager
def bare_page() -> Iterator[Server]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "page.py")
        script.write_text(BARE_PAGE)
        command = [
            sys.executable, "-m", "streamlit", "run", str(script),
            "--server.headless=true", f"--server.port={port}", "--server.address=127.0.0.1",
        ]  # fmt: skip
        with server(command, port, "/_stcore/health") as running:
            yield running


# --- saves --------------------------------------------------------------------------------


class Client:
    """One labeler who saves a document of 14 boxes (2 KB) again and again, over one connection."""

    def __init__(self, port: int, number: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.connect()
        self.number = number
        self.seconds: list[float] = []

    def connect(self) -> None:
        """Anew: the server closes a connection that is idle for five seconds."""
        self.connection.close()
        self.connection.connect()
        # A request goes out in two parts; the second must not wait for an acknowledgement.
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call(
        self, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, body, {**CLIENT, **named})
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {data[:200]!r}")
        return answer, data

    def prepare(self) -> None:
        name = f"bench_{self.number}_{os.urandom(4).hex()}.png"
        _, data = self.call("POST", "/api/images", white_png(1000, 1000), X_File_Name=name)
        self.path = f"/api/annotations/{json.loads(data)['image_id']}"
        answer, data = self.call("GET", self.path)
        self.tag = answer.headers["ETag"]
        self.document = {**json.loads(data), "rects": boxes(self.number)}

    def save(self, seconds: float, *, plain: bool, least: int = 0) -> None:
        """As many saves as go into that time, and at least so many, each over the one before."""
        if plain:
            self.path, self.tag, self.document = f"/api/annotations/{self.number}", "", {
                "rects": boxes(self.number)
            }  # fmt: skip
        end = time.perf_counter() + seconds
        wanted = len(self.seconds) + least
        while time.perf_counter() < end or len(self.seconds) < wanted:
            self.document["rects"][0]["left"] = float(len(self.seconds) % 100)
            body = json.dumps(self.document).encode()
            started = time.perf_counter()
            answer, _ = self.call("PUT", self.path, body, If_Match=self.tag)
            self.seconds.append(time.perf_counter() - started)
            self.tag = answer.headers.get("ETag", "")


def boxes(seed: int) -> list[dict[str, Any]]:
    source = random.Random(seed)
    return [
        {
            "left": round(source.uniform(0, 800), 2),
            "top": round(source.uniform(0, 800), 2),
            "width": round(source.uniform(5, 200), 2),
            "height": round(source.uniform(5, 200), 2),
            "label": "object",
            "id": f"{seed:04}{number:04}",
        }
        for number in range(14)
    ]


def white_png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))

    header = pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = (b"\0" + b"\xff" * width) * height
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


def measure_saves(running: Server, clients: int, seconds: float, *, plain: bool) -> list[float]:
    """The seconds of each save of all clients together."""
    people = [Client(running.port, number) for number in range(clients)]
    if not plain:
        for person in people:
            person.prepare()
    threads = [
        threading.Thread(target=person.save, args=(seconds,), kwargs={"plain": plain})
        for person in people
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [took for person in people for took in person.seconds]


def saves(seconds: float, rounds: int) -> None:
    print("| saves | clients | a second | p50 ms | p95 ms | CPU ms each |")
    print("|---|---:|---:|---:|---:|---:|")
    found: dict[tuple[str, int], list[float]] = {}
    cpu: dict[tuple[str, int], float] = {}
    with labeler() as ours, bare_route() as bare:
        for _ in range(rounds):
            for clients in (1, 8):
                for name, running in (("bare route", bare), ("Labeler", ours)):
                    before = running.cpu_s()
                    took = measure_saves(running, clients, seconds, plain=running is bare)
                    found.setdefault((name, clients), []).extend(took)
                    used = cpu.get((name, clients), 0.0) + running.cpu_s() - before
                    cpu[name, clients] = used
    for (name, clients), took in found.items():
        cuts = statistics.quantiles(took, n=20)
        figures = (
            f"{len(took) / (seconds * rounds):.0f}",
            f"{cuts[9] * 1e3:.1f}",
            f"{cuts[18] * 1e3:.1f}",
            f"{cpu[name, clients] / len(took) * 1e3:.2f}",
        )
        print(f"| {name} | {clients} | {' | '.join(figures)} |")


# --- starts -------------------------------------------------------------------------------


def starts(rounds: int) -> None:
    print("| start | to health s | idle MB |\n|---|---:|---:|")
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        for name, start in (("one-line Streamlit app", bare_page), ("Labeler", labeler)):
            with start() as running:
                time.sleep(1)
                found.setdefault(name, []).append((running.started_s, running.memory_mb()))
    for name, figures in found.items():
        seconds, memory = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"| {name} | {seconds:.2f} | {memory:.0f} |")


# --- labelers at work ---------------------------------------------------------------------


def at_work(person: Client, seconds: float, begin: float) -> None:
    """Every three seconds: look at the image, then save."""
    time.sleep(begin)
    person.connect()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        person.call("GET", person.path.replace("annotations", "images"))
        person.save(0.0, plain=False, least=1)
        time.sleep(max(0.0, 3.0 - (time.perf_counter() - started)))


def held(seconds: float) -> None:
    """How many labelers one instance holds with 95 of 100 saves within 100 ms."""
    print("| labelers | saves a second | p50 ms | p95 ms |\n|---:|---:|---:|---:|")
    for count in (25, 50, 100, 200, 400):
        with labeler() as running:
            people = [Client(running.port, number) for number in range(count)]
            for person in people:
                person.prepare()
            source = random.Random(count)
            threads = [
                threading.Thread(target=at_work, args=(one, seconds, source.uniform(0, 3)))
                for one in people
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        took = [save for person in people for save in person.seconds]
        cuts = statistics.quantiles(took, n=20)
        print(
            f"| {count} | {len(took) / seconds:.0f} | {cuts[9] * 1e3:.1f} | {cuts[18] * 1e3:.1f} |"
        )
        if cuts[18] > 0.1:
            break


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=["saves", "held", "starts"])
    parser.add_argument("--seconds", type=float, default=4, help="of each turn of saving")
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    parts: dict[str, Callable[[], None]] = {
        "saves": lambda: saves(chosen.seconds, chosen.rounds),
        "held": lambda: held(10 * chosen.seconds),
        "starts": lambda: starts(chosen.rounds),
    }
    for name, measure in parts.items():
        if chosen.only in (None, name):
            measure()
            print(flush=True)


if __name__ == "__main__":
    main()
