"""Reads: damage, cut connections, states that meet; and what a listing shows."""

from __future__ import annotations

import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from labeler.errors import DamagedObject, NotFound, StoreError, Unavailable
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer

from ..support import MIB, create, keys
from .support import CALLS, put, read_all, wait_for


@pytest.mark.parametrize("name", ["read", "read_many"])
def test_damaged_bytes_are_read_once_more(server: GcsServer, store: GcsStore, name: str) -> None:
    create(store, "a", b"12345")
    for times, damaged in ((1, False), (2, True)):
        server.faults.add(Fault("garble"), path="alt=media", times=times)
        if damaged:
            with pytest.raises(DamagedObject):
                CALLS[name](store)
        else:
            CALLS[name](store)
    assert store.read("a")[0] == b"12345"


def test_a_damaged_stream_ends_in_an_error(server: GcsServer, store: GcsStore) -> None:
    create(store, "a", b"12345")
    server.faults.add(Fault("garble"), path="alt=media")
    with pytest.raises(DamagedObject):
        read_all(store, "a")


@pytest.mark.parametrize("late", ["alt=media", "^/storage/"], ids=["bytes", "info"])
def test_bytes_and_info_are_of_one_state(server: GcsServer, store: GcsStore, late: str) -> None:
    """One of the two is answered before another's write, the other after it."""
    version = create(store, "a", b"old", n="old")
    written = threading.Event()
    server.faults.add(Fault("late", until=written), method="GET", path=late)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.read, "a")
        wait_for(server, 1)
        store.write("a", b"new", replaces=version, metadata={"n": "new"})
        written.set()
        data, info = reading.result()
    assert data.decode() == info.metadata["n"]


def test_a_cut_stream_is_taken_up_where_it_ended(server: GcsServer, store: GcsStore) -> None:
    data = b"".join(b"%07d\n" % number for number in range(400_000))
    create(store, "a", data)
    server.faults.add(Fault("cut"), path="alt=media", times=3)
    assert read_all(store, "a") == data
    begun = [
        int(match[1])
        for request in server.requests
        if (match := re.match(r"bytes=(\d+)-", request.headers.get("range", "")))
    ]
    assert len(begun) == 3
    assert 0 < begun[0] < begun[1] < begun[2]


def test_a_cut_stream_whose_object_was_replaced_is_not_mixed(
    server: GcsServer, store: GcsStore
) -> None:
    version = create(store, "a", b"1" * 3 * MIB)
    server.faults.add(Fault("cut"), path="alt=media")
    with store.open("a") as chunks:
        assert next(chunks)[:1] == b"1"
        store.write("a", b"2" * 3 * MIB, replaces=version)
        with pytest.raises(Unavailable, match="replaced while it was read"):
            list(chunks)


def test_a_stream_without_progress_is_given_up(server: GcsServer, hasty: GcsStore) -> None:
    with pytest.raises(StoreError), hasty.open("a"):
        pass
    put(server, "p/a", b"1" * 3 * MIB)
    server.faults.add(Fault("cut"), path="alt=media")
    with hasty.open("a") as chunks:
        server.faults.add(Fault("status", 503), path="alt=media", times=-1)
        with pytest.raises(Unavailable):
            list(chunks)


def test_what_was_stored_packed_is_read_as_stored(server: GcsServer, store: GcsStore) -> None:
    put(server, "p/a", b"\x1f\x8b packed", content_encoding="gzip")
    assert store.read("a")[0] == read_all(store, "a") == b"\x1f\x8b packed"
    assert [data for _, data, _ in store.read_many(["a"])] == [b"\x1f\x8b packed"]


def test_many_may_be_left_early_and_asked_again(store: GcsStore) -> None:
    names = [f"n{number:03d}" for number in range(300)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: create(store, name, name.encode()), names))
    for _ in range(3):
        found = store.read_many(names)
        assert next(found)[1] == b"n000"
        found.close()  # type: ignore[attr-defined]
    assert [data.decode() for _, data, _ in store.read_many(names)] == names


def test_a_store_may_be_closed_while_many_are_read(server: GcsServer, store: GcsStore) -> None:
    for number in range(100):
        put(server, f"p/{number:03d}")
    server.added_ms = 50
    found = store.read_many(f"{number:03d}" for number in range(100))
    next(found)
    store.close()
    found.close()  # type: ignore[attr-defined]


def test_large_objects_are_not_read_far_ahead(server: GcsServer, store: GcsStore) -> None:
    for number in range(200):
        put(server, f"p/{number:03d}", b"1" * MIB)
    found = store.read_many(f"{number:03d}" for number in range(200))
    next(found)
    time.sleep(0.5)
    asked = sum("alt=media" in request.query_text for request in server.requests)
    assert asked <= 64 + 32
    assert sum(1 for _ in found) == 199


def test_many_are_read_by_several_threads_at_once(store: GcsStore) -> None:
    names = [f"n{number:03d}" for number in range(100)]
    for name in names:
        create(store, name, name.encode())
    with ThreadPoolExecutor(8) as pool:
        for found in pool.map(lambda _: [key for key, _, _ in store.read_many(names)], range(16)):
            assert found == names


# --- listing ------------------------------------------------------------------------------


def test_names_that_are_no_keys_are_left_out(server: GcsServer, store: GcsStore) -> None:
    for name in ("p/", "p/folder/", "p/a//b", "p/../x", "p/e\u0301", "p/tab\tx", "p/.labeler/x",
                 "px", "q/x"):  # fmt: skip
        put(server, name)
    create(store, "folder/file")
    assert keys(store) == ["folder/file"]


def test_a_page_of_nothing_but_placeholders_is_not_the_end(
    server: GcsServer, store: GcsStore
) -> None:
    for number in range(1500):
        put(server, f"p/{number:04d}/")
    create(store, "z")
    assert store.list(limit=1000).objects[0].key == "z"
    assert keys(store) == ["z"]
    assert [info.key for info in store.list("", after="0700/", limit=5).objects] == ["z"]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_placeholders_between_objects_hide_none(
    server: GcsServer, store: GcsStore, limit: int
) -> None:
    expected = []
    for name in ("a", "b/", "c/", "c/d", "e/", "e/f", "g/", "h/"):
        put(server, f"p/{name}")
        expected += [] if name.endswith("/") else [name]
    found: list[str] = []
    after: str | None = ""
    while after is not None:
        page = store.list(after=after, limit=limit)
        assert page.objects or page.next is None
        found += [info.key for info in page.objects]
        after = page.next
    assert found == expected


def test_a_listing_asks_only_for_what_it_shows(server: GcsServer, store: GcsStore) -> None:
    create(store, "a")
    store.list()
    assert "items(name,generation" in server.requests[-1].query["fields"]


def test_the_place_is_named_in_messages(server: GcsServer, store: GcsStore) -> None:
    with pytest.raises(NotFound, match="gs://labels/p"):
        store.read("a")
