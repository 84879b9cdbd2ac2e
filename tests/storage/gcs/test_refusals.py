"""What Cloud Storage refuses, for good or for a while."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest

from labeler.errors import NotAllowed, NotFound, Unavailable, VersionConflict
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer

from ..support import create
from .support import BUCKET, every_call, put


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


def test_a_hold_is_named(server: GcsServer, store: GcsStore) -> None:
    version = create(store, "a", b"1")
    server.bucket(BUCKET).settings["defaultEventBasedHold"] = True
    for change in (
        lambda: store.write("a", b"2", replaces=version),
        lambda: store.delete("a", version=version),
    ):
        with pytest.raises(NotAllowed, match=r"a hold on the object .*--no-event-based-hold"):
            change()
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
