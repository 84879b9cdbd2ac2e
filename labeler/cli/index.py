"""`index sync` and `index rebuild`: make the index in the database tell what the store has."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from labeler.cli.export import add_engine_argument, open_engine
from labeler.cli.terminal import print_message, print_result, progress

if TYPE_CHECKING:
    from labeler.project.database.shard_sync import SyncResult
    from labeler.settings import Settings


def add_index_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the two commands."""
    commands = parser.add_subparsers(required=True, metavar="WHAT", dest="what")
    syncing = commands.add_parser(
        "sync", help="compare the index with the store, and write what differs; make it if need be"
    )
    add_engine_argument(syncing, "local", "beam", "tasks")
    making = commands.add_parser(
        "rebuild", help="remove the index, whoever made it, and make it anew"
    )
    making.set_defaults(engine="local")


def index(given: argparse.Namespace, settings: Settings) -> bool:
    """Bring the index up to date; returns True. Raises IndexUnfit if it can't be used."""
    done = _synced(given, settings)
    progress("")
    if done is None:
        return True  # another process says what all have written
    print_result(
        f"{done.changed} rows written, {done.removed} removed, {done.unchanged} documents unchanged"
    )
    if done.changed + done.removed == 0:
        print_message("The index told what the store has.")
    return True


def _synced(given: argparse.Namespace, settings: Settings) -> SyncResult | None:
    from labeler.maintenance.index import sync_index, sync_index_by

    looked_at = 0

    def watch(images: int) -> None:
        nonlocal looked_at
        looked_at += images
        progress(f"{looked_at} objects")

    engine = open_engine(given, settings)
    if engine is not None:
        return sync_index_by(engine, settings)
    return sync_index(settings, anew=given.what == "rebuild", watch=watch)
