"""An admin's edits of the label set, as pure functions from set to set.

Labels are identified by their numbers, which never change. No edit touches a document: a box keeps
the label that was stored with it, and the set says which label that text counts as. So each edit
is one write and can be undone. An edit that would damage the set raises LabelRefused, which says
what to do instead. An edit that makes no difference returns the same set.
"""

from __future__ import annotations

import re
from typing import Any

from labeler.errors import InvalidDocument, LabelRefused
from labeler.model.labels import COLOR, Label, LabelSet, label_key, new_label, problems


def renamed(labels: LabelSet, number: int, name: str) -> LabelSet:
    """The set with another name for that label. Boxes with the old text still belong to it."""
    label = _label(labels, number)
    name = new_label(name)
    if name == label.name:
        return labels
    other = labels.named(name)
    if other is not None and other.number != number:
        if label_key(name) == label_key(other.name):
            raise LabelRefused(
                f"There is a label {other.name!r} already (number {other.number}). To have one "
                f"label of the two, merge {label.name!r} into {other.name!r}."
            )
        raise LabelRefused(
            f"{name!r} is a former name of {other.name!r}, and boxes that were stored with it "
            "count as that label. Choose another name."
        )
    # After renaming back, the current name must not be a former name as well.
    former = tuple(one for one in label.names if label_key(one) != label_key(name))
    return _with(labels, label, name=name, former=former)


def recolored(labels: LabelSet, number: int, color: str) -> LabelSet:
    """The set with another color for that label, as #rrggbb."""
    label = _label(labels, number)
    if not re.fullmatch(COLOR, color):
        raise LabelRefused(
            f"{color!r} is not a color: give six hexadecimal digits after #, like #e6194b."
        )
    return _with(labels, label, color=color)


def merged(labels: LabelSet, number: int, into: int) -> LabelSet:
    """The set in which all boxes of the label count as boxes of the label `into`."""
    label, target = _label(labels, number), _label(labels, into)
    if label.merged_into == into:
        return labels
    if number == into:
        raise LabelRefused(f"{label.name!r} can't be merged into itself: choose another label.")
    if label.merged_into is not None:
        there = _label(labels, label.merged_into)
        raise LabelRefused(
            f"{label.name!r} is merged into {there.name!r} already: undo that merge first."
        )
    if target.merged_into is not None:
        there = _label(labels, target.merged_into)
        instead = "undo that merge first" if there.number == number else f"choose {there.name!r}"
        raise LabelRefused(f"{target.name!r} is itself merged into {there.name!r}: {instead}.")
    return _with(labels, label, merged_into=into)


def separated(labels: LabelSet, number: int) -> LabelSet:
    """The set in which that merge is undone: the label has its boxes again."""
    return _with(labels, _label(labels, number), merged_into=None)


def retired(labels: LabelSet, number: int) -> LabelSet:
    """The set in which the label is not offered for new boxes; its existing boxes still count."""
    return _with(labels, _label(labels, number), retired=True)


def offered_again(labels: LabelSet, number: int) -> LabelSet:
    """The set in which a retired label is offered for new boxes again."""
    return _with(labels, _label(labels, number), retired=False)


def replaced(labels: LabelSet, wanted: LabelSet) -> LabelSet:
    """The set `wanted` as the successor of `labels`; no label and no text of a stored box is lost.

    Names that `wanted` leaves out become former names. Raises InvalidDocument if a number is
    missing, or if new numbers do not follow the highest one without a gap. A caller can remove the
    note that the set was rebuilt, but can't add it.
    """
    for label in labels.labels:
        if wanted.get(label.number) is None:
            raise InvalidDocument(
                f"labels: number {label.number} ({label.name!r}) is missing. A label is never "
                "deleted, for boxes may have it: archive it, or merge it into another one.",
                "labels",
            )
    highest = max((label.number for label in labels.labels), default=0)
    new = [label.number for label in wanted.labels if labels.get(label.number) is None]
    if new != list(range(highest + 1, highest + 1 + len(new))):
        raise InvalidDocument(
            f"labels: new labels are numbered from {highest + 1} without gaps, not {new}.", "labels"
        )
    for name in (name for label in wanted.labels for name in label.names):
        if labels.named(name) is None:
            _check_new(name)
    result = wanted.having(_keeping_names(labels.get(one.number), one) for one in wanted.labels)
    for problem in problems(result):
        raise InvalidDocument(f"labels: {problem}.", "labels")
    note = labels.rebuilt_from if wanted.rebuilt_from else ""
    return result.model_copy(update={"rebuilt_from": note})


def _check_new(name: str) -> None:
    try:
        new_label(name)
    except InvalidDocument as error:
        raise InvalidDocument(f"labels: {error.message}", "labels") from error


def _keeping_names(before: Label | None, label: Label) -> Label:
    known = {label_key(name) for name in label.names}
    missing = [name for name in before.names if label_key(name) not in known] if before else []
    return label.model_copy(update={"former": (*label.former, *missing)}) if missing else label


def acknowledged(labels: LabelSet) -> LabelSet:
    """The set without the note that it was rebuilt from an export."""
    return labels.model_copy(update={"rebuilt_from": ""}) if labels.rebuilt_from else labels


def _label(labels: LabelSet, number: int) -> Label:
    label = labels.get(number)
    if label is None:
        raise LabelRefused(f"There is no label with the number {number}. Look at the list again.")
    return label


def _with(labels: LabelSet, label: Label, **changes: Any) -> LabelSet:
    changed = label.model_copy(update=changes)
    if changed == label:
        return labels
    return labels.having(changed if one is label else one for one in labels.labels)
