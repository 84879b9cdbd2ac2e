"""The Store beside a dict: any run of operations ends in the same state."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from labeler.errors import NotFound, VersionConflict
from labeler.storage import ABSENT, ObjectInfo, Store, Version, list_all

from .support import NOBODYS, in_byte_order

KEYS = st.sampled_from(["x", "x.json", "d/x", "d/😀", "d/e/x", "d/e.x"])
METADATA = st.dictionaries(
    st.text("abz09_-", min_size=1, max_size=5),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=3,
)
STEPS = st.one_of(
    st.tuples(st.just("create"), KEYS, st.binary(max_size=20), METADATA),
    st.tuples(st.just("replace"), KEYS, st.binary(max_size=20), METADATA),
    st.tuples(st.just("stale"), KEYS, st.binary(max_size=20), METADATA),
    st.tuples(st.just("describe"), KEYS, METADATA),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("list"), st.sampled_from(["", "x", "d", "d/", "d/e", "e"]),
              st.sampled_from(["", "d/e", "d/e/x", "x"]), st.integers(1, 4)),
)  # fmt: skip
_examples = itertools.count()


class ModelContract:
    """Any run of operations does what a dict would."""

    removes_metadata = True
    """Whether new metadata removes what it lacks; else that stays, without a text."""

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(steps=st.lists(STEPS, max_size=25))
    def test_any_run_of_operations_matches_a_dict(
        self, store: Store, steps: list[tuple[Any, ...]]
    ) -> None:
        model = Model(store, f"{next(_examples)}/", removes_metadata=self.removes_metadata)
        for name, *arguments in steps:
            getattr(model, name)(*arguments)
        model.check()


class Model:
    """A dict beside the store below `prefix`, compared at each step."""

    def __init__(self, store: Store, prefix: str, *, removes_metadata: bool) -> None:
        self.store = store
        self.prefix = prefix
        self.removes_metadata = removes_metadata
        self.states: dict[str, tuple[Version, bytes, dict[str, str]]] = {}
        self.past: dict[str, list[Version]] = {}

    def create(self, key: str, data: bytes, metadata: dict[str, str]) -> None:
        if key in self.states:
            with pytest.raises(VersionConflict):
                self.write(key, data, metadata, ABSENT)
        else:
            self.write(key, data, metadata, ABSENT)

    def replace(self, key: str, data: bytes, metadata: dict[str, str]) -> None:
        if key in self.states:
            self.write(key, data, metadata, self.states[key][0])

    def stale(self, key: str, data: bytes, metadata: dict[str, str]) -> None:
        for version in self.past.get(key, [])[-3:]:
            if key not in self.states or version != self.states[key][0]:
                with pytest.raises(VersionConflict):
                    self.write(key, data, metadata, version)
                error = VersionConflict if key in self.states else NotFound
                with pytest.raises(error):
                    self.store.delete(self.prefix + key, version=version)

    def write(self, key: str, data: bytes, metadata: dict[str, str], replaces: Any) -> None:
        full = self.prefix + key
        version = self.store.write(full, data, replaces=replaces, metadata=metadata)
        assert version not in self.past.get(key, [])
        self.past.setdefault(key, []).append(version)
        self.states[key] = (version, data, metadata)

    def describe(self, key: str, metadata: dict[str, str]) -> None:
        full = self.prefix + key
        if key in self.states:
            version, data, before = self.states[key]
            self.store.set_metadata(full, metadata, version=version)
            left = {} if self.removes_metadata else dict.fromkeys(before, "")
            self.states[key] = (version, data, left | metadata)
        for version in self.past.get(key, [])[-3:]:
            if key not in self.states or version != self.states[key][0]:
                error = VersionConflict if key in self.states else NotFound
                with pytest.raises(error):
                    self.store.set_metadata(full, {"a": "stale"}, version=version)

    def delete(self, key: str) -> None:
        if key in self.states:
            self.store.delete(self.prefix + key, version=self.states.pop(key)[0])
        else:
            with pytest.raises(NotFound):
                self.store.delete(self.prefix + key, version=NOBODYS)

    def list(self, prefix: str, after: str, limit: int) -> None:
        page = self.store.list(self.prefix + prefix, after=self.prefix + after, limit=limit)
        expected = [
            key
            for key in in_byte_order(self.states)
            if key.startswith(prefix) and key.encode() > after.encode()
        ]
        assert [info.key for info in page.objects] == [
            self.prefix + key for key in expected[:limit]
        ]
        assert (page.next is None) == (len(expected) <= limit)

    def check(self) -> None:
        infos = list(list_all(self.store, self.prefix))
        assert [info.key for info in infos] == [
            self.prefix + key for key in in_byte_order(self.states)
        ]
        for info in infos:
            self._check_one(info)

    def _check_one(self, info: ObjectInfo) -> None:
        version, data, metadata = self.states[info.key.removeprefix(self.prefix)]
        assert (info.version, info.size, info.metadata) == (version, len(data), metadata)
        assert self.store.read(info.key) == (data, info)
