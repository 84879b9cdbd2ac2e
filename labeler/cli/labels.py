"""`labels`: list and edit the label set. Each edit is one write and touches no document."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from labeler.cli.terminal import print_message, print_result
from labeler.runtime.visible_text import visible

if TYPE_CHECKING:
    from labeler.model.labels import Label, LabelSet
    from labeler.project.project import Project
    from labeler.settings import Settings

Edit = Callable[["LabelSet", argparse.Namespace], "LabelSet"]


def labels(given: argparse.Namespace, _settings: Settings, project: Project) -> bool:
    """Carry out an edit, if there is one, and print the labels."""
    edit: Edit | None = given.edit
    if edit is not None:
        after = project.labels.edit(lambda before: edit(before, given))
        if not after.offered:
            print_message(
                "All labels are archived: nobody can draw a box until one is unarchived or added."
            )
        return True
    found = project.labels.read()
    if given.json:
        from labeler.model.labels import dump_label_set

        print_result(dump_label_set(found).decode().rstrip("\n"))
        return True
    if found.rebuilt_from:
        print_message(
            f"labels.json was missing; these labels were taken from {found.rebuilt_from}."
        )
    for label in found.labels:
        state = "archived" if label.retired else "active"
        into = found.get(label.merged_into) if label.merged_into else None
        shown = f"into {visible(into.name)}" if into else state
        former = ", ".join(visible(name) for name in label.former)
        print_result(f"{label.number}\t{label.color}\t{shown}\t{visible(label.name)}\t{former}")
    return True


def add_label_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their arguments."""
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, edit: Edit | None, about: str, *names: str) -> argparse.ArgumentParser:
        made = actions.add_parser(name, help=about, description=about)
        made.set_defaults(edit=edit)
        for one in names:
            made.add_argument(one.lower(), metavar=one)
        return made

    listing = action("list", None, "List the labels: number, color, state, name, former names.")
    listing.add_argument("--json", action="store_true", help="as labels.json has them")
    adding = action("add", _added, "Add labels; existing labels stay as they are.")
    adding.add_argument("names", nargs="+", metavar="NAME")
    action("rename", _renamed, "Give a label another name; its boxes go with it.", "NAME", "NEW")
    action("color", _recolored, "Give a label another color, like #e6194b.", "NAME", "COLOR")
    action("merge", _merged, "Count a label's boxes as another label's.", "NAME", "INTO")
    action("unmerge", _separated, "Undo a merge.", "NAME")
    action("archive", _retired, "Hide a label from the picker; its boxes stay.", "NAME")
    action("unarchive", _offered, "Show an archived label in the picker again.", "NAME")


def _named(labels: LabelSet, name: str) -> Label:
    from labeler.errors import LabelRefused

    label = labels.named(name)
    if label is None:
        raise LabelRefused(f"There is no label {name!r}: `labels list` names them all.")
    return label


def _added(labels: LabelSet, given: argparse.Namespace) -> LabelSet:
    return labels.added(given.names)


def _renamed(labels: LabelSet, given: argparse.Namespace) -> LabelSet:
    from labeler.model.label_edits import renamed

    return renamed(labels, _named(labels, given.name).number, given.new)


def _recolored(labels: LabelSet, given: argparse.Namespace) -> LabelSet:
    from labeler.model.label_edits import recolored

    return recolored(labels, _named(labels, given.name).number, given.color)


def _merged(labels: LabelSet, given: argparse.Namespace) -> LabelSet:
    from labeler.model.label_edits import merged

    return merged(labels, _named(labels, given.name).number, _named(labels, given.into).number)


def _separated(labels: LabelSet, given: argparse.Namespace) -> LabelSet:
    from labeler.model.label_edits import separated

    return separated(labels, _named(labels, given.name).number)


def _retired(labels: LabelSet, given: argparse.Namespace) -> LabelSet:
    from labeler.model.label_edits import retired

    return retired(labels, _named(labels, given.name).number)


def _offered(labels: LabelSet, given: argparse.Namespace) -> LabelSet:
    from labeler.model.label_edits import offered_again

    return offered_again(labels, _named(labels, given.name).number)
