"""`export`: the data set as one file."""

from __future__ import annotations

import argparse
import contextlib
import secrets
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from labeler.cli.terminal import progress, say, show
from labeler.errors import LabelerError

if TYPE_CHECKING:
    from labeler.dataset import Dataset
    from labeler.settings import Settings


def export(given: argparse.Namespace, settings: Settings, dataset: Dataset) -> bool:
    progress("reading documents")
    if given.output is None:
        for export in dataset.exports.write():
            show(export.key)
            summary = export.summary
    else:
        to_stdout = contextlib.nullcontext(sys.stdout.buffer)
        with to_stdout if given.output == "-" else _whole_file(Path(given.output)) as file:
            write = _counted(file)
            with dataset.exports.coco() as coco:
                for chunk in coco.chunks():
                    write(chunk)
                summary = coco.summary
    for line in summary.left_out_lines():
        say(line)
    say(f"{summary.images} images, {summary.annotations} boxes.")
    return True


def _counted(file: BinaryIO) -> Callable[[bytes], None]:
    """The file's write, showing how much has been written."""
    written = 0

    def write(data: bytes) -> None:
        nonlocal written
        file.write(data)
        written += len(data)
        progress(f"{written / 2**20:.1f} MB")

    return write


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name whole, at the end, or not at all."""
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as file:  # a device or a pipe is written, never replaced
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
