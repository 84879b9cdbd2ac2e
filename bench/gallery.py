"""What a gallery and a dashboard of many images cost: seconds, and documents that are read.

    python bench/gallery.py                  # 100,000 images, folder and bucket; ten minutes
    python bench/gallery.py --images 5000    # one size; a minute

The bucket is the server of the tests, with 30 ms added to each answer. Every image has seven boxes
and an original, and every document its metadata. The calls are those of the API without HTTP.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from starlette.requests import Request

from bench.export import BUCKET, fill_folder, labels, objects, opened, originals, server
from labeler.api.box_pages import BoxCalls
from labeler.api.fair_semaphore import FairSemaphore
from labeler.api.image_pages import find_page, read_query
from labeler.project.statistics import Dimension, Statistics

ADDED_MS = 30
TIMES = 3
PAGES = {
    "first page": "offset=0",
    "page at 90,000": "offset=90000",
    "by last save": "offset=0&sort=-saved",
    "a status": "offset=0&status=done",
    "part of a name": "offset=0&find=99",
    "a label": "offset=0&label=label 7",
    "number of boxes": "offset=0&boxes=7-",
    "days": "offset=0&since=2025-01-01&until=2027-01-01",
    "duplicates": "offset=0&warning=duplicate",
}


def calls(project: Any) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is asked, and how."""
    boxes = BoxCalls(project, FairSemaphore(1))
    for name, query in PAGES.items():
        yield name, partial(page, project, query)
    first = [image["image_id"] for image in page(project, "offset=0")["images"]]
    yield "boxes of 60 images", lambda: boxes.boxes_of_images(first)
    yield "60 crops of a label", lambda: boxes.boxes_of_label("label 7", 3000, 60)
    counted = Statistics(project.image_index, project.labels)
    for by in (Dimension.LABEL, Dimension.WARNING, Dimension.PERSON):
        yield f"statistics by {by}", partial(counted.count, [by])
    today = datetime.now(UTC).date()
    yield "progress", lambda: project.image_index.view().progress(today)


def page(project: Any, query: str) -> dict[str, Any]:
    text = f"{query}&limit=60".replace(" ", "%20").encode()
    return find_page(project, read_query(Request({"type": "http", "query_string": text})))


def measure(place: str) -> None:
    """Print a row for each call: the median of some, on the clock and of this process's CPU."""
    with contextlib.closing(opened(place)) as project:
        read = [0]
        read_many = project.store.read_many

        def counting(keys: Any) -> Iterator[Any]:
            for one in read_many(keys):
                read[0] += 1
                yield one

        project.store.read_many = counting
        tell("the first listing", [seconds(project.list_images)], read[0])
        for name, call in calls(project):
            took = [seconds(call) for _ in range(TIMES)]
            tell(name, took, read[0] // TIMES)
            read[0] = 0


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """How long it takes on the clock, and how much of the CPU."""
    began, used = time.monotonic(), time.process_time()
    call()
    return time.monotonic() - began, time.process_time() - used


def tell(name: str, took: list[tuple[float, float]], read: int) -> None:
    clock, used = (statistics.median(some) for some in zip(*took, strict=True))
    print(f"| {name} | {clock:.2f} | {used:.2f} | {read} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--only", choices=["folder", "bucket"])
    given = parser.parse_args()
    head = "\n| {}, {:,} images | seconds | CPU s | documents read |\n|---|---:|---:|---:|"
    if given.only != "bucket":
        with tempfile.TemporaryDirectory() as folder:
            made = chain([labels()], objects(range(given.images)), originals(given.images))
            fill_folder(Path(folder), made)
            print(head.format("folder", given.images), flush=True)
            measure(folder)
    if given.only != "folder":
        with server(given.images) as say:
            say(str(ADDED_MS))
            print(head.format(f"bucket, {ADDED_MS} ms", given.images), flush=True)
            measure(f"gs://{BUCKET}")


if __name__ == "__main__":
    main()
