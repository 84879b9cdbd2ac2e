"""What an examination finds, and the trial that every place has to stand."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from labeler.errors import NotFound, StoreError, VersionConflict
from labeler.settings import Location
from labeler.storage.base import ABSENT, Store, Version, list_all

PROBE: Final = "labeler-doctor-"
"""How the names of everything begin that an examination makes for a moment."""


class Level(StrEnum):
    """How bad a finding is: with a fault, boxes or pictures get lost or can't be saved at all."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` is a command for a shell, empty where none helps."""

    level: Level
    what: str
    why: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class ExaminedPlace:
    """A location and what it is for.

    `kept` says how the keys begin that must never vanish by themselves; `replaces` is whether
    objects are replaced there, as documents are and originals are not.
    """

    location: Location
    kept: tuple[str, ...]
    replaces: bool = True


def ok(what: str) -> Finding:
    """A finding that nothing is wrong with."""
    return Finding(Level.OK, what)


def warning(what: str, why: str, mend: str = "") -> Finding:
    """A finding that somebody should look at; Labeler works."""
    return Finding(Level.WARNING, what, why, mend)


def fault(what: str, why: str, mend: str = "") -> Finding:
    """A finding with which Labeler does not work."""
    return Finding(Level.FAULT, what, why, mend)


def probe_key() -> str:
    """A key that nothing else has: no image, no document, no export."""
    return f"{PROBE}{secrets.token_hex(8)}"


def try_out(store: Store, key: str, *, mend: str) -> list[Finding]:
    """Whether the store keeps its contract on the object `key`, which nobody else uses.

    The first thing that fails is the last finding, with `mend`; the object may be left then.
    """
    trial = _Trial(store, key)
    findings: list[Finding] = []
    for what, why, step in trial.steps():
        try:
            step()
        except (StoreError, _BrokenError) as error:
            return [*findings, fault(f"Labeler can't {what}: {error}", why, mend)]
        findings.append(ok(f"Labeler can {what}"))
    return findings


class _BrokenError(Exception):
    """The store answered, but not what its contract says."""


class _Trial:
    """One object on its way from created to deleted."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._first = self._second = Version("")

    def steps(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """What is tried, why it matters, and the trial itself."""
        yield "list objects", "The list of images is made by listing.", self._list
        yield "create objects", "Nothing can be added or saved.", self._create
        yield "read objects", "Documents and pictures can't be opened.", self._read
        yield (
            "keep what is there from being created again",
            "Of two people who add one image, the second would wipe out the boxes of the first.",
            self._create_again,
        )
        yield "replace objects", "Every save replaces a document.", self._replace
        yield (
            "keep a newer state from being replaced by a stale one",
            "Of two people who save at once, one would wipe out the boxes of the other.",
            self._replace_stale,
        )
        yield "delete objects", "Replacing needs the same right.", self._delete

    def _list(self) -> None:
        self._store.list(limit=1)

    def _create(self) -> None:
        self._first = self._store.write(self._key, b"first", replaces=ABSENT)

    def _read(self) -> None:
        self._expect(b"first", self._first)
        if self._key not in [info.key for info in list_all(self._store, self._key)]:
            raise _BrokenError("a new object is missing in the listing.")

    def _create_again(self) -> None:
        try:
            self._store.write(self._key, b"again", replaces=ABSENT)
        except VersionConflict:
            self._expect(b"first", self._first)
        else:
            raise _BrokenError("a second create was taken.")

    def _replace(self) -> None:
        self._second = self._store.write(self._key, b"second", replaces=self._first)
        self._expect(b"second", self._second)

    def _replace_stale(self) -> None:
        try:
            self._store.write(self._key, b"stale", replaces=self._first)
        except VersionConflict:
            self._expect(b"second", self._second)
        else:
            raise _BrokenError("a write that named an old version was taken.")

    def _delete(self) -> None:
        try:
            self._store.delete(self._key, version=self._first)
        except VersionConflict:
            self._store.delete(self._key, version=self._second)
        else:
            raise _BrokenError("a delete that named an old version was taken.")
        try:
            self._store.read(self._key)
        except NotFound:
            return
        raise _BrokenError("a deleted object is still there.")

    def _expect(self, data: bytes, version: Version) -> None:
        found, info = self._store.read(self._key)
        if found != data or info.version != version:
            raise _BrokenError("what was read is not what was written.")
