"""`import`: add boxes from another program's dataset, with or without its images."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from labeler.cli.terminal import print_message, print_result, progress
from labeler.datasets.formats.registry import DETECT, IMPORTED, find_format

if TYPE_CHECKING:
    from labeler.datasets.imports.report import ImportReport
    from labeler.project.project import Project
    from labeler.settings import Settings


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `import`."""
    parser.add_argument(
        "format",
        choices=[DETECT, *(kind.name for kind in IMPORTED)],
        help=f"{DETECT}: the files tell it",
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="a file, a folder or a zip")
    parser.add_argument(
        "--images",
        type=Path,
        metavar="PATH",
        help="add the images in this folder or zip first; without it, those in or beside PATH",
    )
    parser.add_argument(
        "--existing",
        choices=("keep", "replace", "merge"),
        default="keep",
        help="images that have boxes: keep these (default), replace them, or merge both",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="exit with 0 even if something was left out",
    )
    parser.add_argument("--dry-run", action="store_true", help="only report what would happen")
    parser.add_argument(
        "--label",
        type=_renamed,
        action="append",
        default=[],
        metavar="THERE=HERE",
        help="import the file's label THERE as HERE; may be repeated",
    )
    parser.add_argument(
        "--status",
        choices=("done", "in_progress"),
        default="done",
        help="the images' status; in_progress: somebody has to check the boxes first",
    )
    parser.add_argument(
        "--class-name",
        action="append",
        default=[],
        metavar="NAME",
        help="the name of YOLO's next class from 0, where the files have none; may be repeated",
    )
    parser.add_argument(
        "--voc",
        choices=("auto", "labelimg", "official"),
        default="auto",
        help="how VOC counts pixels: LabelImg from 0, the official sets from 1",
    )


def import_data_set(given: argparse.Namespace, _settings: Settings, project: Project) -> bool:
    """Import a dataset; returns whether nothing was left out."""
    from labeler.datasets.formats.dataset_files import open_dataset_files
    from labeler.datasets.formats.voc import Convention
    from labeler.datasets.imports.place import ExistingBoxes
    from labeler.datasets.imports.report import ImportRequest
    from labeler.datasets.imports.run import run_import
    from labeler.model.document import Status

    wanted = ImportRequest(
        None if given.format == DETECT else find_format(given.format, IMPORTED),
        ExistingBoxes(given.existing),
        given.dry_run,
        Convention(given.voc),
        dict(given.label),
        given.class_name,
        Status(given.status),
    )
    with contextlib.ExitStack() as opened:
        source = opened.enter_context(contextlib.closing(open_dataset_files(given.path)))
        images = None
        if given.images is not None:
            images = opened.enter_context(contextlib.closing(open_dataset_files(given.images)))
        report = run_import(project, source, wanted, images=images, progress=_tell)
    progress("")
    for problem in report.problems.kept:
        print_message(problem.line())
    more = report.problems.count - len(report.problems.kept)
    if more:
        print_message(f"{more} more like these are not listed.")
    for line in _summary(report):
        print_result(line)
    left_out = report.problems.left_out
    if left_out and not given.allow_missing:
        print_message(
            f"{left_out} left out, as listed above. With --allow-missing this counts as done."
        )
    return given.allow_missing or not left_out


def _tell(doing: str, done: int = 0, total: int = 0) -> None:
    progress(f"{doing}: {done} of {total}" if total else f"{doing}: {done}")


def _summary(report: ImportReport) -> Iterator[str]:
    from labeler.datasets.imports.place import PlacedStatus

    images = report.images
    if report.wanted.dry_run:
        yield "A dry run: nothing was changed. The import would do this:"
    yield f"images added\t{report.added_images}"
    yield f"labels added\t{len(report.new_labels)}\t{', '.join(report.new_labels)}".rstrip()
    yield f"images imported\t{images[PlacedStatus.IMPORTED]}"
    yield f"boxes imported\t{report.boxes.total()}"
    yield f"images unchanged\t{images[PlacedStatus.UNCHANGED]}"
    yield f"images kept as they are\t{images[PlacedStatus.KEPT]}"
    yield f"images left out\t{images[PlacedStatus.LEFT_OUT]}"
    yield f"left out in all\t{report.problems.left_out}"


def _renamed(text: str) -> tuple[str, str]:
    there, equals, here = text.partition("=")
    if not (there and equals and here):
        raise argparse.ArgumentTypeError(f"{text!r} is not THERE=HERE")
    return there, here
