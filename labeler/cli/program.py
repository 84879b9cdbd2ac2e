"""The command line's arguments, and how the program ends."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from labeler import __version__
from labeler.cli.add import add
from labeler.cli.doctor import doctor
from labeler.cli.export import (
    add_engine_argument,
    add_export_arguments,
    export,
    split_runner_options,
    verify,
)
from labeler.cli.import_data_set import add_import_arguments, import_data_set
from labeler.cli.index import add_index_arguments, index
from labeler.cli.labels import add_label_arguments, labels
from labeler.cli.maintain import check, copy, moment, place, restore
from labeler.cli.show import list_images, show_document, stats
from labeler.cli.terminal import print_message
from labeler.cli.undo import undo
from labeler.errors import LabelerError

if TYPE_CHECKING:
    from labeler.project.project import Project
    from labeler.settings import Settings


def run() -> NoReturn:
    """Run the command in sys.argv as a program; ends the process.

    Ctrl+C, or a reader that closes the pipe, ends it silently by the same signal, so that the shell
    sees the reason.
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
        os._exit(1)  # a normal exit would try to write it again
    sys.exit(code)


def _end_by(number: signal.Signals) -> NoReturn:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    raise AssertionError("the signal has ended the process")


def main(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. Raises SystemExit(2) for wrong arguments."""
    own, runner_options = split_runner_options(arguments)
    given = _parser().parse_args(own)
    given.runner_options = runner_options
    from labeler.runtime import logs
    from labeler.runtime.audit import acting_as
    from labeler.settings import load_settings, logs_as_json, unknown_settings

    # On a terminal, people want to read only the messages below.
    if logs_as_json(os.environ):
        logs.configure(logs.log_source(os.environ), as_json=True, stream=sys.stderr)

    try:
        settings = load_settings(os.environ)
        for line in unknown_settings(os.environ):
            print_message(line)
        command: Callable[[argparse.Namespace, Settings], bool] = given.command
        with acting_as("command"):
            return 0 if command(given, settings) else 1
    except LabelerError as error:
        print_message(error.message)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m labeler",
        description="Labeled boxes on images: work on the project that LABELER_STORAGE names.",
    )
    parser.add_argument("--version", action="version", version=f"Labeler {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, work: Callable[..., bool], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about)
        made.set_defaults(command=work)
        return made

    adding = command("add", _on_data(add), "Add images, and the images in folders.")
    adding.add_argument("files", nargs="+", type=Path, metavar="FILE", help="an image or a folder")
    listing = command("list", _there(_on_data(list_images)), "List the images.")
    listing.add_argument("--status", type=_status, help="only images with this status")
    listing.add_argument("--json", action="store_true", help="as JSON")
    showing = command(
        "show", _there(_on_data(show_document)), "Show an image's annotation document."
    )
    showing.add_argument("image_id", metavar="ID")
    exporting = command("export", _there(_on_data(export)), "Export the dataset.")
    add_export_arguments(exporting)
    verifying = command(
        "verify", _there(_on_data(verify)), "Check whether an export is up to date."
    )
    verifying.add_argument("export", metavar="EXPORT", help="its name under exports/")
    importing = command(
        "import", _there(_on_data(import_data_set)), "Import boxes made in another program."
    )
    add_import_arguments(importing)
    add_label_arguments(command("labels", _there(_on_data(labels)), "List and edit the labels."))
    counting = command(
        "stats", _there(_on_data(stats)), "Count images by status and boxes by label."
    )
    add_engine_argument(counting, "local", "beam")
    checking = command("check", _there(check), "Check the consistency of the project.")
    checking.add_argument(
        "--repair", action="store_true", help="repair what can be repaired safely"
    )
    add_index_arguments(
        command("index", _there(index), "Keep the index of images in the database up to date.")
    )
    back = command("restore", _there(restore), "Restore documents to what they were at a time.")
    _add_time(back, "--at")
    back.add_argument(
        "image_ids",
        nargs="*",
        metavar="ID",
        help="only these images; without it, the whole project",
    )
    back.add_argument("--dry-run", action="store_true", help="only report what would be done")
    undoing = command("undo", _there(_on_data(undo)), "Undo what a person did since a time.")
    undoing.add_argument("person", metavar="PERSON", help="an e-mail address, as in saved_by")
    _add_time(undoing, "--since")
    undoing.add_argument("--dry-run", action="store_true", help="only report what would be done")
    copying = command("copy", _there(copy), "Copy the project to another folder or bucket.")
    copying.add_argument("to", type=place, metavar="TO", help="a folder or gs://bucket[/prefix]")
    copying.add_argument("--dry-run", action="store_true", help="only report what would be done")
    examining = command(
        "doctor", doctor, "Check the folder, bucket or service, and say how to repair each problem."
    )
    examining.add_argument(
        "--service",
        metavar="FILE",
        help="a service on Cloud Run instead: what `gcloud run services describe NAME "
        "--format=json` prints, or - for stdin",
    )
    return parser


def _add_time(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument(
        name,
        type=moment,
        required=True,
        metavar="TIME",
        help="such as 2026-11-22T14:30, in UTC, or with an offset such as +01:00",
    )


def _status(text: str) -> str:
    from labeler.model.document import Status

    if text not in set(Status):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(Status)}")
    return text


def _there(
    work: Callable[[argparse.Namespace, Settings], bool],
) -> Callable[[argparse.Namespace, Settings], bool]:
    """The work, unless the project's folder does not exist: a mistyped folder is not created."""

    def command(given: argparse.Namespace, settings: Settings) -> bool:
        from labeler.errors import NotFound
        from labeler.settings import StoreKind

        storage = settings.storage
        if storage.kind is StoreKind.FOLDER and not Path(storage.path).is_dir():
            raise NotFound(
                f"There is no folder {storage.path}. Set LABELER_STORAGE to the one that you mean, "
                "or make that folder, if the project is to be new."
            )
        return work(given, settings)

    return command


def _on_data(
    work: Callable[[argparse.Namespace, Settings, Project], bool],
) -> Callable[[argparse.Namespace, Settings], bool]:
    """The work on the project that the settings name."""

    def command(given: argparse.Namespace, settings: Settings) -> bool:
        from labeler.project.project import open_project

        with contextlib.closing(open_project(settings)) as project:
            return work(given, settings, project)

    return command
