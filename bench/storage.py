"""How fast the stores are: saving, listing and reading 10,000 documents.

    python bench/storage.py            # everything, about ten minutes; Markdown tables
    python bench/storage.py --only read --documents 5000

Each figure comes from a process of its own, against tests/gcs_server in another process on the
same machine. CPU and memory are the measured process's alone.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import io
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BUCKET = "labels"
PREFIX = "annotations/"
SAVES = 300

sys.path.insert(0, str(ROOT))
# gcsfs asks an emulator for a feature that none has, and waits a minute for each answer.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"

from labeler.model.document import parse_document  # noqa: E402
from labeler.settings import Location  # noqa: E402
from labeler.storage import ABSENT, Store, list_all, open_store  # noqa: E402
from tests.gcs_server.child import running  # noqa: E402

# --- what is read -------------------------------------------------------------------------


def document(number: int) -> bytes:
    """A document of about 2 KB: 14 boxes."""
    source = random.Random(number)
    rects = [
        {
            "left": round(source.uniform(0, 1500), 2),
            "top": round(source.uniform(0, 800), 2),
            "width": round(source.uniform(5, 400), 2),
            "height": round(source.uniform(5, 250), 2),
            "label": source.choice(["person", "bicycle", "traffic light"]),
            "id": f"{source.getrandbits(40):08x}"[:8],
        }
        for _ in range(14)
    ]
    name = f"street_scene_{number:05d}.jpg"
    metadata = {
        "image_path": name,
        "image_id": f"{number:032x}",
        "saved_at": "2026-01-01T12:00:00.000000+00:00",
        "version": "1.0",
        "content_md5": f"{source.getrandbits(128):032x}",
        "status": "done",
        "saved_by": "ana@example.com",
    }
    whole = {"rects": rects, "image_path": name, "image_width": 1920, "image_height": 1080}
    return json.dumps({**whole, "metadata": metadata}).encode()


def names(count: int) -> list[str]:
    return [f"{PREFIX}{number:032x}.json" for number in range(count)]


def fill(store: Store, count: int) -> None:
    def write(number: int) -> None:
        store.write(
            f"{PREFIX}{number:032x}.json",
            document(number),
            replaces=ABSENT,
            metadata={"status": "done", "rects": "14", "image": f"street_scene_{number:05d}.jpg"},
            content_type="application/json",
        )

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(write, range(count)))


# --- the ways to read and to list ---------------------------------------------------------


def opened(place: str) -> Store:
    return open_store(Location("", place) if place else Location(BUCKET, ""))


def labeler_read(place: str, count: int) -> Iterable[bytes]:
    store = opened(place)
    yield from (data for _, data, _ in store.read_many(names(count)))
    store.close()


def client_read(threads: int) -> Callable[[str, int], Iterable[bytes]]:
    def read(_: str, count: int) -> Iterable[bytes]:
        bucket = google_bucket(threads)
        with ThreadPoolExecutor(threads) as pool:
            yield from pool.map(lambda name: bucket.blob(name).download_as_bytes(), names(count))

    return read


def transfer_manager_read(_: str, count: int) -> Iterable[bytes]:
    from google.cloud.storage import transfer_manager

    bucket = google_bucket(32)
    pairs = [(bucket.blob(name), io.BytesIO()) for name in names(count)]
    transfer_manager.download_many(
        pairs, max_workers=32, worker_type=transfer_manager.THREAD, raise_exception=True
    )
    yield from (file.getvalue() for _, file in pairs)


def gcsfs_read(_: str, count: int) -> Iterable[bytes]:
    paths = [f"{BUCKET}/{name}" for name in names(count)]
    for at in range(0, count, 1000):
        found = gcsfs_system().cat(paths[at : at + 1000], batch_size=128)
        yield from (found[path] for path in paths[at : at + 1000])


def obstore_read(_: str, count: int) -> Iterable[bytes]:
    import obstore

    store = obstore_store()

    async def read_all() -> list[bytes]:
        places = asyncio.Semaphore(128)

        async def read(name: str) -> bytes:
            async with places:
                answer = await obstore.get_async(store, name)
                return bytes(await answer.bytes_async())

        return await asyncio.gather(*(read(name) for name in names(count)))

    yield from asyncio.run(read_all())


def labeler_list(place: str, _: int) -> Iterable[object]:
    store = opened(place)
    yield from list_all(store, PREFIX)
    store.close()


def client_list(_: str, __: int) -> Iterable[object]:
    fields = "items(name,generation,updated,size,metadata,md5Hash),nextPageToken"
    yield from google_bucket(1).list_blobs(prefix=PREFIX, fields=fields)


def gcsfs_list(_: str, __: int) -> Iterable[object]:
    yield from gcsfs_system().ls(f"{BUCKET}/{PREFIX}", detail=True)


def obstore_list(_: str, __: int) -> Iterable[object]:
    import obstore

    for page in obstore.list(obstore_store(), PREFIX, chunk_size=1000):
        yield from page


def google_bucket(connections: int) -> Any:
    import requests
    from google.cloud import storage

    session = requests.Session()
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=connections))
    return storage.Client(project=None, _http=session).bucket(BUCKET)


def gcsfs_system() -> Any:
    import gcsfs

    url = os.environ["STORAGE_EMULATOR_HOST"]
    return gcsfs.GCSFileSystem(token="anon", endpoint_url=url, use_listings_cache=False)


def obstore_store() -> Any:
    from obstore.store import GCSStore

    key = {
        "gcs_base_url": os.environ["STORAGE_EMULATOR_HOST"],
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(json.dumps(key))
        file.flush()
        return GCSStore(BUCKET, service_account_path=file.name, client_options={"allow_http": True})


READERS: dict[str, Callable[[str, int], Iterable[bytes]]] = {
    "Labeler, read_many": labeler_read,
    "google-cloud-storage, 32 threads": client_read(32),
    "google-cloud-storage, 64 threads": client_read(64),
    "its transfer_manager, 32 threads": transfer_manager_read,
    "gcsfs, cat(batch_size=128)": gcsfs_read,
    "obstore, 128 at once": obstore_read,
}
LISTERS: dict[str, Callable[[str, int], Iterable[object]]] = {
    "Labeler, list_all": labeler_list,
    "google-cloud-storage, list_blobs": client_list,
    "gcsfs, ls": gcsfs_list,
    "obstore, list": obstore_list,
}

# --- one measurement, in a process of its own ----------------------------------------------


def measure(kind: str, name: str, place: str, count: int) -> dict[str, float]:
    """Objects a second, CPU in microseconds each, peak memory in MB above the start."""
    if kind == "save":
        return measure_saves(place)
    run = (READERS if kind == "read" else LISTERS)[name]
    for _ in run(place, 1):  # imports, credentials, the first connection
        break
    memory = resident_mb()
    Path("/proc/self/clear_refs").write_text("5")
    cpu, start = time.process_time(), time.perf_counter()
    seen = 0
    for found in run(place, count):
        if kind == "read":
            assert isinstance(found, bytes)
            parse_document(found, name)
        seen += 1
    seconds = time.perf_counter() - start
    assert seen == count, f"{seen} of {count}"
    return {
        "rate": count / seconds,
        "cpu_us": (time.process_time() - cpu) / count * 1e6,
        "memory_mb": peak_mb() - memory,
    }


def measure_saves(place: str) -> dict[str, float]:
    """Milliseconds of one conditional save of a document, each naming the version before."""
    store = opened(place)
    key = f"{PREFIX}saved-{os.getpid()}.json"
    version = store.write(key, document(0), replaces=ABSENT)
    times = []
    for number in range(SAVES):
        data = document(number)
        start = time.perf_counter()
        version = store.write(key, data, replaces=version, metadata={"status": "done"})
        times.append((time.perf_counter() - start) * 1000)
    store.delete(key, version=version)
    store.close()
    return {"p50": statistics.median(times), "p95": statistics.quantiles(times, n=20)[-1]}


def resident_mb() -> float:
    return status_mb("VmRSS")


def peak_mb() -> float:
    return status_mb("VmHWM")


def status_mb(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) / 1024


# --- all of them ----------------------------------------------------------------------------


@contextmanager
def server() -> Iterator[Callable[[float], None]]:
    """A server in a process of its own; what is given sets the latency of its answers."""
    with running([sys.executable, "-m", "tests.gcs_server", "--bucket", BUCKET]) as child:
        os.environ["STORAGE_EMULATOR_HOST"] = child.url
        yield lambda milliseconds: child.say(str(milliseconds))


@dataclass(frozen=True)
class Case:
    """One line of a table: what, in which folder (none: the bucket), with how much latency."""

    name: str
    folder: str
    latency_ms: int

    def shown(self) -> str:
        return f"{self.name}{' (folder)' if self.folder else ''}"


def cases(table: Iterable[str], folder: str) -> Iterator[Case]:
    for name in table:
        if name.startswith("Labeler"):
            yield Case(name, folder, 0)
        yield Case(name, "", 0)
        yield Case(name, "", 30)


def rounds(
    kind: str, wanted: list[Case], add_ms: Callable[[float], None], count: int, repeats: int
) -> Iterator[tuple[Case, dict[str, float]]]:
    """The median of each case, taken in turns: what else the machine does meets all alike."""
    key = "p50" if kind == "save" else "rate"
    found: dict[Case, list[dict[str, float]]] = {case: [] for case in wanted}
    for _ in range(repeats):
        for case in wanted:
            add_ms(case.latency_ms)
            found[case].append(in_process(kind, case, count))
    for case, measured in found.items():
        yield case, sorted(measured, key=lambda one: one[key])[len(measured) // 2]


def in_process(kind: str, case: Case, count: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--measure", kind, case.name, case.folder, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise SystemExit(f"{case.name}: {done.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def run_saves(folder: str, add_ms: Callable[[float], None], repeats: int) -> None:
    print("\n| saving one document | ms added | p50, ms | p95, ms |\n|---|---|---|---|")
    for case, found in rounds("save", list(cases(["Labeler"], folder)), add_ms, 0, repeats):
        print(
            f"| {case.shown()} | {case.latency_ms} | {found['p50']:.1f} | {found['p95']:.1f} |",
            flush=True,
        )


def run_table(
    kind: str, folder: str, add_ms: Callable[[float], None], count: int, repeats: int
) -> None:
    what = "reading and parsing" if kind == "read" else "listing"
    print(f"\n| {what} {count:,} documents | ms added | a second | CPU, µs each | MB above start |")
    print("|---|---|---|---|---|")
    table = list(READERS if kind == "read" else LISTERS)
    if importlib.util.find_spec("obstore") is None:
        table = [name for name in table if not name.startswith("obstore")]
    for case, found in rounds(kind, list(cases(table, folder)), add_ms, count, repeats):
        print(
            f"| {case.shown()} | {case.latency_ms} | {found['rate']:,.0f} "
            f"| {found['cpu_us']:.0f} | {max(found['memory_mb'], 0):.0f} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3, help="measurements, the median counts")
    parser.add_argument("--only", choices=("save", "list", "read"))
    parser.add_argument("--measure", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        kind, name, place, count = options.measure
        print(json.dumps(measure(kind, name, place, int(count))))
        return
    wanted = (options.only,) if options.only else ("save", "list", "read")
    with tempfile.TemporaryDirectory() as folder, server() as add_ms:
        if wanted != ("save",):
            for place in (folder, ""):
                store = opened(place)
                fill(store, options.documents)
                store.close()
        for kind in wanted:
            if kind == "save":
                run_saves(folder, add_ms, options.repeats)
            else:
                run_table(kind, folder, add_ms, options.documents, options.repeats)


if __name__ == "__main__":
    main()
