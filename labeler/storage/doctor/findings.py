"""The findings of an examination, and the trial that every location has to pass."""

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
    """The severity of a finding: with a fault, boxes or images get lost or can't be saved."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check. `repair` is a shell command; it is empty if none helps."""

    level: Level
    what: str
    why: str = ""
    repair: str = ""


@dataclass(frozen=True, slots=True)
class ExaminedPlace:
    """A location and its use.

    `kept` lists the prefixes of keys that must never be deleted automatically. `replaces` says
    whether objects are replaced there, as documents are and originals are not.
    """

    location: Location
    kept: tuple[str, ...]
    replaces: bool = True


def ok(what: str) -> Finding:
    """A finding without a problem."""
    return Finding(Level.OK, what)


def warning(what: str, why: str, repair: str = "") -> Finding:
    """A problem that somebody should look at, although Labeler works."""
    return Finding(Level.WARNING, what, why, repair)


def fault(what: str, why: str, repair: str = "") -> Finding:
    """A problem that keeps Labeler from working."""
    return Finding(Level.FAULT, what, why, repair)


def probe_key() -> str:
    """A key that no image, document or export has."""
    return f"{PROBE}{secrets.token_hex(8)}"


def try_out(store: Store, key: str, *, repair: str) -> list[Finding]:
    """Findings on whether the store keeps its contract, tested on `key`, which nobody else uses.

    The first step that fails is the last finding, with `repair`; the object may be left then.
    """
    trial = _Trial(store, key)
    findings: list[Finding] = []
    for what, why, step in trial.steps():
        try:
            step()
        except (StoreError, _BrokenError) as error:
            return [*findings, fault(f"Labeler can't {what}: {error}", why, repair)]
        findings.append(ok(f"Labeler can {what}"))
    return findings


class _BrokenError(Exception):
    """The store's answer breaks its contract."""


class _Trial:
    """A trial on one object, from its creation to its removal."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._first = self._second = Version("")

    def steps(self) -> Iterator[tuple[str, str, Callable[[], None]]]:
        """Each step: what it tests, why it matters, and the function that runs it."""
        yield "list objects", "The list of images is made by listing.", self._list
        yield "create objects", "Nothing can be added or saved.", self._create
        yield "read objects", "Documents and images can't be opened.", self._read
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
