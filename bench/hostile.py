"""Hostile callers beside labelers: what one caller may do to the saves of the others.

    python bench/hostile.py                       # five minutes; Markdown tables
    python bench/hostile.py --seconds 20          # a short form
    python bench/hostile.py --write               # into SECURITY.md, too

Fifty callers do their worst to one instance, `python app.py` on a folder with LABELER_AUTH=oidc:
most as people who are signed in and may label, some as strangers. Ten labelers save a box each
second, from a process of their own. Before and after, the labelers work alone. Everything stays on
loopback, and ends by itself.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import multiprocessing
import os
import random
import re
import socket
import statistics
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from bench.server import Server, boxes, free_port, server, white_png  # noqa: E402
from labeler.access.tokens import Purpose, Signer, new_token  # noqa: E402

SECRET = "a secret of the benchmark alone"
LABELERS, HOSTILE = 10, 50
ALONE_S, SETTLE_S = 10.0, 45.0
BEGIN, END = "<!-- bench/hostile.py -->", "<!-- end -->"
ENVIRON = {
    "LABELER_AUTH": "oidc",
    "LABELER_SECRET_KEY": SECRET,
    "LABELER_OIDC_METADATA_URL": "http://127.0.0.1:1/.well-known/openid-configuration",
    "LABELER_OIDC_CLIENT_ID": "bench",
    "LABELER_OIDC_CLIENT_SECRET": "bench",
    "LABELER_OIDC_REDIRECT_URI": "http://127.0.0.1:1/oauth2callback",
}


def signed(person: str) -> dict[str, str]:
    """The headers of that person's calls."""
    token = new_token(Purpose.API, f"{person}@example.com", time.time())
    text = Signer(SECRET.encode()).sign(token)
    return {"Authorization": f"Bearer {text}", "X-Labeler-Client": person}


def call(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, bytes, str]:
    """Status, body and ETag of an answer; status 0 if the connection was closed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag", "")
    except (OSError, http.client.HTTPException):
        return 0, b"", ""
    finally:
        connection.close()


# --- labelers -----------------------------------------------------------------------------


@dataclass
class Work:
    """What a labeler met: how long saves took, and what was not saved."""

    seconds: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)
    lost: int = 0


def label(port: int, number: int, until: float, work: Work) -> None:
    """Save a box each second, over the own version before; then look whether all are there."""
    person = signed(f"labeler{number}")
    name = f"labeler_{number}_{os.urandom(4).hex()}.png"
    named = {**person, "X-File-Name": name}
    status, data, _ = call(port, "POST", "/api/images", named, white_png(1000, 1000))
    if status != 201:
        work.failures[f"upload {status}"] += 1
        return
    path = f"/api/annotations/{json.loads(data)['image_id']}"
    _, data, tag = call(port, "GET", path, person)
    document = json.loads(data)
    count = 0
    while time.time() < until:
        count += 1
        document["rects"] = [*boxes(number)[:5], {**boxes(number)[0], "left": count % 500}]
        body = json.dumps(document).encode()
        began = time.perf_counter()
        status, _, found = call(port, "PUT", path, {**person, "If-Match": tag}, body)
        work.seconds.append(time.perf_counter() - began)
        if status != 200:
            work.failures[str(status)] += 1
        tag = found or tag
        time.sleep(max(0.0, 1 - (time.perf_counter() - began)) * random.uniform(0.8, 1.2))
    _, data, _ = call(port, "GET", path, person)
    work.lost += json.loads(data)["rects"][-1]["left"] != count % 500


def labelers(port: int, seconds: float, answers: Any) -> None:
    """Ten of them in this process; what they met goes into the queue."""
    until, work = time.time() + seconds, [Work() for _ in range(LABELERS)]
    threads = [
        threading.Thread(target=label, args=(port, number, until, work[number]))
        for number in range(LABELERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = Work()
    for one in work:
        whole.seconds += one.seconds
        whole.failures += one.failures
        whole.lost += one.lost
    answers.put(whole)


# --- hostile callers ----------------------------------------------------------------------


def _noise(kind: str, width: int, height: int, **options: Any) -> bytes:
    made = io.BytesIO()
    Image.effect_noise((width, height), 90).save(made, kind, **options)
    return made.getvalue()


def _scans() -> bytes:
    """A progressive JPEG, its last scan 3,000 times."""
    data = _noise("JPEG", 2000, 2000, progressive=True)
    scan = data[data.rindex(b"\xff\xda") : -2]
    return data[:-2] + scan[:2000] * 3000 + data[-2:]


def _zip_bomb() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", bytes(2**28))
    return made.getvalue()


class Hostile:
    """One hostile caller: does one thing after another, each as often as its turn comes."""

    def __init__(self, port: int, number: int, material: dict[str, bytes], image: str) -> None:
        self.port, self.number, self.material, self.image = port, number, material, image
        self.random = random.Random(number)
        self.person = signed(f"hostile{number}") if number % 5 else {"X-Labeler-Client": "x"}
        self.tried: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()

    def run(self, until: float) -> None:
        works = sorted(name for name in dir(self) if name.startswith("do_"))
        while time.time() < until:
            name = works[(self.number + sum(self.tried.values())) % len(works)]
            self.tried[name.removeprefix("do_").replace("_", " ")] += 1
            with suppress(OSError, http.client.HTTPException):
                getattr(self, name)(until)

    def _call(self, method: str, path: str, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): text for name, text in headers.items()}
        status, _, _ = call(self.port, method, path, {**self.person, **named}, body)
        self.answers[str(status) if status else "closed"] += 1

    def _head(self, method: str, path: str, *lines: str) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        named = [f"{name}: {text}" for name, text in self.person.items()]
        head = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *named, *lines, "", ""]
        connection.sendall("\r\n".join(head).encode())
        return connection

    def do_slow_body(self, until: float) -> None:
        path = f"/api/annotations/{self.image}"
        with self._head("PUT", path, "Content-Length: 9000000", "If-Match: *") as connection:
            end = min(until, time.time() + 20)
            while time.time() < end:
                connection.sendall(b"x" * self.random.choice((1, 100, 5000)))
                time.sleep(0.5)

    def do_large_bodies(self, _: float) -> None:
        self._call("PUT", f"/api/annotations/{self.image}", bytes(15 * 2**20), If_Match="*")
        self._call("POST", "/api/images", bytes(29 * 2**20), X_File_Name="a.jpg")
        self._call("PUT", "/api/labels", bytes(20 * 2**20), If_Match="*")

    def do_worst_images(self, _: float) -> None:
        name = f"{self.number}_{self.tried['worst images']}"
        for kind in ("scans", "webp", "png"):
            self._call("POST", "/api/images", self.material[kind], X_File_Name=f"{name}.{kind}")

    def do_copies(self, _: float) -> None:
        for _ in range(5):
            self._call("GET", f"/api/images/{self.image}?width={self.random.randint(16, 8000)}")

    def do_exports(self, _: float) -> None:
        for path in ("coco", "yolo?images=1", "parquet?images=1", "csv"):
            with self._head("GET", f"/api/export/{path}") as connection:
                connection.recv(1000)  # and goes away

    def do_wide_lists(self, _: float) -> None:
        many = "&".join(f"label=l{number}" for number in range(999))
        for query in (f"limit=1000&{many}", "limit=1000&find=*a*b*c*d*e*f*", "find=" + "*?" * 90):
            self._call("GET", f"/api/images?{query}")
        self._call("GET", "/api/statistics?by=label,person,day,status")

    def do_combining_marks(self, _: float) -> None:
        marks = "a" + "\u0301\u0323" * 50_000
        body = {"rects": [{"left": 0, "top": 0, "width": 1, "height": 1, "label": marks}]}
        self._call("PUT", f"/api/annotations/{self.image}", json.dumps(body).encode(), If_Match="*")
        deep = b'{"rects":' + b"[" * 500_000
        self._call("PUT", f"/api/annotations/{self.image}", deep, If_Match="*")

    def do_imports(self, _: float) -> None:
        self._call("POST", "/api/imports?format=coco&dry_run=1", self.material["zip"])
        self._call("POST", "/api/imports?format=coco&dry_run=1", b"[" * 2**20)

    def do_many_sockets(self, until: float) -> None:
        opened = []
        with suppress(OSError):
            for _ in range(40):
                one = socket.create_connection(("127.0.0.1", self.port), timeout=10)
                one.sendall(b"GET /api/images HTTP/1.1\r\nHost: x\r\nX-Slow: ")
                opened.append(one)
        time.sleep(min(5.0, max(0.0, until - time.time())))
        for one in opened:
            one.close()

    def do_websockets(self, _: float) -> None:
        for path in ("/_stcore/stream", "/_stcore/upload_file/a/b", "/media/a", "/sign-in", "/"):
            self._call("GET", path)
        lines = (
            "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: streamlit",
            "Sec-WebSocket-Extensions: permessage-deflate",
        )  # fmt: skip
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = (packer.compress(bytes(2**24)) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
        frame = b"\xc2\xff" + len(packed).to_bytes(8) + bytes(4) + packed
        with self._head("GET", "/_stcore/stream", *lines) as connection:
            for _ in range(20):
                connection.sendall(frame)
            self.answers[connection.recv(100)[9:12].decode("ascii", "replace") or "closed"] += 1


def attack(port: int, until: float, image: str, material: dict[str, bytes], answers: Any) -> None:
    """All of them in this process; what they tried and got goes into the queue.

    They give way to the server and the labelers: they stand for callers on other machines, whose
    own work (packing, noise) takes nothing of this one's processors.
    """
    os.nice(5)
    callers = [Hostile(port, number, material, image) for number in range(HOSTILE)]
    threads = [threading.Thread(target=one.run, args=(until,)) for one in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tried, got = Counter[str](), Counter[str]()
    for one in callers:
        tried += one.tried
        got += one.answers
    answers.put((tried, got))


# --- the whole ----------------------------------------------------------------------------


@dataclass
class Used:
    """Memory of the server and of all its processes in MB, and its descriptors."""

    server: float
    all: float
    descriptors: int


def used(running: Server) -> Used:
    own = running.memory_mb()
    children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text()
    whole = own
    for child in children.split():
        with suppress(OSError, IndexError):
            status = Path(f"/proc/{child}/status").read_text()
            whole += int(status.split("VmRSS:")[1].split()[0]) / 1024
    return Used(own, whole, len([*Path(f"/proc/{running.process.pid}/fd").iterdir()]))


def at_work(port: int, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Work:
    """What ten labelers met in that time."""
    spawn = multiprocessing.get_context("spawn")
    answers = spawn.Queue()
    process = spawn.Process(target=labelers, args=(port, seconds, answers))
    process.start()
    meanwhile()
    work: Work = answers.get()
    process.join()
    return work


def measure(seconds: float, settle: float) -> str:
    """The tables, as Markdown."""
    port = free_port()
    spawn = multiprocessing.get_context("spawn")
    peak, load = Used(0, 0, 0), os.getloadavg()[0]
    material = {
        "scans": _scans(),
        "webp": _noise("WEBP", 5000, 5000, quality=30, method=0),
        "png": _noise("PNG", 4000, 4000, compress_level=1),
        "zip": _zip_bomb(),
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        server(
            [sys.executable, "app.py"], port, "/api/health",
            PORT=str(port), LABELER_STORAGE=folder, **ENVIRON,
        ) as running,
    ):  # fmt: skip
        owner = signed("owner")
        image = ""
        for number in range(200):
            named = {**owner, "X-File-Name": f"{number}.png"}
            _, data, _ = call(port, "POST", "/api/images", named, white_png(3000, 2000 + number))
            image = json.loads(data)["image_id"]
        alone = at_work(port, ALONE_S)
        before = used(running)
        answers = spawn.Queue()
        until = time.time() + seconds
        attackers = spawn.Process(target=attack, args=(port, until, image, material, answers))

        def watch() -> None:
            nonlocal peak
            attackers.start()
            while time.time() < until:
                now = used(running)
                peak = Used(max(peak.server, now.server), max(peak.all, now.all),
                            max(peak.descriptors, now.descriptors))  # fmt: skip
                time.sleep(0.5)

        beside = at_work(port, seconds, watch)
        tried, got = answers.get()
        attackers.join()
        time.sleep(settle)
        after = used(running)
        again = at_work(port, ALONE_S)
    works = (("alone", alone), ("beside them", beside), ("afterwards", again))
    memory = (("before", before), ("highest", peak), ("afterwards", after))
    return tables(seconds, works, memory, tried, got, load)


def tables(
    seconds: float,
    works: tuple[tuple[str, Work], ...],
    memory: tuple[tuple[str, Used], ...],
    tried: Counter[str],
    got: Counter[str],
    load: float,
) -> str:
    lines = [
        f"{HOSTILE} hostile callers beside {LABELERS} labelers for {seconds:g} seconds, "
        f"{os.cpu_count()} cores, a load of {load:.0f} by other work before:",
        "",
        "| labelers | saves | failed | lost | median, ms | 95 %, ms | longest, ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name, work in works:
        ms = sorted(second * 1000 for second in work.seconds)
        p95 = statistics.quantiles(ms, n=20)[-1]
        failed = work.failures.total()
        lines.append(
            f"| {name} | {len(ms)} | {failed} | {work.lost} | {statistics.median(ms):.0f} | "
            f"{p95:.0f} | {ms[-1]:.0f} |"
        )
    lines += [
        "",
        "| server | memory, MB | with its decoders, MB | descriptors |",
        "|---|---:|---:|---:|",
    ]
    for name, one in memory:
        lines.append(f"| {name} | {one.server:.0f} | {one.all:.0f} | {one.descriptors} |")
    lines += ["", "| tried | times |", "|---|---:|"]
    lines += [f"| {name} | {count} |" for name, count in sorted(tried.items())]
    told = ", ".join(f"{status} {count} times" for status, count in sorted(got.items()))
    lines += ["", f"They were answered {told}.", ""]
    failures = Counter[str]()
    for _, work in works:
        failures += work.failures
    if failures:
        print("Failures of labelers:", dict(failures), file=sys.stderr)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--settle", type=float, default=SETTLE_S)
    parser.add_argument("--write", action="store_true", help="write the tables into SECURITY.md")
    given = parser.parse_args()
    text = measure(given.seconds, given.settle)
    print(text)
    if given.write:
        path = ROOT / "SECURITY.md"
        whole = path.read_text(encoding="utf-8")
        pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
        path.write_text(pattern.sub(f"{BEGIN}\n{text}{END}", whole), encoding="utf-8")


if __name__ == "__main__":
    main()
