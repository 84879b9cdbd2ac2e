"""How Labeler's answers grow with the number of images, from a folder and with an index in SQLite.

    python bench/scale.py                            # 10,000 to 300,000 images
    python bench/scale.py --sizes 1000 10000         # one minute
    python bench/scale.py --sizes 10000 1000000 --write

Two images of three have a document with metadata; all have an original. Each row is measured in a
process of its own, by the calls of the API without HTTP. The floor is what any program has to do:
os.scandir with a stat of each file, and sqlite3 reading each row. `--write` puts the tables into
bench/README.md and draws bench/scale.svg.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.export import fill_folder, id_of
from bench.gallery import claim, objects, page
from bench.markdown import table, write_section

SIZES: Final = (10_000, 100_000, 300_000)
WAYS: Final = ("folder", "SQLite")
PICTURE: Final = Path(__file__).with_name("scale.svg")
COLORS: Final = ("#0b6", "#06c", "#c60", "#a0c", "#c03", "#088", "#660")
COLUMNS: Final = (
    "first page", "full list", "floor", "filter", "search", "next", "save", "sync",
)  # fmt: skip
Figures = dict[str, float]


# --- in a process of its own --------------------------------------------------------------


def timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def measure(folder: Path, index: str) -> Figures:
    """Seconds of each call by a new process, and the most memory that it had, in MB."""
    from labeler.model.edits import with_rects
    from labeler.project.claims import Order
    from labeler.project.project import open_project
    from labeler.settings import load_settings

    began = time.perf_counter()
    settings = {"LABELER_STORAGE": str(folder), "LABELER_INDEX": index}
    with contextlib.closing(open_project(load_settings(settings))) as project:
        if not project.image_index.is_listed(0):
            project.image_index.first_images(60)
        else:
            page(project, "offset=0")
        found = {"first page": time.perf_counter() - began}

        def list_all() -> None:
            # It returns early while the listing of a large project runs.
            while not project.image_index.is_listed(1.0):
                time.sleep(0.01)
            assert project.image_index.entries()

        found["full list"] = timed(list_all)
        tabs = count()
        calls: dict[str, Callable[[], object]] = {
            "filter": lambda: page(project, "offset=0&status=done"),
            "search": lambda: page(project, "offset=0&find=99"),
            "next": lambda: claim(project, next(tabs), Order.RETURNED),
        }
        for name, call in calls.items():
            found[name] = median(timed(call) for _ in range(3))
        opened = project.open_document(id_of(1))
        changed = with_rects(opened.document, opened.document.rects[1:])
        found["save"] = timed(lambda: project.save_document(id_of(1), changed, opened, "ana"))
    return found | {"MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measure_floor(folder: Path, database: Path | None) -> Figures:
    """Seconds that the bare listing takes: of the files, or of the rows."""

    def scan() -> None:
        for name in ("annotations", "uploads"):
            with os.scandir(folder / name) as entries:
                for entry in entries:
                    entry.stat()

    def read() -> None:
        with contextlib.closing(sqlite3.connect(str(database))) as connection:
            connection.execute("SELECT * FROM labeler_images ORDER BY image_path").fetchall()

    return {"floor": timed(scan if database is None else read)}


# --- all sizes ----------------------------------------------------------------------------


def child(*arguments: str) -> Figures:
    done = subprocess.run(
        [sys.executable, __file__, "--child", *arguments],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


def sync(folder: Path, index: str) -> float:
    """Seconds of the first sync, by the command."""
    environ = os.environ | {"LABELER_STORAGE": str(folder), "LABELER_INDEX": index}
    command = [sys.executable, "-m", "labeler", "index", "sync"]
    return timed(
        lambda: subprocess.run(
            command, check=True, capture_output=True, env=environ, cwd=Path(__file__).parents[1]
        )
    )


def measured(images: int, ways: Sequence[str]) -> dict[str, Figures]:
    """The figures of each way; the folder is removed at the end."""
    found: dict[str, Figures] = {}
    with tempfile.TemporaryDirectory(prefix="labeler-scale-") as made:
        folder, database = Path(made) / "data", Path(made) / "index.sqlite"
        fill_folder(folder, objects(images))
        for way in ways:
            is_file = way == "SQLite"
            index = f"sqlite:///{database}" if is_file else ""
            found[way] = {"sync": sync(folder, index)} if is_file else {}
            found[way] |= child("floor", str(folder), str(database) if is_file else "")
            found[way] |= child("labeler", str(folder), index)
            print(f"{images:,} {way}: {found[way]}", file=sys.stderr, flush=True)
    return found


def told(seconds: float | None) -> str:
    if seconds is None or seconds >= 1:
        return "" if seconds is None else f"{seconds:,.1f} s"
    return f"{seconds * 1000:.1f}" if seconds < 0.01 else f"{seconds * 1000:.0f}"


def tables(found: dict[int, dict[str, Figures]]) -> str:
    rows: list[list[Any]] = []
    for images, ways in found.items():
        for way, figures in ways.items():
            cells = [told(figures.get(name)) for name in COLUMNS]
            ratio = figures["full list"] / figures["floor"]
            rows.append([f"{images:,}", way, *cells, f"{ratio:.1f}", f"{figures['MB']:.0f}"])
    head = ("images", "index", *COLUMNS, "list : floor", "MB")
    return "Milliseconds where no unit stands.\n\n" + table(head, rows)


def drawn(found: dict[int, dict[str, Figures]]) -> str:
    """A picture for each way: seconds over images, both logarithmic."""
    from math import log10

    low, high = min(found), max(found)
    span = max(log10(high / low), 0.001)
    parts = []
    for at, way in enumerate(WAYS):
        left = 60 + at * 420
        parts.append(f'<text x="{left}" y="20">{way}: seconds, {low:,} to {high:,} images</text>')
        for power in range(-4, 3):
            y = 300 - (power + 4) * 42
            parts.append(f'<path d="M{left} {y}h300" stroke="#ddd"/>')
            parts.append(f'<text x="{left - 50}" y="{y + 4}">{10.0**power:g}</text>')
        ends: list[tuple[float, str, str]] = []
        for color, name in zip(COLORS, COLUMNS[:-1], strict=True):
            line = [
                (left + 300 * log10(images / low) / span,
                 300 - (max(log10(max(ways[way][name], 1e-4)), -4) + 4) * 42)
                for images, ways in found.items() if name in ways.get(way, {})
            ]  # fmt: skip
            if line:
                points = " ".join(f"{x:.0f},{y:.0f}" for x, y in line)
                parts.append(f'<polyline points="{points}" fill="none" stroke="{color}"/>')
                ends.append((line[-1][1], name, color))
        lowest = 0.0
        for height, name, color in sorted(ends):
            lowest = max(height, lowest + 12)  # names lie below one another
            parts.append(
                f'<text x="{left + 304}" y="{lowest + 4:.0f}" fill="{color}">{name}</text>'
            )
    body = "\n".join(parts)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" width="860" height="330" font-family="sans-serif" '
        f'font-size="11"><rect width="860" height="330" fill="#fff"/>\n{body}\n</svg>\n'
    )


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        _, _, what, folder, index = sys.argv
        measured_one = (
            measure(Path(folder), index)
            if what == "labeler"
            else measure_floor(Path(folder), Path(index) if index else None)
        )
        print(json.dumps(measured_one))
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--only", choices=WAYS, help="measure one way")
    parser.add_argument("--write", action="store_true", help="put the tables into bench/README.md")
    given = parser.parse_args()
    ways = [given.only] if given.only else WAYS
    found = {images: measured(images, ways) for images in sorted(given.sizes)}
    text = tables(found)
    print(text)
    if given.write:
        PICTURE.write_text(drawn(found), encoding="utf-8")
        write_section("bench/scale.py", f"{text}![How the times grow](scale.svg)\n\n")


if __name__ == "__main__":
    main()
