"""Writes and deletes: lost answers, others' writes, damage on the way, metadata."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from labeler.errors import NotFound, VersionConflict
from labeler.storage import ABSENT, Version, list_all
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer

from ..support import create
from .support import BUCKET, LARGE, put, versions, wait_for

KMS_KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"


def test_every_change_names_what_it_replaces(server: GcsServer, store: GcsStore) -> None:
    version = create(store, "a", b"1")
    version = store.write("a", b"1" * LARGE, replaces=version)
    store.delete("a", version=version)
    changes = [
        request
        for request in server.requests
        if request.method != "GET" and "upload_id" not in request.query
    ]
    assert len(changes) == 3
    assert all("ifGenerationMatch" in request.query for request in changes)


@pytest.mark.parametrize("size", [10, LARGE], ids=["small", "large"])
def test_the_kms_key_is_passed_on_every_write(server: GcsServer, size: int) -> None:
    store = GcsStore(BUCKET, "", timeout_s=10, kms_key=KMS_KEY)
    version = create(store, "a", b"1" * size)
    store.write("a", b"2" * size, replaces=version)
    store.close()
    assert server.bucket(BUCKET).live["a"].kms_key == KMS_KEY


@pytest.mark.parametrize("text", ["0", "", "abc", "-1", "+5", "01", "1.0", "9" * 30, "٣", "1\n"])
def test_what_is_no_generation_is_a_conflict(server: GcsServer, store: GcsStore, text: str) -> None:
    with pytest.raises(VersionConflict):
        store.write("new", b"1", replaces=Version(text))
    create(store, "a", b"1")
    with pytest.raises(VersionConflict):
        store.write("a", b"2", replaces=Version(text))
    with pytest.raises(VersionConflict):
        store.delete("a", version=Version(text))
    assert [(info.key, info.size) for info in list_all(store)] == [("a", 1)]


@pytest.mark.parametrize("size", [10, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("kind", ["reset_after", "status_after", "cut"])
def test_a_landed_write_whose_answer_was_lost_is_ones_own(
    server: GcsServer, store: GcsStore, size: int, kind: Any
) -> None:
    server.bucket(BUCKET).settings["versioning"] = {"enabled": True}
    first = create(store, "a", b"0")
    # The request that lands: the only one of a small object, the last of a large one.
    method, skip = ("POST", 0) if size < LARGE else ("PUT", 1)
    server.faults.add(Fault(kind), method=method, path="/upload/", skip=skip)
    second = store.write("a", b"1" * size, replaces=first, metadata={"n": "1"})
    data, info = store.read("a")
    assert (data, info.version, info.metadata) == (b"1" * size, second, {"n": "1"})
    assert versions(server, "a") == [b"0", b"1" * size]
    assert server.faults.met == 1


def test_anothers_identical_write_is_not_ones_own(server: GcsServer, store: GcsStore) -> None:
    """Same bytes and metadata, but the other knows nothing of ours: it is a conflict."""
    server.bucket(BUCKET).settings["versioning"] = {"enabled": True}
    other = GcsStore(BUCKET, "p", timeout_s=10)
    # Our first try is lost on its way, the second is held up until the other has written.
    server.faults.add(Fault("reset"), method="POST")
    written = threading.Event()
    server.faults.add(Fault("late", until=written), method="POST")
    with ThreadPoolExecutor(1) as pool:
        ours = pool.submit(create, store, "a", b"same", n="1")
        wait_for(server, 2)
        theirs = create(other, "a", b"same", n="1")
        written.set()
        with pytest.raises(VersionConflict):
            ours.result()
    assert store.info("a").version == theirs
    assert versions(server, "a") == [b"same"]
    other.close()


def test_a_landed_write_that_was_replaced_is_a_conflict(server: GcsServer, store: GcsStore) -> None:
    """Nobody can tell any more; the other's state stays, and whoever merges loses nothing."""
    server.bucket(BUCKET).settings["versioning"] = {"enabled": True}
    other = GcsStore(BUCKET, "p", timeout_s=10)
    server.faults.add(Fault("reset_after"), method="POST")
    written = threading.Event()
    server.faults.add(Fault("late", until=written), method="POST")
    with ThreadPoolExecutor(1) as pool:
        ours = pool.submit(store.write, "a", b"ours", replaces=ABSENT)
        wait_for(server, 2)
        other.write("a", b"theirs", replaces=other.info("a").version)
        written.set()
        with pytest.raises(VersionConflict):
            ours.result()
    assert versions(server, "a") == [b"ours", b"theirs"]
    other.close()


def test_a_delete_whose_answer_was_lost_has_landed(server: GcsServer, store: GcsStore) -> None:
    version = create(store, "a", b"1")
    server.faults.add(Fault("reset_after"), method="DELETE")
    store.delete("a", version=version)
    with pytest.raises(NotFound):
        store.info("a")


@pytest.mark.parametrize("status", [404, 410])
def test_an_upload_that_the_service_has_lost_begins_anew(
    server: GcsServer, store: GcsStore, status: int
) -> None:
    server.faults.add(Fault("status", status), method="PUT", skip=1)
    create(store, "a", b"1" * LARGE)
    assert store.read("a")[0] == b"1" * LARGE


@pytest.mark.parametrize("size", [10, LARGE], ids=["small", "large"])
def test_bytes_damaged_on_their_way_are_sent_again(
    server: GcsServer, store: GcsStore, size: int
) -> None:
    method = "POST" if size < LARGE else "PUT"
    server.faults.add(Fault("spoil"), method=method, path="/upload/", times=2)
    create(store, "a", b"1" * size)
    assert store.read("a")[0] == b"1" * size
    assert server.faults.met == 2


# --- metadata -----------------------------------------------------------------------------


def test_metadata_is_ascii_on_the_wire_and_without_the_write_id(
    server: GcsServer, store: GcsStore
) -> None:
    given = {"name": "Straße 街景 100%.jpg", "cjk": "街" * 500, "plain": "a b", "empty": ""}
    create(store, "a", b"1", **given)
    kept = server.bucket(BUCKET).live["p/a"].metadata
    assert all(value.isascii() and value.isprintable() for value in kept.values())
    assert kept.keys() > given.keys()
    assert store.info("a").metadata == store.read("a")[1].metadata == given
    assert store.list().objects[0].metadata == given


def test_another_programs_metadata_is_shown_as_it_is(server: GcsServer, store: GcsStore) -> None:
    theirs = {"Percent": "100%25", "packed": "%=YQ==", "broken": "%E4%", "text": "街"}
    put(server, "p/a", metadata=theirs)
    assert store.info("a").metadata == store.list().objects[0].metadata == theirs


def test_metadata_that_another_program_changed_is_no_failure(
    server: GcsServer, store: GcsStore
) -> None:
    create(store, "a", b"1", one="1", two="2", three="3", four="ä")
    kept = server.bucket(BUCKET).live["p/a"].metadata
    kept.update(one="%E4", two="%=!", three="%=5A==", extra="%zz")
    assert store.info("a").metadata == {
        "one": "%E4", "two": "%=!", "three": "%=5A==", "four": "ä", "extra": "%zz",
    }  # fmt: skip
