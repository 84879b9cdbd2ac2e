"""`undo`: take back what one person did since a time."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from labeler.cli.terminal import print_message, print_result, progress
from labeler.runtime.visible_text import visible

if TYPE_CHECKING:
    from labeler.project.project import Project
    from labeler.settings import Settings


def undo(given: argparse.Namespace, settings: Settings, project: Project) -> bool:
    """Undo what the person did since then; returns whether everything could be undone."""
    from labeler.access.policy import load_access_policy
    from labeler.maintenance.undo import UndoResult, undo_person
    from labeler.model.people import Person, SavedBy, clean_email

    would = "would be " if given.dry_run else ""
    told = {
        UndoResult.RESTORED: f"{would}restored",
        UndoResult.MERGED: f"{would}restored; the changes of others stay",
        UndoResult.CONFLICT: "stays: others have changed the same boxes. Look at it.",
        UndoResult.APPROVED: "is approved and stays: a reviewer has to reopen it first.",
        UndoResult.NOT_KEPT: "stays: its earlier state is not kept.",
        UndoResult.CHANGED: "was saved by somebody just now and stays: undo again.",
    }
    person = given.person
    if settings.saved_by is SavedBy.HASH and clean_email(person):
        person = load_access_policy(settings).named(Person(clean_email(person))).name
    counts: Counter[bool] = Counter()
    for one in undo_person(project, person, given.since, dry_run=given.dry_run):
        progress(f"{counts.total()} documents")
        done = one.result in (UndoResult.RESTORED, UndoResult.MERGED)
        counts[done] += 1
        line = f"{one.image_id}\t{visible(one.image_path)}\t{one.changes}\t{told[one.result]}"
        (print_result if done else print_message)(line)
    print_message(f"{counts[True]} documents {would}restored, {counts[False]} stay.")
    return not counts[False]
