"""The trial that every store has to stand."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest

from labeler.errors import Unavailable
from labeler.storage import ABSENT, Page, Replaces, Version
from labeler.storage.doctor import Level
from labeler.storage.doctor.findings import try_out
from labeler.storage.local import LocalStore
from tests.storage.doctor.support import bad, only


class Broken:
    """A store that breaks one promise."""

    def __init__(self, root: Path, promise: str) -> None:
        self._store = LocalStore(root)
        self._promise = promise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        if self._promise == "unavailable":
            raise Unavailable("The store does not answer.")
        page = self._store.list(prefix, after=after, limit=limit)
        return Page((), None) if self._promise == "list" else page

    def read(self, key: str) -> Any:
        data, info = self._store.read(key)
        return (data + b"!", info) if self._promise == "read" else (data, info)

    def write(self, key: str, data: bytes, *, replaces: Replaces) -> Version:
        forced = {"create": replaces is ABSENT, "replace": replaces is not ABSENT}
        if forced.get(self._promise):
            with contextlib.suppress(Exception):
                replaces = self._store.info(key).version
        return self._store.write(key, data, replaces=replaces)

    def delete(self, key: str, *, version: Version) -> None:
        if self._promise == "stale delete":
            version = self._store.info(key).version
        if self._promise != "delete" or version != self._store.info(key).version:
            self._store.delete(key, version=version)


@pytest.mark.parametrize(
    ("promise", "told"),
    [
        ("unavailable", "Labeler can't list objects: The store does not answer."),
        ("list", "missing in the listing"),
        ("read", "not what was written"),
        ("create", "a second create was taken"),
        ("replace", "named an old version was taken"),
        ("stale delete", "a delete that named an old version was taken"),
        ("delete", "still there"),
    ],
)
def test_a_broken_promise_is_a_fault(tmp_path: Path, promise: str, told: str) -> None:
    store: Any = Broken(tmp_path, promise)
    findings = try_out(store, "key", repair="use another")
    found = only(findings)
    assert found is findings[-1]
    assert found.level is Level.FAULT
    assert told in found.what
    assert found.why
    assert found.repair == "use another"


def test_a_store_that_keeps_its_promises_passes(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert bad(try_out(store, "key", repair="")) == []
    assert store.list().objects == ()
    store.close()
