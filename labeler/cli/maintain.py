"""`check`, `restore` and `copy`: check a project, restore an earlier state, copy it elsewhere."""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from labeler.cli.terminal import print_message, print_result, progress
from labeler.runtime.audit import Action, audit

if TYPE_CHECKING:
    from labeler.settings import Location, Settings


def check(given: argparse.Namespace, settings: Settings) -> bool:
    """Check the project; returns whether everything is consistent.

    Each fault has a line. Of notes that say the same the first has one, and the others are counted.
    """
    from labeler.access.secret_key import load_secret
    from labeler.maintenance.check import ConsistencyCheck
    from labeler.project.locations import close_stores, open_stores
    from labeler.storage.leftovers import leftovers, remove_leftovers

    left = leftovers(settings.storage)  # listed first, because a write would remove them
    store, uploads = open_stores(settings)
    faults: set[str] = set()
    alike = Counter[str]()
    notes = repaired = 0
    try:
        look = ConsistencyCheck(settings, store, uploads, load_secret(settings))
        for problem in look.problems():
            progress(f"{look.checked} images")
            what = problem.what
            if given.repair and problem.repair:
                repaired += 1
                what += f" Repaired: {problem.repair()}."
                audit(Action.REPAIR, problem.key)
            else:
                what += " --repair repairs it." if problem.repair else ""
                if problem.fault:
                    faults.add(problem.key)
                else:
                    notes += 1
            if problem.fault or not alike[what]:
                print_message(f"{problem.key}: {what}")
            alike[what] += not problem.fault
    finally:
        close_stores(store, uploads)
    if left and given.repair:
        remove_leftovers(settings.storage)
    for path in left:
        removed = given.repair and not path.exists()
        if removed:
            audit(Action.REPAIR, str(path))
        notes, repaired = notes + (not removed), repaired + removed
        what = "Repaired: removed." if removed else "--repair removes it, unless it is in use."
        print_message(f"{path}: left by a program that was killed. {what}")
    progress("")
    for what, count in alike.items():
        if count > 1:
            print_message(f"{count - 1} more like it: {what}")
    told = f"{look.checked} images checked, {len(faults)} with a problem"
    told += f", {notes} {'note' if notes == 1 else 'notes'}" if notes else ""
    print_result(told + (f", {repaired} repaired" if repaired else ""))
    return not faults


def moment(text: str) -> datetime:
    """A time in ISO 8601; without an offset it is in UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a time like 2026-11-22T14:30 or 2026-11-22T14:30:00+01:00"
        ) from error
    found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    if found > datetime.now(UTC):
        raise argparse.ArgumentTypeError(f"{text!r} is in the future")
    return found


def restore(given: argparse.Namespace, settings: Settings) -> bool:
    """Restore the state of that moment; returns whether everything could be restored."""
    from labeler.maintenance.restore import RestoreResult
    from labeler.maintenance.restore import restore_project as restored

    counts: Counter[RestoreResult] = Counter()
    would = "would be " if given.dry_run else ""
    for one in restored(settings, given.at, given.image_ids, dry_run=given.dry_run):
        progress(f"{counts.total()} objects")
        counts[one.outcome] += 1
        if one.since is not None and one.outcome is RestoreResult.RESTORED:
            print_result(
                f"{one.key}\t{would}restored, as written {one.since:%Y-%m-%d %H:%M:%S} UTC"
            )
        elif one.outcome is RestoreResult.NEWER:
            print_result(f"{one.key}\thas no version from then, and stays")
        elif one.outcome is RestoreResult.APPROVED:
            print_message(f"{one.key} is approved and stays: a reviewer has to reopen it first.")
        else:
            print_message(f"{one.key} was saved by somebody just now and stays: restore it again.")
    progress("")
    print_message(
        f"{counts[RestoreResult.RESTORED]} objects {would}restored, "
        f"{counts[RestoreResult.NEWER]} stay."
    )
    if settings.index and counts[RestoreResult.RESTORED] and not given.dry_run:
        _sync_index(settings)
    return not (counts[RestoreResult.CHANGED] or counts[RestoreResult.APPROVED])


def _sync_index(settings: Settings) -> None:
    """Have the index show what was written to the store beside it."""
    from labeler.errors import IndexUnfit
    from labeler.maintenance.index import sync_index

    try:
        sync_index(settings)
    except IndexUnfit as error:
        print_message(f"The index of images does not show this yet. {error.message}")


def place(text: str) -> Location:
    """A folder or a bucket, as LABELER_STORAGE names it."""
    from labeler.settings import parse_location

    try:
        return parse_location(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no place: {error}") from error


def copy(given: argparse.Namespace, settings: Settings) -> bool:
    """Copy the project to another location; returns whether the copy is complete."""
    from labeler.errors import InvalidRequest
    from labeler.maintenance.copy import CopyResult, copy_project

    for known in (settings.storage, settings.uploads):
        if known and (known.prefix_in(given.to), given.to.prefix_in(known)) != (None, None):
            raise InvalidRequest(
                f"{given.to} lies where the project is, or around it: name another place."
            )
    counts: Counter[CopyResult] = Counter()
    for one in copy_project(settings, given.to, dry_run=given.dry_run):
        counts[one.outcome] += 1
        progress(f"{counts.total()} objects")
        if one.outcome is CopyResult.OTHER:
            print_message(f"{one.key}: something else is already there, and stays.")
    progress("")
    would = "would be " if given.dry_run else ""
    print_result(
        f"{counts[CopyResult.COPIED]} objects {would}copied, "
        f"{counts[CopyResult.THERE]} were there, {counts[CopyResult.OTHER]} differ"
    )
    if not given.dry_run:
        print_message(f"Now: LABELER_STORAGE={given.to} python -m labeler check")
    return not counts[CopyResult.OTHER]
