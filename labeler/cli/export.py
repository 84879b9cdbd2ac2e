"""`export` and `verify`: write the project as a dataset, and compare an export with the project."""

from __future__ import annotations

import argparse
import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from labeler.cli.terminal import print_message, print_result, progress
from labeler.datasets.formats.registry import EXPORTED, DatasetFormat, find_format
from labeler.errors import InvalidRequest, LabelerError
from labeler.runtime.visible_text import visible

if TYPE_CHECKING:
    from labeler.datasets.exports.distributed.engines import Engine
    from labeler.datasets.rules import ExportSummary
    from labeler.datasets.selection import Selection
    from labeler.project.project import Project
    from labeler.settings import Settings


def add_engine_argument(parser: argparse.ArgumentParser, *engines: str) -> None:
    """Add the option that says who reads the documents."""
    parser.add_argument(
        "--engine",
        choices=engines,
        default="local",
        help="who does the work: this process, Apache Beam, or the tasks of a Cloud Run job; "
        "options of Beam and its runner come last, after --",
    )


def add_selection_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that select images; see selection.Choice."""
    for name, metavar, about in (
        ("status", "STATUS", "only images with this status; may be repeated"),
        (
            "label",
            "LABEL",
            "only boxes with this label, and images that have one; may be repeated",
        ),
        ("name", "PATTERN", "only images whose file name matches, such as 'street/*.jpg'"),
        ("image", "ID", "only the image with this ID; may be repeated"),
    ):
        parser.add_argument(f"--{name}", action="append", metavar=metavar, help=about)
    parser.add_argument("--split", metavar="SHARES", help="train/val/test, such as 80/10/10")
    parser.add_argument("--seed", metavar="TEXT", help="draws another split")
    parser.add_argument("--part", help="only train, val or test of the split")


def selection_of(given: argparse.Namespace) -> Selection:
    """The selection in the options; a selection without sense ends the program as wrong usage."""
    from labeler.datasets.selection import FIELDS, parse_selection

    values = {name: getattr(given, name) for name in FIELDS}
    try:
        return parse_selection(
            {name: [one] if isinstance(one, str) else one for name, one in values.items() if one}
        )
    except InvalidRequest as error:
        print_message(error.message)
        raise SystemExit(2) from error


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    """What `export` takes."""
    parser.add_argument("format", choices=[kind.name for kind in EXPORTED])
    parser.add_argument(
        "--output", metavar="FILE", help="a file, or - for stdout; without it, under exports/"
    )
    carrying = ", ".join(kind.name for kind in EXPORTED if kind.carries_images)
    parser.add_argument(
        "--images", action="store_true", help=f"with the images themselves ({carrying})"
    )
    add_engine_argument(parser, "local", "beam", "tasks")
    add_selection_arguments(parser)


def split_runner_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The arguments, and those behind `--` of a command with engines, which are for Beam."""
    given = list(arguments)
    if given[:1] not in (["export"], ["stats"], ["index"]) or "--" not in given:
        return given, []
    at = given.index("--")
    return given[:at], given[at + 1 :]


def export(given: argparse.Namespace, settings: Settings, project: Project) -> bool:
    """Export a dataset; returns whether it has every selected image."""
    from labeler.datasets.exports.exporter import open_exporter

    if given.engine != "local" and given.output is not None:
        print_message("With --engine, the file is written under exports/: leave out --output.")
        raise SystemExit(2)
    engine = open_engine(given, settings)
    if engine is not None and engine.follow():
        return True
    selection = selection_of(given)
    kind = find_format(given.format, EXPORTED)
    if given.images and not kind.carries_images:
        print_message(f"A {kind.title} file holds no images: leave out --images.")
        raise SystemExit(2)
    if given.output is not None:
        return _export_to(given.output, project, selection, kind, originals=given.images)
    exports = open_exporter(project).write(
        selection, watched, kind=kind, originals=given.images, engine=engine
    )
    for export, one in zip(exports, selection.parts(), strict=False):
        print_result(export.key)
        _say_summary(export.summary, f"{one.part}: " if len(exports) > 1 else "")
    return _say_missing(name for export in exports for name in export.without_original)


def open_engine(given: argparse.Namespace, settings: Settings) -> Engine | None:
    """The engine that the options name; None for this process. Wrong usage ends the program."""
    if given.runner_options and given.engine != "beam":
        print_message("Options after -- are those of Beam: give --engine beam, or leave them out.")
        raise SystemExit(2)
    if given.engine == "local":
        return None
    from labeler.datasets.exports.distributed.engines import TaskEngine, WorkPlace

    place = WorkPlace.of(settings)
    if given.engine == "tasks":
        return TaskEngine.of_job(place, os.environ)
    from labeler.datasets.exports.distributed.beam import BeamEngine

    return BeamEngine(place, given.runner_options)


def _export_to(
    output: str, project: Project, selection: Selection, kind: DatasetFormat, *, originals: bool
) -> bool:
    """The dataset to a file or stdout."""
    from labeler.datasets.exports.exporter import open_exporter

    if kind.is_incremental and len(selection.parts()) > 1:
        print_message(
            "A split makes one file for each part: choose a part by --part, or leave out --output."
        )
        raise SystemExit(2)
    with open_exporter(project).make(selection, watched, kind=kind, originals=originals) as made:
        with _output(output) as file:
            write = _counted(file)
            for chunk in made.chunks():
                write(chunk)
        _say_summary(made.summary)
        return _say_missing(made.without_original)


def _say_missing(names: Iterable[str]) -> bool:
    """Name the images whose original is missing; whether there is none."""
    missing = list(names)
    for name in missing:
        print_message(f"{name}: its original is not in the store, or is damaged.")
    return not missing


@contextlib.contextmanager
def _output(path: str) -> Iterator[BinaryIO]:
    """The file with that name, or stdout for `-`."""
    to_stdout = contextlib.nullcontext(sys.stdout.buffer)
    with to_stdout if path == "-" else _whole_file(Path(path)) as file:
        yield file


def verify(given: argparse.Namespace, _settings: Settings, project: Project) -> bool:
    """Compare an export with the project; returns whether they agree."""
    from labeler.datasets.exports.exporter import open_exporter

    found = open_exporter(project).verify(given.export, watched)
    for what, names in (
        ("changed", found.changed), ("added", found.added), ("deleted", found.deleted),
    ):  # fmt: skip
        for name in names:
            print_result(f"{what}\t{visible(name)}")
    for problem in found.problems:
        print_result(visible(problem))
    if found.is_same:
        print_result(f"The store holds what {found.key} was made from ({found.looked_at} images).")
    return found.is_same


def watched(doing: str, done: int = 0, total: int = 0) -> None:
    """Show the progress of the block's work."""
    progress(f"{doing}: {done} of {total}" if total else doing)


def _say_summary(summary: ExportSummary, which: str = "") -> None:
    """Print what the export has and what was left out; each line begins with `which` file it is."""
    for line in [*summary.lines(), f"{summary.images} images, {summary.annotations} boxes."]:
        print_message(which + line)


def _counted(file: BinaryIO) -> Callable[[bytes], None]:
    """The file's write function, which also shows how much has been written."""
    written = 0

    def write(data: bytes) -> None:
        nonlocal written
        file.write(data)
        written += len(data)
        progress(f"{written / 2**20:.1f} MB")

    return write


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write. It appears under its name whole, at the end, or not at all."""
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:  # a device or a pipe is written to, never replaced
                yield file
            return
        path = path.resolve()
        part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            with part.open("xb") as file:
                yield file
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise LabelerError(f"{path} can't be written: {error.strerror}.") from error
