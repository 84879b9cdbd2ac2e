"""`add`: add images from files and folders."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from labeler.cli.terminal import print_message, print_result, progress
from labeler.errors import LabelerError, StoreError
from labeler.runtime.visible_text import visible

if TYPE_CHECKING:
    from labeler.project.project import Project
    from labeler.settings import Settings

MAX_STORE_FAILURES: Final = 3
"""`add` gives up after the store has refused this many images in a row."""


def add(given: argparse.Namespace, settings: Settings, project: Project) -> bool:
    """Add image files; returns whether all of them were added."""
    problems: list[str] = []
    files = _files(given.files, problems)
    for line in problems:
        print_message(line)
    failed, refused = len(problems), 0
    for number, (path, name) in enumerate(files):
        progress(f"{number} of {len(files)} images")
        try:
            added = project.add_image(name, _bytes_of(path, settings.max_upload_bytes))
        except (LabelerError, OSError) as error:
            print_message(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
            failed += 1
            refused = refused + 1 if isinstance(error, StoreError) else 0
            if refused == MAX_STORE_FAILURES:
                print_message(f"Gave up: {len(files) - number - 1} more images were not tried.")
                break
        else:
            refused = 0
            state = "new" if added.created else "already there"
            print_result(f"{added.image_id}\t{visible(added.image_path)}\t{state}")
    progress("")
    return not failed


def _files(paths: Iterable[Path], problems: list[str]) -> list[tuple[Path, str]]:
    """The files, and the images in folders, each with its name in the project."""
    files: list[tuple[Path, str]] = []
    for path in paths:
        if not path.is_dir():
            files.append((path, path.name))
            continue
        found = [(one, one.relative_to(path).as_posix()) for one in _images_in(path, problems)]
        files += found
        if not found:
            problems.append(f"{path}: there is no image in this folder.")
    return files


def _images_in(folder: Path, problems: list[str]) -> Iterator[Path]:
    """The images at any depth, in the order of names; no hidden files, no links to folders."""
    from labeler.image_names import HEAD_BYTES, is_image_file

    def refuse(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith(".") or not path.is_file():
                continue
            try:
                with path.open("rb") as file:
                    head = file.read(HEAD_BYTES)
            except OSError as error:
                refuse(error)
                continue
            if is_image_file(name, head):
                yield path


def _bytes_of(path: Path, max_bytes: int) -> bytes:
    """The file's bytes; ImageTooLarge before too many are read."""
    from labeler.images import check_size

    with path.open("rb") as file:
        check_size(os.fstat(file.fileno()).st_size, name=path.name, max_bytes=max_bytes)
        return file.read(max_bytes + 1)
