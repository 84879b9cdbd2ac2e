"""How fast a dataset is exported: from the folder and a bucket, all of it and after a change.

    python bench/export.py                       # 5,000 and 100,000 images: 8 minutes
    python bench/export.py --images 5000         # a minute
    python bench/export.py --datumaro PYTHON     # beside datumaro, in an environment of its own
    python bench/export.py --beam PYTHON         # on Apache Beam too: .venv-beam/bin/python
    python bench/export.py --folder              # without the bucket
    python bench/export.py --index               # the folder with an index in SQLite too
    python bench/export.py --numbers             # what an export writes of the image numbers

Stores are generated: 7 boxes an image, 80 labels, originals of one byte. Each figure comes from a
process of its own; the bucket is tests/gcs_server in another process on the same machine.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import hashlib
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from labeler.datasets.exports.exporter import open_exporter  # noqa: E402
from tests.gcs_server.child import running  # noqa: E402

BUCKET = "labels"
LABELS = [f"label {number}" for number in range(80)]
BOXES = 7
CHANGED = 0.01


# --- what is exported ---------------------------------------------------------------------


def name_of(number: int) -> str:
    return f"street_scene_{number:06d}.jpg"


def id_of(number: int) -> str:
    return hashlib.md5(f"{name_of(number)}_1".encode()).hexdigest()


def document(number: int, seed: int = 0) -> bytes:
    source = random.Random(number * 1000 + seed)
    rects = [
        {
            "left": round(source.uniform(0, 1500), 2),
            "top": round(source.uniform(0, 800), 2),
            "width": round(source.uniform(5, 400), 2),
            "height": round(source.uniform(5, 250), 2),
            "label": source.choice(LABELS),
            "id": f"{source.getrandbits(40):08x}"[:8],
        }
        for _ in range(BOXES + (seed and source.randint(-2, 2)))
    ]
    metadata = {
        "image_path": name_of(number),
        "image_id": id_of(number),
        "saved_at": "2026-01-01T12:00:00.000000+00:00",
        "version": "1.0",
        "content_md5": f"{source.getrandbits(128):032x}",
        "status": "done",
    }
    whole = {"rects": rects, "image_path": name_of(number), "image_width": 1920,
             "image_height": 1080, "metadata": metadata}  # fmt: skip
    return json.dumps(whole, separators=(",", ":")).encode()


Made = tuple[str, bytes, dict[str, str]]
"""Key, bytes and metadata of an object."""


def objects(numbers: Iterator[int] | range, seed: int = 0) -> Iterator[Made]:
    """Key, bytes and metadata of each document."""
    from labeler.model.document import parse_document
    from labeler.project.image_index import document_metadata

    for number in numbers:
        data = document(number, seed)
        yield (
            f"annotations/{id_of(number)}.json",
            data,
            document_metadata(parse_document(data, ""), data),
        )


def originals(count: int) -> Iterator[Made]:
    for number in range(count):
        yield f"uploads/{name_of(number)}", b"x", {"image_id": id_of(number)}


def labels() -> Made:
    from labeler.model.labels import LabelSet, dump_label_set
    from labeler.model.layout import LABELS_KEY

    return LABELS_KEY, dump_label_set(LabelSet().added(LABELS)), {}


def edited(count: int, seed: int) -> Iterator[int]:
    return iter(random.Random(seed).sample(range(count), int(count * CHANGED)))


def fill_folder(folder: Path, found: Iterator[Made]) -> None:
    """Put the objects there as LocalStore does, but for waiting for the disk each time."""
    from labeler.storage import ABSENT
    from labeler.storage.local import LocalStore
    from labeler.storage.local_files import version_of

    store = LocalStore(folder)
    store.delete("made", version=store.write("made", b"", replaces=ABSENT))  # makes the journal
    store.close()
    with contextlib.closing(sqlite3.connect(folder / ".labeler" / "journal.sqlite")) as journal:
        for key, data, metadata in found:
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            part = path.with_name("part")
            part.write_bytes(data)
            part.replace(path)
            md5 = hashlib.md5(data).hexdigest()
            note = (key, version_of(path.stat()), json.dumps(metadata), md5)
            journal.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?)", note)
        journal.commit()


def serve(found: Iterable[Made], count: int = 0) -> None:
    """The server with these objects.

    Each line of its input is the latency, `edit` and a seed, or `requests`, which is answered by
    how many requests came since.
    """
    from labeler.storage.gcs_metadata import encode
    from tests.gcs_server import GcsServer, StoredObject
    from tests.gcs_server.model import Conditions

    with GcsServer(buckets=[BUCKET]) as server:
        bucket = server.bucket(BUCKET)

        def fill(found: Iterable[Made]) -> None:
            for key, data, metadata in found:
                kept = encode(metadata, "0" * 32)
                made = StoredObject(BUCKET, key, data, 0, "application/json", kept)
                with server.lock:
                    bucket.put(made, Conditions(), 0)

        fill(found)
        print(server.url, flush=True)
        for line in sys.stdin:
            word, _, seed = line.strip().partition(" ")
            answer = "done"
            if word == "edit":
                fill(objects(edited(count, int(seed)), int(seed)))
            elif word == "requests":
                with server.lock:
                    answer = str(len(server.requests))
                    server.requests.clear()
            else:
                server.added_ms = float(word)
            print(answer, flush=True)


# --- what is measured, each in a process of its own ----------------------------------------


def settings_of(place: str) -> Any:
    from labeler.settings import load_settings

    settings = {"LABELER_STORAGE": place, "LABELER_SECRET_KEY": "0123456789abcdef"}
    return load_settings(settings | {"LABELER_INDEX": os.environ.get("LABELER_INDEX", "")})


def opened(place: str) -> Any:
    from labeler.project.project import open_project

    return open_project(settings_of(place))


def prepare_full(place: str) -> Callable[[], object]:
    """Exports without an earlier one; whether image numbers are there already is left as it is."""
    from labeler.project.locations import open_stores
    from labeler.storage import list_all

    store, _ = open_stores(settings_of(place))
    for info in list(list_all(store, "exports/")):
        store.delete(info.key, version=info.version)
    fresh = opened(place)
    return lambda: open_exporter(fresh).write()


def prepare_again(place: str) -> Callable[[], object]:
    """Connected, as an instance is that has served a page."""
    project = opened(place)
    project.check_store()
    return lambda: open_exporter(project).write()


def prepare_floor(place: str) -> Callable[[], object]:
    """json.dumps of the whole file from memory: what no export can do without."""
    (path, *_) = sorted(Path(place, "exports").glob("*.json"))
    content = json.loads(path.read_bytes())
    out = Path(place, "floor.json")

    def write() -> None:
        out.write_bytes(json.dumps(content).encode())

    return write


def prepare_joined(place: str) -> Callable[[], object]:
    """One JSON an image, read and joined with json alone: nothing checked, nothing streamed."""
    out = Path(place, "joined.json")
    numbers = {name: number for number, name in enumerate(LABELS, 1)}

    def join() -> None:
        images: list[dict[str, object]] = []
        annotations: list[dict[str, object]] = []
        for number, path in enumerate(sorted(Path(place, "annotations").iterdir()), 1):
            one = json.loads(path.read_bytes())
            images.append({"id": number, "file_name": one["image_path"],
                           "width": one["image_width"], "height": one["image_height"]})  # fmt: skip
            for rect in one["rects"]:
                box = [rect["left"], rect["top"], rect["width"], rect["height"]]
                annotations.append(
                    {"id": len(annotations) + 1, "image_id": number, "bbox": box, "iscrowd": 0,
                     "category_id": numbers[rect["label"]], "area": box[2] * box[3],
                     "segmentation": []}
                )  # fmt: skip
        out.write_text(json.dumps({"images": images, "annotations": annotations}))

    return join


def prepare_globox(place: str, *, reading: bool = False) -> Callable[[], object]:
    import globox

    (path, *_) = sorted(Path(place, "exports").glob("*.json"))
    read = functools.cache(lambda: globox.AnnotationSet.from_coco(path))
    out = Path(place, "globox.json")

    def save() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            read().save_coco(out, auto_ids=True)

    if not reading:
        read()
    return save


def prepare_datumaro(place: str, *, reading: bool = False) -> Callable[[], object]:
    import datumaro

    (path, *_) = sorted(Path(place, "exports").glob("*.json"))
    for name in ("annotations", "images"):
        (Path(place, "dm") / name).mkdir(parents=True, exist_ok=True)
    link = Path(place, "dm", "annotations", "instances_all.json")
    if not link.exists():
        link.symlink_to(path)
    source, out = str(Path(place, "dm")), tempfile.mkdtemp(dir=place)
    read = functools.cache(lambda: datumaro.Dataset.import_from(source, "coco_instances"))
    if not reading:
        len(read())
    return lambda: read().export(out, "coco_instances", save_media=False)


PREPARE: dict[str, Callable[[str], Callable[[], object]]] = {
    "full": prepare_full,
    "again": prepare_again,
    "floor": prepare_floor,
    "joined": prepare_joined,
    "globox": prepare_globox,
    "globox, reading": functools.partial(prepare_globox, reading=True),
    "datumaro": prepare_datumaro,
    "datumaro, reading": functools.partial(prepare_datumaro, reading=True),
}


def prepare_beam(place: str, *options: str) -> Callable[[], object]:
    """On Beam's DirectRunner, as the command runs it; the listing is part of it."""
    from labeler.datasets.exports.distributed.beam import BeamEngine
    from labeler.datasets.exports.distributed.engines import WorkPlace

    project = opened(place)
    engine = BeamEngine(WorkPlace.of(settings_of(place)), options)
    return lambda: open_exporter(project).write(engine=engine)


PREPARE["beam, in process"] = prepare_beam
PREPARE["beam, 2 processes"] = lambda place: prepare_beam(
    place, "--direct_num_workers=2", "--direct_running_mode=multi_processing"
)


def measure(kind: str, place: str) -> dict[str, float]:
    run = PREPARE[kind](place)
    memory = status_mb("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    cpu, start = time.process_time(), time.perf_counter()
    run()
    return {
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - cpu,
        "memory": status_mb("VmHWM") - memory,
    }


def status_mb(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith(field))
    return int(line.split()[1]) / 1024


# --- all of them ----------------------------------------------------------------------------


def in_process(kind: str, place: str, python: str = sys.executable) -> dict[str, float]:
    done = subprocess.run(
        [python, __file__, "--measure", kind, place],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{kind}: {done.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def tell(what: str, count: int, found: dict[str, float]) -> None:
    print(
        f"| {what} | {count / found['seconds']:,.0f} | {found['seconds']:.2f} "
        f"| {found['cpu']:.2f} | {max(found['memory'], 0):.0f} |",
        flush=True,
    )


@contextmanager
def server(count: int, script: Path = Path(__file__)) -> Iterator[Callable[[str], str]]:
    """The server that the script's --serve starts; says a line to it, and returns its answer."""
    with running([sys.executable, str(script), "--serve", str(count)]) as child:
        os.environ["STORAGE_EMULATOR_HOST"] = child.url

        def say(line: str) -> str:
            child.say(line)
            return child.answer()

        yield say


@contextmanager
def indexed(place: str) -> Iterator[None]:
    """The folder has an index in SQLite meanwhile, which has just been compared with it."""
    from labeler.maintenance.index import sync_index

    with tempfile.TemporaryDirectory() as beside:
        os.environ["LABELER_INDEX"] = f"sqlite:///{beside}/index.sqlite"
        try:
            sync_index(settings_of(place))
            yield
        finally:
            del os.environ["LABELER_INDEX"]


def run_folder(count: int, datumaro: str, beam: str, index: bool) -> None:
    print(f"\n| {count:,} images, {count * BOXES:,} boxes | images a second | s | CPU s | MB |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        fill_folder(folder, iter([labels()]))
        fill_folder(folder, objects(range(count)))
        fill_folder(folder, originals(count))
        tell("folder, the first export", count, in_process("full", place))
        tell("folder, all again", count, in_process("full", place))
        fill_folder(folder, objects(edited(count, 1), 1))
        tell("folder, after 1 % changed", count, in_process("again", place))
        if index:
            with indexed(place):
                tell("folder with an index, all", count, in_process("full", place))
            fill_folder(folder, objects(edited(count, 2), 2))
            with indexed(place):
                found = in_process("again", place)
            tell("folder with an index, after 1 % changed", count, found)
        tell("json.dumps from memory", count, in_process("floor", place))
        tell("one JSON an image, read and joined", count, in_process("joined", place))
        tell("globox, from memory", count, in_process("globox", place))
        tell("globox, reading COCO and writing", count, in_process("globox, reading", place))
        if datumaro:
            tell("datumaro, from memory", count, in_process("datumaro", place, datumaro))
            found = in_process("datumaro, reading", place, datumaro)
            tell("datumaro, reading COCO and writing", count, found)
        if beam:
            for kind in ("beam, in process", "beam, 2 processes"):
                tell(f"folder, all, {kind}", count, in_process(kind, place, beam))


def run_bucket(count: int) -> None:
    with server(count) as say:
        for seed, latency in enumerate((0, 30), start=2):
            say(str(latency))
            shown = f"bucket, {latency} ms added"
            tell(f"{shown}, all", count, in_process("full", f"gs://{BUCKET}"))
            say(f"edit {seed}")
            tell(f"{shown}, after 1 % changed", count, in_process("again", f"gs://{BUCKET}"))


def tell_numbers(count: int) -> None:
    """What one more image, and one percent more, write of the image numbers."""
    from labeler.datasets.exports.numbering import ImageNumbers
    from labeler.storage.local import LocalStore

    class Counting(LocalStore):
        written = 0

        def write(self, key: str, data: Any, **more: Any) -> Any:
            self.written += len(data)
            return super().write(key, data, **more)

    def ids(start: int, end: int) -> list[str]:
        return [hashlib.md5(b"%d" % number).hexdigest() for number in range(start, end)]

    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.closing(Counting(Path(folder))) as store,
    ):
        numbers = ImageNumbers(store, lambda: ({}, 0))
        found = []
        for start, end in ((0, count), (count, count + 1), (count + 1, count + 1 + count // 100)):
            store.written = 0
            begun = time.perf_counter()
            numbers.numbers(numbers.read(), ids(start, end))
            found.append(f"{store.written / 1000:,.0f} kB, {time.perf_counter() - begun:.2f} s")
        print(f"| {count:,} | {' | '.join(found)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, help="one size instead of both")
    parser.add_argument("--datumaro", default="", help="a Python that has datumaro")
    parser.add_argument("--beam", default="", help="a Python that has Apache Beam")
    parser.add_argument("--folder", action="store_true", help="without the bucket")
    parser.add_argument("--index", action="store_true", help="the folder with an index, too")
    parser.add_argument("--numbers", action="store_true", help="only the registry of numbers")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is not None:
        count = options.serve
        serve(chain([labels()], objects(range(count)), originals(count)), count)
    elif options.numbers:
        for count in (10_000, 100_000, 1_000_000):
            tell_numbers(count)
    elif options.measure:
        print(json.dumps(measure(*options.measure)))
    else:
        for count in [options.images] if options.images else [5_000, 100_000]:
            run_folder(count, options.datumaro, options.beam, options.index)
            if not options.folder:
                run_bucket(count)


if __name__ == "__main__":
    main()
