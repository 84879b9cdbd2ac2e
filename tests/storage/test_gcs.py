"""What is particular to Cloud Storage: credentials, refusals, lost answers, damaged bytes."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from labeler.errors import (
    DamagedObject,
    NotAllowed,
    NotFound,
    StoreError,
    Unavailable,
    VersionConflict,
)
from labeler.storage import ABSENT, Store, Version, list_all
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer, StoredObject
from tests.gcs_server.model import Conditions

from .support import MIB, create, keys

BUCKET = "labels"
KMS_KEY = "projects/p/locations/l/keyRings/r/cryptoKeys/k"
LARGE = 9 * MIB
"""More than one request holds: a resumable upload."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(buckets=[BUCKET]) as running:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", running.url)
        yield running


@pytest.fixture
def store(server: GcsServer) -> Iterator[GcsStore]:
    opened = GcsStore(BUCKET, "p", timeout_s=10, first_delay_s=0.002)
    yield opened
    opened.close()


@pytest.fixture
def hasty() -> Iterator[GcsStore]:
    """Gives up soon."""
    opened = GcsStore(BUCKET, "p", timeout_s=0.3, first_delay_s=0.01)
    yield opened
    opened.close()


def put(server: GcsServer, name: str, data: bytes = b"", **fields: Any) -> StoredObject:
    """What another program writes, without our store."""
    made = StoredObject(BUCKET, name, data, 0, "text/plain", **fields)
    with server.lock:
        return server.bucket(BUCKET).put(made, Conditions(), 0)


def wait_for(server: GcsServer, faults: int) -> None:
    """Until so many requests have met a fault."""
    while server.faults.met < faults:
        time.sleep(0.005)


def versions(server: GcsServer, key: str) -> list[bytes]:
    """The bytes of all that ever landed, where versioning is on."""
    with server.lock:
        return [one.data for one in server.bucket(BUCKET).versions(f"p/{key}")]


def read_all(store: Store, key: str) -> bytes:
    with store.open(key) as chunks:
        return b"".join(chunks)


CALLS: dict[str, Callable[[GcsStore], object]] = {
    "read": lambda store: store.read("a"),
    "read_many": lambda store: list(store.read_many(["a"])),
    "info": lambda store: store.info("a"),
    "open": lambda store: read_all(store, "a"),
    "list": lambda store: store.list(),
    "write": lambda store: store.write("a", b"1", replaces=ABSENT),
    "write large": lambda store: store.write("a", b"1" * LARGE, replaces=ABSENT),
    "replace": lambda store: store.write("a", b"1", replaces=Version("1")),
    "delete": lambda store: store.delete("a", version=Version("1")),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


# --- connecting ---------------------------------------------------------------------------


def test_nothing_is_connected_before_the_first_call(server: GcsServer) -> None:
    store = GcsStore(BUCKET, "", timeout_s=10)
    store.close()
    assert not server.requests


def test_a_closed_store_connects_anew(store: GcsStore) -> None:
    version = create(store, "a", b"1")
    assert list(store.read_many(["a"])) == [("a", b"1", version)]
    store.close()
    assert store.read("a")[0] == b"1"
    assert list(store.read_many(["a"])) == [("a", b"1", version)]


def test_every_request_carries_the_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with GcsServer(buckets=[BUCKET], token="secret") as server:
        as_service_account(monkeypatch, tmp_path, server.url, f"{server.url}/token")
        store = GcsStore(BUCKET, "", timeout_s=10)
        version = create(store, "a", b"1")
        assert store.read("a")[0] == read_all(store, "a") == b"1"
        assert list(store.read_many(["a", "b"])) == [("a", b"1", version)]
        assert keys(store) == ["a"]
        store.delete("a", version=version)
        store.close()
        asked = [request.path for request in server.requests]
        assert asked.count("/token") == 1


def test_credentials_that_google_refuses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with GcsServer(buckets=[BUCKET], token="secret") as server:
        refusal = Fault("status", 400, reason="invalid_grant", message="Account not found")
        server.faults.add(refusal, path="/token", times=-1)
        as_service_account(monkeypatch, tmp_path, server.url, f"{server.url}/token")
        check_refused("application-default login")


def test_a_token_that_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with GcsServer(buckets=[BUCKET]) as server:
        refusal = Fault("status", 401, reason="authError", message="Invalid Credentials")
        server.faults.add(refusal, path="/storage/", times=-1)
        as_service_account(monkeypatch, tmp_path, server.url, f"{server.url}/token")
        check_refused("application-default login")


def test_a_token_service_that_can_not_be_reached(
    server: GcsServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, hasty: GcsStore
) -> None:
    as_service_account(monkeypatch, tmp_path, server.url, f"http://127.0.0.1:{closed_port()}/")
    with pytest.raises(Unavailable):
        hasty.read("a")
    with pytest.raises(Unavailable):
        list(hasty.read_many(["a"]))


def test_no_credentials_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    check_refused("application-default login")


@pytest.mark.parametrize("content", [None, "", "{}", '{"type": "service_account"}'])
def test_credentials_that_are_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "account.json"
    if content is not None:
        path.write_text(content)
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    check_refused("credentials")


def test_credentials_that_are_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path))
    check_refused("credentials")


@pytest.mark.parametrize("host", ["127.0.0.1:9", "http://127.0.0.1:{port}", "nonsense"])
def test_an_emulator_that_is_not_there(
    monkeypatch: pytest.MonkeyPatch, hasty: GcsStore, host: str
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", host.format(port=closed_port()))
    for call in (hasty.list, lambda: list(hasty.read_many(["a"])), lambda: hasty.read("a")):
        with pytest.raises(Unavailable):
            call()


def check_refused(advice: str) -> None:
    store = GcsStore(BUCKET, "", timeout_s=10)
    for call in (store.list, lambda: list(store.read_many(["a"])), lambda: create(store, "a")):
        with pytest.raises(NotAllowed, match=advice):
            call()
    store.close()


def as_service_account(
    monkeypatch: pytest.MonkeyPatch, folder: Path, endpoint: str, token_uri: str
) -> None:
    """Be what runs on Cloud Run: default credentials, and no emulator."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "client_email": "labeler@example.iam.gserviceaccount.com",
        "private_key": key.decode(),
        "token_uri": token_uri,
    }
    path = folder / "account.json"
    path.write_text(json.dumps(account))
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    monkeypatch.setenv("API_ENDPOINT_OVERRIDE", endpoint)
    # A look-up on Google's own servers that the library makes on the side.
    boundary = "google.auth.credentials.CredentialsWithRegionalAccessBoundary"
    monkeypatch.setattr(f"{boundary}._is_regional_access_boundary_lookup_required", lambda _: False)


def closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


# --- refusals -----------------------------------------------------------------------------


@every_call
def test_a_missing_bucket_is_named(
    server: GcsServer, store: GcsStore, call: Callable[[GcsStore], object]
) -> None:
    server.drop_bucket(BUCKET)
    with pytest.raises(NotAllowed, match="there is no bucket labels"):
        call(store)


@every_call
def test_a_refusal_names_the_role_and_the_bucket(
    server: GcsServer, store: GcsStore, call: Callable[[GcsStore], object]
) -> None:
    put(server, "p/a")
    server.bucket(BUCKET).denied = {
        f"storage.objects.{what}" for what in ("get", "list", "create", "delete")
    }
    with pytest.raises(NotAllowed, match=r"labels.*roles/storage\.objectUser"):
        call(store)


def test_a_retention_policy_is_named(server: GcsServer, store: GcsStore) -> None:
    version = create(store, "a", b"1")
    server.bucket(BUCKET).settings["retentionPolicy"] = {"retentionPeriod": "3600"}
    with pytest.raises(NotAllowed, match="retention policy"):
        store.write("a", b"2", replaces=version)
    with pytest.raises(NotAllowed, match="retention policy"):
        store.delete("a", version=version)
    assert store.read("a")[0] == b"1"


def test_other_refusals_show_what_the_service_said(server: GcsServer, store: GcsStore) -> None:
    server.faults.add(
        Fault("status", 403, reason="accountDisabled", message="The billing account is disabled.")
    )
    with pytest.raises(NotAllowed, match="billing account is disabled") as caught:
        store.list()
    assert "objectUser" not in caught.value.message


@every_call
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 503),
        Fault("status", 429),
        Fault("status", 403, reason="rateLimitExceeded"),
        Fault("reset"),
        Fault("delay", seconds=100),
    ],
    ids=["503", "429", "403 too often", "reset", "silence"],
)
def test_what_lasts_ends_as_unavailable(
    server: GcsServer, hasty: GcsStore, call: Callable[[GcsStore], object], fault: Fault
) -> None:
    server.faults.add(fault, times=-1)
    with pytest.raises(Unavailable):
        call(hasty)


@every_call
@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", 503),
        Fault("status", 500),
        Fault("status", 408),
        Fault("status", 429),
        Fault("status", 403, reason="userRateLimitExceeded"),
        Fault("reset"),
        Fault("status_after", 503),
        Fault("reset_after"),
        Fault("cut"),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
def test_what_passes_is_not_seen(
    server: GcsServer, store: GcsStore, call: Callable[[GcsStore], object], fault: Fault
) -> None:
    server.faults.add(fault, times=3)
    with contextlib.suppress(NotFound, VersionConflict):  # there is no "a" yet
        call(store)
    assert server.faults.met == 3


def test_an_object_written_too_often_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with GcsServer(buckets=[BUCKET], write_interval_s=0.3) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        store = GcsStore(BUCKET, "", timeout_s=20, first_delay_s=0.1)
        version = create(store, "a", b"0")
        for number in range(1, 4):
            version = store.write("a", b"%d" % number, replaces=version)
        assert store.read("a")[0] == b"3"
        store.close()


# --- writes -------------------------------------------------------------------------------


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
    server.faults.add(Fault("late", seconds=0.3), method="POST")
    with ThreadPoolExecutor(1) as pool:
        ours = pool.submit(create, store, "a", b"same", n="1")
        wait_for(server, 2)
        theirs = create(other, "a", b"same", n="1")
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
    server.faults.add(Fault("late", seconds=0.3), method="POST")
    with ThreadPoolExecutor(1) as pool:
        ours = pool.submit(store.write, "a", b"ours", replaces=ABSENT)
        wait_for(server, 2)
        other.write("a", b"theirs", replaces=other.info("a").version)
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


# --- reading ------------------------------------------------------------------------------


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
    server.faults.add(Fault("late", seconds=0.3), method="GET", path=late)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(store.read, "a")
        wait_for(server, 1)
        store.write("a", b"new", replaces=version, metadata={"n": "new"})
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
