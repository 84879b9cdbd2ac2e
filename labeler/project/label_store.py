"""The label set in the store: read, and changed without losing anybody's edit.

labels.json is written by naming the state that it replaces. Who comes second reads again and
makes the same edit on what is there then: edits of two admins are both kept, and one that no
longer makes sense is refused. The object is lost only where somebody deletes it; exports still
name the labels then, and the set is made from the newest one, for a number that was given must
never mean another label.

The first labels of a project are those of the settings. Each process may have others, so they are
stored before anybody sees them: the first process wins, and all show its labels.
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
from labeler.storage import ABSENT, Replaces, Store, Version, list_all

logger = logging.getLogger(__name__)

_CATEGORIES: Final = re.compile(rb'(?<!\\)"categories"\s*:\s*(?=\[)')
_OVERLAP: Final = 64
_MOST_BYTES: Final = 16 * 2**20

LabelEdit = Callable[[LabelSet], LabelSet]


@dataclass(frozen=True, slots=True)
class _First:
    """The labels of a project that has none stored; `exported` where an export has named some."""

    labels: LabelSet
    exported: bool


class LabelStore:
    """The label set of one store. `seed` are the labels of a project that never had any."""

    def __init__(self, store: Store, seed: Iterable[str]) -> None:
        self._store = store
        self._seed = tuple(seed)
        self._first: _First | None = None
        self._told = False

    def read(self) -> LabelSet:
        """The project's labels as they are now; DamagedDocument, StoreError."""
        return self.opened()[0]

    def opened(self) -> tuple[LabelSet, Replaces]:
        """The labels, and the state that a write has to name. The first ones are stored.

        The state is ABSENT where labels that were lost are taken from an export, and in a store
        that refuses writes: it is still read, and the log says once that its labels are nowhere.
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
        """What `opened` would give; nothing is written."""
        labels, replaces, _ = self._found()
        return labels, replaces

    def edit(self, edit: LabelEdit) -> LabelSet:
        """The label set after `edit`, stored; it is made on the newest set, perhaps repeatedly.

        Raises what `edit` raises; nothing is changed then. Nothing is written where it changes
        nothing, but for the first labels of a project.
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
        """The label set with these labels, stored; InvalidDocument for what is no label."""
        wanted = list(names)
        return self.edit(lambda labels: labels.added(wanted))

    def write(self, labels: LabelSet, replaces: Replaces) -> Version:
        """Store `labels` in place of the named state; VersionConflict changes nothing."""
        self._first = None
        return self._store.write(
            LABELS_KEY, dump_label_set(labels), replaces=replaces, content_type="application/json"
        )

    def _found(self) -> tuple[LabelSet, Replaces, bool]:
        """The labels, their state, and whether nothing but the settings names them."""
        try:
            data, info = self._store.read(LABELS_KEY)
        except NotFound:
            # Looked for once: the first export of a project stores the labels before itself.
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

    def _made_first(self) -> _First:
        """The labels of the newest export whose labels can be read, else the seed."""
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
            return _First(labels, exported=True)
        return _First(LabelSet().added(self._seed), exported=bool(exports))

    def _counting_as_then(self, labels: LabelSet, key: str) -> LabelSet:
        """The labels with what their former names and merges were when the export was made."""
        try:
            with self._store.open(manifest_key(key)) as chunks:
                names = json.loads(_first_line(chunks))["names"]
            return with_spellings(labels, {str(name): int(names[name]) for name in names})
        except (NotFound, InvalidDocument, ValueError, KeyError, TypeError) as error:
            logger.warning("%s tells no former names: %s", key, type(error).__name__)
            return labels


def _first_line(chunks: Iterable[bytes]) -> bytes:
    """What stands before the first line end, of which only that is held in memory."""
    line = b""
    for chunk in chunks:
        start, end, _ = chunk.partition(b"\n")
        line += start
        if end or len(line) > _MOST_BYTES:
            break
    return line


def coco_categories(chunks: Iterable[bytes]) -> list[Any]:
    """The value of "categories" in a COCO file, of which only that part is held in memory.

    Raises DamagedDocument where there is none that can be read.
    """
    rest = b""
    found = False
    for chunk in chunks:
        rest += chunk
        if not found:
            # In a string a quote has a backslash before it: this is the key itself.
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
    """The label set that the categories of that export tell; colors follow the numbers.

    Raises InvalidDocument where they are not what we export.
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
    """The set in which each spelling counts as the label of that number.

    A label's own name that counts as another one: it was merged into that. Any other spelling is
    a former name. Raises InvalidDocument where that makes no label set.
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
