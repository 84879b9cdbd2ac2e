"""The label set in the store: it is read, and edited without losing anybody's edit.

A write of labels.json names the state that it replaces. If somebody else was first, the set is read
again and the same edit is made on it. So edits of two admins are both kept, and an edit that no
longer makes sense is refused. If somebody deletes labels.json, the set is rebuilt from the newest
export, because a number must never come to mean another label.

The first labels of a project are those of the settings. Each process may have different ones, so
they are stored before anybody sees them: the first process wins, and all show its labels.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from labeler.errors import (
    DamagedDocument,
    InvalidDocument,
    NotAllowed,
    NotFound,
    VersionConflict,
)
from labeler.model.labels import (
    PALETTE,
    LabelSet,
    check_label_set,
    dump_label_set,
    parse_label_set,
    problems,
)
from labeler.model.layout import COCO_EXPORTS, LABELS_KEY, manifest_key
from labeler.model.limits import MAX_LABELS
from labeler.runtime.audit import Action, audit
from labeler.storage import ABSENT, Replaces, Store, Version, list_all

logger = logging.getLogger(__name__)

_CATEGORIES: Final = re.compile(rb'(?<!\\)"categories"\s*:\s*(?=\[)')
_OVERLAP: Final = 64
_MOST_BYTES: Final = 16 * 2**20

LabelEdit = Callable[[LabelSet], LabelSet]


@dataclass(frozen=True, slots=True)
class _InitialLabels:
    """The labels of a project without labels.json; `exported` if they come from an export."""

    labels: LabelSet
    exported: bool


class LabelStore:
    """The label set of one store. `seed` lists the labels of a project that never had any."""

    def __init__(self, store: Store, seed: Iterable[str]) -> None:
        self._store = store
        self._seed = tuple(seed)
        self._first: _InitialLabels | None = None
        self._told = False

    def read(self) -> LabelSet:
        """The project's current labels; raises DamagedDocument or StoreError."""
        return self.opened()[0]

    def opened(self) -> tuple[LabelSet, Replaces]:
        """The labels, and the state that a write has to name. First labels are stored.

        The state is ABSENT if lost labels were rebuilt from an export, and in a store that refuses
        writes. Such a store is still read, and the log says once that its labels are not stored.
        """
        while True:
            labels, replaces, seeded = self._found()
            if not seeded:
                return labels, replaces
            try:
                return labels, self.write(labels, ABSENT)
            except VersionConflict:  # another process was first
                continue
            except NotAllowed as error:
                self._tell(error)
                return labels, ABSENT

    def looked_up(self) -> tuple[LabelSet, Replaces]:
        """The result of `opened`, without writing anything."""
        labels, replaces, _ = self._found()
        return labels, replaces

    def edit(self, edit: LabelEdit) -> LabelSet:
        """Store and return the label set after `edit`, which runs on the newest set.

        Raises the errors of `edit`; then nothing is changed. An edit without effect writes nothing,
        except a project's first labels.
        """
        self._first = None
        while True:
            labels, replaces = self.looked_up()
            changed = edit(labels)
            if changed == labels and replaces is not ABSENT:
                return labels
            try:
                self.write(changed, replaces)
            except VersionConflict:
                continue
            return changed

    def add(self, names: Iterable[str]) -> LabelSet:
        """Add these labels and store the set; InvalidDocument for a text that can't be a label."""
        wanted = list(names)
        return self.edit(lambda labels: labels.added(wanted))

    def write(self, labels: LabelSet, replaces: Replaces) -> Version:
        """Store `labels` in place of the named state; a VersionConflict changes nothing.

        Raises InvalidDocument for more labels than a project may have.
        """
        if len(labels.labels) > MAX_LABELS:
            raise InvalidDocument(
                f"The project would have {len(labels.labels)} labels; at most {MAX_LABELS} are "
                "allowed.",
                "labels",
            )
        self._first = None
        version = self._store.write(
            LABELS_KEY, dump_label_set(labels), replaces=replaces, content_type="application/json"
        )
        audit(Action.LABELS, LABELS_KEY, old=replaces, new=version)
        return version

    def _found(self) -> tuple[LabelSet, Replaces, bool]:
        """The labels, their state, and whether they come only from the settings."""
        try:
            data, info = self._store.read(LABELS_KEY)
        except NotFound:
            # Searched once, because the first export of a project stores the labels first.
            first = self._first = self._first or self._made_first()
            return first.labels, ABSENT, not first.exported
        self._first = None
        return parse_label_set(data), info.version, False

    def _tell(self, error: NotAllowed) -> None:
        if not self._told:
            self._told = True
            logger.warning(
                "%s can't be stored, so the labels shown are those of LABELER_LABELS, and another "
                "process may show others: %s",
                LABELS_KEY,
                error.for_log,
            )

    def _made_first(self) -> _InitialLabels:
        """The labels of the newest export with readable labels, else the seed."""
        keys = [info.key for info in list_all(self._store, COCO_EXPORTS)]
        exports = [key for key in keys if key.endswith(".json")]
        for key in reversed(exports):
            try:
                with self._store.open(key) as chunks:
                    labels = from_categories(coco_categories(chunks), key)
                labels = self._counting_as_then(labels, key)
            except (NotFound, DamagedDocument, InvalidDocument) as error:
                logger.warning("The labels can't be rebuilt from %s: %s", key, error.for_log)
                continue
            logger.warning("%s is missing; its labels were taken from %s", LABELS_KEY, key)
            return _InitialLabels(labels, exported=True)
        return _InitialLabels(LabelSet().added(self._seed), exported=bool(exports))

    def _counting_as_then(self, labels: LabelSet, key: str) -> LabelSet:
        """The labels with the former names and merges at the time of the export."""
        try:
            with self._store.open(manifest_key(key)) as chunks:
                names = json.loads(_first_line(chunks))["names"]
            return with_spellings(labels, {str(name): int(names[name]) for name in names})
        except (NotFound, InvalidDocument, ValueError, KeyError, TypeError) as error:
            logger.warning("%s tells no former names: %s", key, type(error).__name__)
            return labels


def _first_line(chunks: Iterable[bytes]) -> bytes:
    """The first line of the object; only that line is held in memory."""
    line = b""
    for chunk in chunks:
        start, end, _ = chunk.partition(b"\n")
        line += start
        if end or len(line) > _MOST_BYTES:
            break
    return line


def coco_categories(chunks: Iterable[bytes]) -> list[Any]:
    """The value of "categories" in a COCO file; only that part is held in memory.

    Raises DamagedDocument if there is no readable value.
    """
    rest = b""
    found = False
    for chunk in chunks:
        rest += chunk
        if not found:
            # Within a string, a quote follows a backslash, so this is the key itself.
            match = _CATEGORIES.search(rest)
            found = match is not None
            rest = rest[match.end() :] if match else rest[-_OVERLAP:]
        if found and b"]" in chunk:
            try:
                value: list[Any] = json.JSONDecoder().raw_decode(rest.decode("ascii"))[0]
            except ValueError:  # there is more to come
                if len(rest) > _MOST_BYTES:
                    break
            else:
                return value
    raise DamagedDocument("it has no categories that can be read")


def from_categories(categories: Iterable[Any], export: str) -> LabelSet:
    """The label set from the categories of that export; the numbers give the colors.

    Raises InvalidDocument if Labeler can't have exported these categories.
    """
    labels = []
    for place, category in enumerate(categories):
        if not isinstance(category, dict):
            raise InvalidDocument(f"categories[{place}] is no object")
        number = category.get("id")
        color = PALETTE[(number - 1) % len(PALETTE)] if isinstance(number, int) else ""
        labels.append({"number": number, "name": category.get("name"), "color": color})
    text = json.dumps({"version": "1.0", "labels": labels, "rebuilt_from": export})
    return check_label_set(text.encode())


def with_spellings(labels: LabelSet, numbers: Mapping[str, int]) -> LabelSet:
    """The set in which each spelling belongs to the label with that number.

    If a label's own name belongs to another label, the first was merged into the second. Any other
    spelling is a former name. Raises InvalidDocument if the result is no valid label set.
    """
    former: dict[int, list[str]] = {}
    into: dict[int, int] = {}
    for name, number in numbers.items():
        label = labels.named(name)
        if label is None:
            former.setdefault(number, []).append(name)
        elif label.number != number:
            into[label.number] = number
    found = labels.having(
        label.model_copy(
            update={
                "former": tuple(former.pop(label.number, ())),
                "merged_into": into.get(label.number),
            }
        )
        for label in labels.labels
    )
    for problem in [*problems(found), *(f"there is no number {number}" for number in former)]:
        raise InvalidDocument(problem)
    return found
