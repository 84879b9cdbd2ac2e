"""The contract of the Store where several use it at once."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from labeler.errors import NotFound, VersionConflict
from labeler.settings import Location
from labeler.storage import Store, Version, open_store

from .support import create, together


def create_as(store: Store, key: str, who: int) -> Version:
    return create(store, key, bytes([who]), by=str(who))


def replace_as(store: Store, key: str, version: Version, who: int) -> Version:
    return store.write(key, bytes([who]), replaces=version)


class ManyContract:
    """Several users of one store at once."""

    def test_writes_are_visible_to_every_other_store(
        self, store: Store, location: Location
    ) -> None:
        other = open_store(location)
        version = create(store, "a", b"1", by="ana")
        assert other.read("a")[1] == store.info("a")
        version = other.write("a", b"2", replaces=version, metadata={"by": "ben"})
        assert store.read("a") == (b"2", other.info("a"))
        assert store.list() == other.list()
        with pytest.raises(VersionConflict):
            create(other, "a")
        store.delete("a", version=version)
        with pytest.raises(NotFound):
            other.read("a")
        other.close()

    def test_closing_twice_is_harmless(self, location: Location) -> None:
        opened = open_store(location)
        create(opened, "a")
        opened.close()
        opened.close()

    def test_of_many_who_create_exactly_one_wins(self, store: Store) -> None:
        for n in range(5):
            results = together(8, partial(create_as, store, f"a/{n}"))
            won = [i for i, result in enumerate(results) if isinstance(result, str)]
            lost = [result for result in results if isinstance(result, VersionConflict)]
            assert (len(won), len(lost)) == (1, 7), results
            data, info = store.read(f"a/{n}")
            assert data == bytes(won)
            assert info.metadata == {"by": str(won[0])}
            assert info.version == results[won[0]]

    def test_of_many_who_replace_one_state_exactly_one_wins(self, store: Store) -> None:
        version = create(store, "a")
        for _ in range(5):
            results = together(8, partial(replace_as, store, "a", version))
            won = [i for i, result in enumerate(results) if isinstance(result, str)]
            lost = [result for result in results if isinstance(result, VersionConflict)]
            assert (len(won), len(lost)) == (1, 7), results
            data, info = store.read("a")
            assert (data, info.version) == (bytes(won), results[won[0]])
            version = info.version

    def test_of_many_who_delete_exactly_one_wins(self, store: Store) -> None:
        version = create(store, "a")
        results = together(8, lambda _: store.delete("a", version=version))
        assert results.count(None) == 1
        assert all(result is None or isinstance(result, NotFound) for result in results)

    def test_readers_see_whole_states_while_others_write(self, store: Store) -> None:
        version = create(store, "a", b"0" * 5000, n="0")
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                data, info = store.read("a")
                assert data == info.metadata["n"].encode() * 5000
                for state in (store.info("a"), store.list().objects[0]):
                    assert "n" in state.metadata

        def write() -> None:
            latest = version
            try:
                for n in range(60):
                    text = str(n % 10)
                    latest = store.write(
                        "a", text.encode() * 5000, replaces=latest, metadata={"n": text}
                    )
            finally:
                done.set()

        assert together(4, lambda i: write() if i == 0 else read()) == [None] * 4
