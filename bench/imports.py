"""How fast datasets come in: COCO files of 5,000 and 100,000 images with 7 boxes and 80 labels.

    python bench/imports.py                    # everything, some minutes; Markdown tables
    python bench/imports.py --images 5000      # only that many

Each figure comes from a process of its own. CPU and memory are that process's alone, memory above
what it held before. The floor is `json.load` of the same file, which holds everything at once.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOXES = 7
LABELS = 80
sys.path.insert(0, str(ROOT))

from labeler.datasets.formats.dataset_files import open_dataset_files  # noqa: E402
from labeler.datasets.formats.reading import Problems  # noqa: E402
from labeler.datasets.formats.registry import DEFAULT  # noqa: E402
from labeler.datasets.formats.voc import Convention  # noqa: E402
from labeler.datasets.imports.report import ImportRequest  # noqa: E402
from labeler.datasets.imports.run import run_import  # noqa: E402
from labeler.model.document import AnnotationDocument, dump_document  # noqa: E402
from labeler.project.project import Project, open_project  # noqa: E402
from labeler.runtime.jobs import no_progress  # noqa: E402
from labeler.settings import load_settings  # noqa: E402

# --- what is imported ---------------------------------------------------------------------


def write_coco(path: Path, images: int) -> None:
    source = random.Random(1)
    with path.open("w") as file:
        file.write('{"info":{},"licenses":[],"images":[\n')
        for number in range(1, images + 1):
            comma = "," if number > 1 else ""
            file.write(
                f'{comma}{{"id":{number},"file_name":"image_{number:06d}.jpg","width":1920,'
                '"height":1080}\n'
            )
        file.write('],"annotations":[\n')
        for number in range(images * BOXES):
            box = [
                round(source.uniform(*span), 2)
                for span in ((0, 1500), (0, 800), (5, 400), (5, 250))
            ]
            comma = "," if number else ""
            file.write(
                f'{comma}{{"id":{number + 1},"image_id":{number // BOXES + 1},'
                f'"category_id":{source.randint(1, LABELS)},"bbox":{json.dumps(box)},'
                f'"area":{box[2] * box[3]},"iscrowd":0,"segmentation":[]}}\n'
            )
        categories = [{"id": number, "name": f"label {number}"} for number in range(1, LABELS + 1)]
        file.write(f'],"categories":{json.dumps(categories)}}}\n')


def opened(folder: Path) -> Project:
    return open_project(load_settings({"LABELER_STORAGE": str(folder), "LABELER_UPLOADS": "off"}))


def fill(folder: Path, images: int) -> None:
    """The project's images, without boxes: as another program puts documents there."""
    (folder / "annotations").mkdir(parents=True)
    for number in range(1, images + 1):
        name = f"image_{number:06d}.jpg"
        document = AnnotationDocument(
            rects=(), image_path=name, image_width=1920, image_height=1080
        )
        path = folder / "annotations" / f"{number:032x}.json"
        path.write_bytes(dump_document(document))


# --- what is measured ---------------------------------------------------------------------


def load_all(path: Path, _folder: Path) -> int:
    with path.open("rb") as file:
        return len(json.load(file)["images"])


def read_all(path: Path, _folder: Path) -> int:
    source = open_dataset_files(path)
    return sum(1 for _ in DEFAULT.read(source, Problems(), Convention.AUTO))


def import_all(path: Path, folder: Path, *, dry_run: bool = False) -> int:
    project = opened(folder)
    wanted = ImportRequest(DEFAULT, dry_run=dry_run)
    report = run_import(project, open_dataset_files(path), wanted, progress=no_progress)
    project.close()
    assert report.problems.count == 0, report.problems.kept[:3]
    return sum(report.images.values())


def look(path: Path, folder: Path) -> int:
    return import_all(path, folder, dry_run=True)


WAYS: dict[str, Callable[[Path, Path], int]] = {
    "json.load, the floor": load_all,
    "reading (formats.coco)": read_all,
    "dry run": look,
    "import into a folder": import_all,
    "the same import again": import_all,
}


def peak_mb() -> float:
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def measure(way: str, path: Path, folder: Path) -> dict[str, float]:
    before = peak_mb()
    began, cpu = time.perf_counter(), time.process_time()
    images = WAYS[way](path, folder)
    seconds, used = time.perf_counter() - began, time.process_time() - cpu
    return {"images": images, "seconds": seconds, "cpu": used, "mb": peak_mb() - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, action="append", help="how many; again for more")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        way, path, folder = given.measure
        print(json.dumps(measure(way, Path(path), Path(folder))))
        return
    for images in given.images or [5000, 100_000]:
        with tempfile.TemporaryDirectory() as made:
            path, folder = Path(made, "set.json"), Path(made, "data")
            write_coco(path, images)
            fill(folder, images)
            size = f"{images:,} images, {path.stat().st_size / 2**20:.0f} MB"
            print(f"| {size} | images a second | s | CPU s | MB above start |")
            print("|---|---|---|---|---|", flush=True)
            for way in WAYS:
                done = subprocess.run(
                    [sys.executable, __file__, "--measure", way, str(path), str(folder)],
                    cwd=ROOT, capture_output=True, text=True, check=True,
                )  # fmt: skip
                found = json.loads(done.stdout)
                rate = found["images"] / found["seconds"]
                row = f"{rate:,.0f} | {found['seconds']:.1f} | {found['cpu']:.1f}"
                print(f"| {way} | {row} | {found['mb']:.0f} |", flush=True)
            print()


if __name__ == "__main__":
    main()
