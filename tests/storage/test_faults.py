"""Reads, writes and deletes through random faults: what is acknowledged is there, exactly once."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from labeler.errors import NotFound, Unavailable, VersionConflict
from labeler.storage import ABSENT, Replaces, Version, list_all
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer

from .support import together

BUCKET = "faulty"
PASSING = (
    Fault("status", 429),
    Fault("status", 503),
    Fault("status", 500),
    Fault("status", 408),
    Fault("reset"),
    Fault("reset_after"),
    Fault("status_after", 503),
    Fault("delay", seconds=0.01),
    Fault("cut"),
)
LATE_S = 0.06
SLOW = (*PASSING, Fault("delay", seconds=LATE_S), Fault("late", seconds=LATE_S))


@pytest.fixture(scope="module")
def server() -> Iterator[GcsServer]:
    with GcsServer(buckets=[BUCKET]) as running:
        # Old generations are kept, so that the tests see all that ever landed.
        running.bucket(BUCKET).settings["versioning"] = {"enabled": True}
        yield running


@pytest.fixture(autouse=True)
def _to_the_server(server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
    yield
    server.faults.clear()


@dataclass
class Run:
    """One user of the store, and what the store has promised so far."""

    server: GcsServer
    store: GcsStore
    source: random.Random
    place: str
    states: dict[str, tuple[Version, bytes, dict[str, str]]] = field(default_factory=dict)
    landed: dict[str, list[tuple[Version, bytes]]] = field(default_factory=dict)

    def step(self) -> None:
        key = f"{self.place}/{self.source.choice('abc')}"
        choices = [self.read, self.write, self.write, self.delete, self.list, self.read_many]
        self.source.choice(choices)(key)

    def read(self, key: str) -> None:
        if key not in self.states:
            with pytest.raises(NotFound):
                self.store.read(key)
            return
        data, info = self.store.read(key)
        assert (info.version, data, info.metadata) == self.states[key]

    def write(self, key: str) -> None:
        data, metadata = self.source.randbytes(300), {"n": str(self.source.random())}
        replaces: Replaces = self.states[key][0] if key in self.states else ABSENT
        version = self.store.write(key, data, replaces=replaces, metadata=metadata)
        self.states[key] = (version, data, metadata)
        self.landed.setdefault(key, []).append((version, data))

    def delete(self, key: str) -> None:
        if key not in self.states:
            with pytest.raises(NotFound):
                self.store.delete(key, version=Version("1"))
            return
        self.store.delete(key, version=self.states.pop(key)[0])

    def list(self, _: str) -> None:
        found = {info.key: (info.version, info.metadata) for info in list_all(self.store)}
        mine = {key: what for key, what in found.items() if key.startswith(f"{self.place}/")}
        assert mine == {key: (v, metadata) for key, (v, _, metadata) in self.states.items()}

    def read_many(self, _: str) -> None:
        keys = [f"{self.place}/{name}" for name in "cabx"]
        found = {key: (version, data) for key, data, version in self.store.read_many(keys)}
        assert found == {key: (v, data) for key, (v, data, _) in self.states.items()}
        assert list(found) == [key for key in keys if key in found]

    def check(self) -> None:
        """What the server holds of every key, old states too, is what was acknowledged."""
        for name in "abc":
            key = f"{self.place}/{name}"
            assert all_states(self.server, key) == self.landed.get(key, [])
        self.list("")


def all_states(server: GcsServer, key: str) -> list[tuple[Version, bytes]]:
    with server.lock:
        kept = server.bucket(BUCKET).versions(key)
        return [(Version(str(one.generation)), one.data) for one in kept]


@pytest.mark.parametrize("seeds", [range(at, at + 20) for at in range(0, 160, 20)], ids=str)
def test_no_fault_that_passes_is_seen(server: GcsServer, seeds: range) -> None:
    """Every call does what it says, and each write lands once, whatever happened on its way."""
    store = GcsStore(BUCKET, "", timeout_s=20, first_delay_s=0.002)
    for seed in seeds:
        run = Run(server, store, random.Random(seed), f"passing-{seed}")
        server.faults.storm(seed, 0.25, PASSING)
        for _ in range(12):
            run.step()
        server.faults.clear()
        run.check()
    store.close()


@pytest.mark.parametrize("seeds", [range(at, at + 10) for at in range(0, 40, 10)], ids=str)
def test_what_is_not_acknowledged_is_whole_or_nothing(server: GcsServer, seeds: range) -> None:
    """Faults that outlast the retries, and requests that arrive when they are given up."""
    store = GcsStore(BUCKET, "", timeout_s=0.1, first_delay_s=0.01)
    refused = 0
    for seed in seeds:
        key = f"outlasting/{seed}"
        source = random.Random(seed)
        server.faults.storm(seed, 0.6, SLOW)
        acknowledged: list[tuple[Version, bytes]] = []
        tried: list[bytes] = []
        replaces: Replaces = ABSENT
        for _ in range(6):
            data = source.randbytes(200)
            try:
                replaces = store.write(key, data, replaces=replaces)
                acknowledged.append((replaces, data))
            except (Unavailable, VersionConflict):
                refused += 1
                tried.append(data)
                replaces = seen(store, key) or replaces
        server.faults.clear()
        time.sleep(LATE_S)
        landed = all_states(server, key)
        assert set(acknowledged) <= set(landed)
        assert {data for _, data in landed} <= {data for _, data in acknowledged} | set(tried)
        assert len(landed) == len({data for _, data in landed}), "one write landed twice"
    assert refused
    store.close()


def seen(store: GcsStore, key: str) -> Version | None:
    """The version of what is there, as far as the store can be reached."""
    try:
        return store.info(key).version
    except (Unavailable, NotFound):
        return None


@pytest.mark.parametrize("seeds", [range(at, at + 10) for at in range(0, 40, 10)], ids=str)
def test_writers_who_merge_lose_nothing(server: GcsServer, seeds: range) -> None:
    """A conflict may hide that one's own write landed and was replaced; merging repairs that."""
    store = GcsStore(BUCKET, "", timeout_s=20, first_delay_s=0.002)
    for seed in seeds:
        key = f"merged/{seed}"
        server.faults.storm(seed, 0.25, PASSING)
        together(3, partial(merge_in, store, key))
        server.faults.clear()
        expected = [f"w{who}/{number}" for who in range(3) for number in range(3)]
        assert json.loads(store.read(key)[0]) == expected
    store.close()


def merge_in(store: GcsStore, key: str, who: int) -> None:
    """Save three entries, one after the other, each merged with what is there."""
    for number in range(3):
        while True:
            replaces: Replaces = ABSENT
            there: list[str] = []
            with contextlib.suppress(NotFound):
                data, info = store.read(key)
                there, replaces = json.loads(data), info.version
            try:
                merged = sorted({*there, f"w{who}/{number}"})
                store.write(key, json.dumps(merged).encode(), replaces=replaces)
                break
            except VersionConflict:
                continue
