"""The command line, over the same data set and settings as the pages.

Exit codes: 0 done, 1 the work failed (the message is on stderr), 2 wrong usage. Results go to
stdout, everything else to stderr. What a command needs is imported when it runs: `list` is not to
wait for what only an export needs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import secrets
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn

from labeler.errors import LabelerError, StoreError

if TYPE_CHECKING:
    from labeler.dataset import Dataset
    from labeler.settings import Settings
    from labeler.storage.doctor import Place

MAX_STORE_FAILURES: Final = 3
"""So many images in a row that the store refuses, and `add` gives up."""

_REFRESH_S: Final = 0.1

_UNSEEN: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""What would steer a terminal, or end a line, in the names and messages that are shown."""


def run() -> NoReturn:
    """The command that sys.argv names, as a program of its own; ends the process.

    A reader who closes the pipe, and Ctrl+C, end it without a word, by the very signal, so that
    the shell sees why.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        try:
            code = main(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        _end_by(signal.SIGINT)
    except BrokenPipeError:
        _end_by(signal.SIGPIPE)
    except OSError as error:
        print(f"labeler: the output can't be written: {error.strerror}.", file=sys.stderr)
        os._exit(1)  # an ordinary end would try to write it again
    sys.exit(code)


def _end_by(number: signal.Signals) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    raise AssertionError("the signal has ended the process")


def main(arguments: Sequence[str]) -> int:
    """Run one command; its exit code. SystemExit(2) where the arguments are wrong."""
    given = _parser().parse_args(arguments)
    from labeler.settings import load_settings, unknown_settings

    try:
        settings = load_settings(os.environ)
        for line in unknown_settings(os.environ):
            _say(line)
        command: Callable[[argparse.Namespace, Settings], bool] = given.command
        return 0 if command(given, settings) else 1
    except LabelerError as error:
        _say(error.message)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labeler",
        description="Labelled boxes on images: work on the data set that LABELER_STORAGE names.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, work: Callable[..., bool], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(command=work)
        return made

    add = command("add", _on_data(_add), "Add images, and the images in folders.")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an image or a folder")
    listing = command("list", _on_data(_list), "List the images.")
    listing.add_argument("--status", type=_status, help="only images of this status")
    listing.add_argument("--json", action="store_true", help="as JSON")
    show = command("show", _on_data(_show), "Show an image's annotation document.")
    show.add_argument("image_id", metavar="ID")
    export = command("export", _on_data(_export), "Export the data set.")
    export.add_argument("format", choices=["coco"])
    export.add_argument(
        "--output", metavar="FILE", help="a file, or - for stdout; without it, under exports/"
    )
    command("stats", _on_data(_stats), "Count images by status and boxes by label.")
    command("check", _on_data(_check), "Check that documents open and originals are there.")
    command("doctor", _doctor, "Check the folder or bucket: what is wrong, and what mends it.")
    return parser


def _status(text: str) -> str:
    from labeler.models import Status

    if text not in set(Status):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(Status)}")
    return text


def _on_data(
    work: Callable[[argparse.Namespace, Settings, Dataset], bool],
) -> Callable[[argparse.Namespace, Settings], bool]:
    """The work on the data set that the settings name."""

    def command(given: argparse.Namespace, settings: Settings) -> bool:
        from labeler.dataset import open_dataset

        with contextlib.closing(open_dataset(settings)) as dataset:
            return work(given, settings, dataset)

    return command


# --- add ----------------------------------------------------------------------------------


def _add(given: argparse.Namespace, settings: Settings, dataset: Dataset) -> bool:
    problems: list[str] = []
    files = _files(given.files, problems)
    for line in problems:
        _say(line)
    failed, refused = len(problems), 0
    for number, path in enumerate(files):
        _progress(f"{number} of {len(files)} images")
        try:
            added = dataset.add_image(path.name, _bytes_of(path, settings.max_upload_bytes))
        except (LabelerError, OSError) as error:
            _say(f"{path}: {error.strerror if isinstance(error, OSError) else error}")
            failed += 1
            refused = refused + 1 if isinstance(error, StoreError) else 0
            if refused == MAX_STORE_FAILURES:
                _say(f"Gave up: {len(files) - number - 1} more images were not tried.")
                break
        else:
            refused = 0
            state = "new" if added.created else "already there"
            _print(f"{added.image_id}\t{_plain(added.image_path)}\t{state}")
    _progress("")
    return not failed


def _files(paths: Iterable[Path], problems: list[str]) -> list[Path]:
    """The files, and those in folders that have an image's extension."""
    files: list[Path] = []
    for path in paths:
        found = list(_images_in(path, problems)) if path.is_dir() else [path]
        files += found
        if not found:
            problems.append(f"{path}: there is no image in this folder.")
    return files


def _images_in(folder: Path, problems: list[str]) -> Iterator[Path]:
    """The images at any depth, in the order of names; nothing hidden, no links to folders."""
    from labeler.images import is_image_name

    def refuse(error: OSError) -> None:
        problems.append(f"{error.filename}: {error.strerror}")

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and is_image_name(name):
                yield Path(place, name)


def _bytes_of(path: Path, max_bytes: int) -> bytes:
    """The file's bytes; ImageTooLarge before too many are read."""
    from labeler.images import check_size

    with path.open("rb") as file:
        check_size(os.fstat(file.fileno()).st_size, name=path.name, max_bytes=max_bytes)
        return file.read(max_bytes + 1)


# --- list, show, stats, check -------------------------------------------------------------


def _list(given: argparse.Namespace, settings: Settings, dataset: Dataset) -> bool:
    images = [
        image
        for image in dataset.list_images()
        if given.status is None or image.status == given.status
    ]
    if given.json:
        import json
        from dataclasses import asdict

        _print(json.dumps([asdict(image) for image in images], ensure_ascii=False, indent=2))
        return True
    for image in images:
        state = "damaged" if image.problem else image.status
        _print(f"{image.image_id}\t{state:<11}\t{image.rects}\t{_plain(image.image_path)}")
    return True


def _show(given: argparse.Namespace, settings: Settings, dataset: Dataset) -> bool:
    document = dataset.open_document(given.image_id).document
    _print(document.model_dump_json(indent=2, exclude_unset=True))
    return True


def _stats(given: argparse.Namespace, settings: Settings, dataset: Dataset) -> bool:
    labels = dataset.label_set()
    statuses: Counter[str] = Counter()
    boxes = Counter({label.name: 0 for label in labels.labels})
    for number, (image, document) in enumerate(dataset.survey()):
        _progress(f"{number} images")
        statuses["damaged" if image.problem else document.status if document else image.status] += 1
        for rect in document.rects if document else ():
            label = labels.find(rect.label)
            boxes[label.name if label else rect.label] += 1
    _progress("")
    for what, counts in (("images", statuses), ("boxes", boxes)):
        _print(f"{counts.total()}\t{what}")
        for name, count in counts.items():
            _print(f"{count}\t  {_plain(name)}")
    return True


def _check(given: argparse.Namespace, settings: Settings, dataset: Dataset) -> bool:
    problems = checked = 0
    for image, document in dataset.survey():
        _progress(f"{checked} images")
        checked += 1
        problem = image.problem
        if document and settings.uploads and image.original is None:
            problem = "The original is not there. Add the file again."
        if problem:
            _say(f"{image.image_id} {image.image_path}: {problem}")
            problems += 1
    _progress("")
    dataset.label_set()
    _print(f"{checked} images checked, {problems} with a problem")
    return not problems


# --- export -------------------------------------------------------------------------------


def _export(given: argparse.Namespace, settings: Settings, dataset: Dataset) -> bool:
    _progress("reading documents")
    if given.output is None:
        export = dataset.export_coco()
        _print(export.key)
        summary = export.summary
    else:
        to_stdout = contextlib.nullcontext(sys.stdout.buffer)
        with to_stdout if given.output == "-" else _whole_file(Path(given.output)) as file:
            summary = dataset.write_coco(_counted(file))
    for line in summary.left_out_lines():
        _say(line)
    _say(f"{summary.images} images, {summary.annotations} boxes.")
    return True


def _counted(file: BinaryIO) -> Callable[[bytes], None]:
    """The file's write, showing how much has been written."""
    written = 0

    def write(data: bytes) -> None:
        nonlocal written
        file.write(data)
        written += len(data)
        _progress(f"{written / 2**20:.1f} MB")

    return write


@contextlib.contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that appears under its name whole, at the end, or not at all."""
    path = path.resolve()
    if path.exists() and not path.is_file():
        with path.open("wb") as file:  # a device or a pipe is written, never replaced
            yield file
        return
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# --- doctor -------------------------------------------------------------------------------


def _doctor(given: argparse.Namespace, settings: Settings) -> bool:
    from labeler.storage.doctor import Level, examine

    faults = 0
    for place in _places(settings):
        _print(f"{place.location}")
        for finding in examine(
            place,
            timeout_s=settings.save_timeout_s,
            kms_key=settings.kms_key,
            on_cloud_run=settings.on_cloud_run,
        ):
            _print(f"  {finding.level:<8} {_plain(finding.what)}")
            for line in (finding.why, finding.mend and f"$ {finding.mend}"):
                if line:
                    _print(f"           {line}")
            faults += finding.level is Level.FAULT
    return not faults


def _places(settings: Settings) -> list[Place]:
    """Where objects are kept, and what must stay there."""
    from labeler.catalogue import ANNOTATIONS
    from labeler.labels import LABELS_KEY
    from labeler.storage.doctor import Place

    storage, uploads, kept = settings.storage, settings.uploads, (ANNOTATIONS, LABELS_KEY)
    if uploads is None:
        return [Place(storage, kept)]
    prefix = uploads.prefix_in(storage)
    if prefix is not None:
        return [Place(storage, (*kept, prefix))]
    return [Place(storage, kept), Place(uploads, ("",), replaces=False)]


# --- what a person sees -------------------------------------------------------------------


def _print(line: str) -> None:
    _progress("")
    print(line)


def _say(line: str) -> None:
    _progress("")
    print(f"labeler: {_plain(line)}", file=sys.stderr)


def _plain(text: str) -> str:
    """The text on one line, with nothing in it that steers a terminal."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class _Progress:
    """A line on stderr that changes, where a person looks at it; an empty one takes it away."""

    def __init__(self) -> None:
        self._shown = ""
        self._next = 0.0

    def __call__(self, line: str) -> None:
        now = time.monotonic()
        if not (self._shown if not line else sys.stderr.isatty() and now >= self._next):
            return
        self._shown, self._next = line, now + _REFRESH_S
        print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)


_progress = _Progress()
