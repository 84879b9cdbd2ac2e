"""What a project's day costs with many images: seconds, requests, and documents that are read.

    python bench/gallery.py                         # 1,000 to 100,000 images, folder and bucket
    python bench/gallery.py --images 1000           # one size; half a minute
    python bench/gallery.py --only bucket --write   # into bench/README.md, too

The bucket is the server of the tests, with 30 ms added to each answer. Two images of three have a
document with seven boxes and its metadata; all have an original. Half of the documents are done,
the others are in every other status, by ten people in sixty days. 200 images are claimed. The
calls are those of the API without HTTP, by an instance that has listed the project once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from starlette.requests import Request

from bench.export import (
    BUCKET,
    document,
    fill_folder,
    id_of,
    labels,
    opened,
    originals,
    serve,
    server,
)
from labeler.api.box_pages import BoxCalls
from labeler.api.fair_semaphore import FairSemaphore
from labeler.api.image_pages import find_page, read_query
from labeler.model.document import parse_document
from labeler.project.claims import ClaimRequest, Holder, Order
from labeler.project.image_index import document_metadata
from labeler.project.statistics import Dimension, Statistics

ADDED_MS = 30
TIMES = 3
SIZES = (1_000, 10_000, 100_000)
HELD = 200
STATUSES = ("done",) * 5 + ("approved", "returned", "in_progress", "skipped", "done")
PAGES = {
    "first page": "offset=0",
    "last page": "offset=-60",
    "by last save": "offset=0&sort=-saved",
    "a status": "offset=0&status=done",
    "a person": "offset=0&person=person3@example.com",
    "part of a name": "offset=0&find=99",
    "a label": "offset=0&label=label 7",
    "number of boxes": "offset=0&boxes=7-",
    "days": "offset=0&since=2026-01-10&until=2026-01-20",
    "duplicates": "offset=0&warning=duplicate",
}
MARKS: Final = "<!-- bench/gallery.py {} -->", "<!-- end -->"


# --- what is there ------------------------------------------------------------------------


def worked(number: int) -> bytes:
    """The document of an image, with a status and by one of ten people on one of sixty days."""
    content = json.loads(document(number))
    day = datetime(2026, 1, 1, 8, tzinfo=UTC) + timedelta(minutes=number % (60 * 24 * 60))
    content["metadata"] |= {
        "status": STATUSES[number % len(STATUSES)],
        "saved_at": day.isoformat(timespec="microseconds"),
        "saved_by": f"person{number % 7}@example.com",
    }
    return json.dumps(content, separators=(",", ":")).encode()


def objects(images: int) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """Key, bytes and metadata of all that is in the store."""
    yield labels()
    for number in range(images):
        if number % 3:
            data = worked(number)
            metadata = document_metadata(parse_document(data, ""), data)
            yield f"annotations/{id_of(number)}.json", data, metadata
    yield from originals(images)


# --- what is asked ------------------------------------------------------------------------


def calls(project: Any, images: int) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is asked, and how."""
    boxes = BoxCalls(project, FairSemaphore(1))
    for name, query in PAGES.items():
        yield name, partial(page, project, query.replace("-60", str(images - 60)))
    first = [image["image_id"] for image in page(project, "offset=0")["images"]]
    yield "boxes of 60 images", lambda: boxes.boxes_of_images(first)
    yield "60 crops of a label", lambda: boxes.boxes_of_label("label 7", 30, 60)
    counted = Statistics(project.image_index, project.labels)
    today = datetime.now(UTC).date()
    dashboard: list[Callable[[], object]] = [
        lambda: project.image_index.view().progress(today),
        lambda: counted.count([Dimension.LABEL]),
        lambda: counted.count([Dimension.PERSON, Dimension.DAY]),
        lambda: counted.count([Dimension.WARNING]),
    ]
    yield "dashboard", lambda: [one() for one in dashboard]
    tabs = count()
    for order in Order:
        yield f"next, {order}", partial(claim_for_next, project, tabs, order)
    yield "done and next", lambda: claim(project, 0, Order.RETURNED)


def claim_for_next(project: Any, tabs: Iterator[int], order: Order) -> None:
    """Claim an image for a tab that has none."""
    claim(project, next(tabs), order)


def claim(project: Any, tab: int, order: Order) -> None:
    """Claim an image for a tab, as the call does; there is always one."""
    wanted = ClaimRequest(order=order)
    assert project.claims.claim_next(Holder("ana@example.com", f"tab {tab}"), wanted).claim


def page(project: Any, query: str) -> dict[str, Any]:
    text = f"{query}&limit=60".replace(" ", "%20").encode()
    return find_page(project, read_query(Request({"type": "http", "query_string": text})))


# --- measuring ----------------------------------------------------------------------------


class Cost(NamedTuple):
    """What one call took: on the clock, of this process's CPU, and of the store."""

    seconds: float
    cpu: float
    requests: int
    read: int


def measure(place: str, images: int, requests: Callable[[], int]) -> dict[str, Cost]:
    """The cost of each call, the median of some; `requests` says how many came since it did."""
    with contextlib.closing(opened(place)) as project:
        read = [0]
        read_many = project.store.read_many

        def counting(keys: Any) -> Iterator[Any]:
            for one in read_many(keys):
                read[0] += 1
                yield one

        project.store.read_many = counting

        def cost(call: Callable[[], object]) -> Cost:
            read[0] = 0
            requests()
            began, used = time.monotonic(), time.process_time()
            call()
            took = time.monotonic() - began, time.process_time() - used
            return Cost(*took, requests(), read[0])

        found = {"the first listing": cost(project.list_images)}
        for tab in range(HELD):
            claim(project, -1 - tab, Order.RANDOM)
        for name, call in calls(project, images):
            some = [cost(call) for _ in range(TIMES)]
            medians = [statistics.median(column) for column in zip(*some, strict=True)]
            found[name] = Cost(medians[0], medians[1], int(medians[2]), int(medians[3]))
        return found


def table(kind: str, found: dict[int, dict[str, Cost]]) -> str:
    sizes = list(found)
    heads = [f"{size:,} images, s" for size in sizes]
    lines = [
        f"| {kind} | {' | '.join(heads)} | CPU s | requests | documents read |",
        f"|---|{'---:|' * (len(sizes) + 3)}",
    ]
    for name, cost in found[sizes[-1]].items():
        took = " | ".join(f"{found[size][name].seconds:.3f}" for size in sizes)
        lines.append(f"| {name} | {took} | {cost.cpu:.3f} | {cost.requests} | {cost.read} |")
    return "\n".join(lines)


def in_folder(images: int) -> dict[str, Cost]:
    with tempfile.TemporaryDirectory() as folder:
        fill_folder(Path(folder), objects(images))
        return measure(folder, images, lambda: 0)


def in_bucket(images: int) -> dict[str, Cost]:
    with server(images, Path(__file__)) as say:
        say(str(ADDED_MS))
        return measure(f"gs://{BUCKET}", images, lambda: int(say("requests")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--images", type=int, action="append", help="one size instead of three")
    parser.add_argument("--only", choices=["folder", "bucket"])
    parser.add_argument("--write", action="store_true", help="write the tables into README.md")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve is not None:
        serve(objects(given.serve))
        return
    kinds = {"folder": ("folder", in_folder), "bucket": (f"bucket, {ADDED_MS} ms", in_bucket)}
    for kind, (title, measured) in kinds.items():
        if given.only in (None, kind):
            text = table(title, {size: measured(size) for size in given.images or SIZES})
            print(f"\n{text}", flush=True)
            if given.write:
                write(kind, text)


def write(kind: str, text: str) -> None:
    """Put the table between its marks in the README of the benchmarks."""
    path = Path(__file__).with_name("README.md")
    begin, end = (mark.format(kind) for mark in MARKS)
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    whole = path.read_text(encoding="utf-8")
    assert pattern.search(whole), begin
    path.write_text(pattern.sub(lambda _: f"{begin}\n\n{text}\n\n{end}", whole), encoding="utf-8")


if __name__ == "__main__":
    main()
