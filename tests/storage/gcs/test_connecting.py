"""Nothing is connected too early, and credentials go where they belong."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from labeler.errors import NotAllowed, Unavailable
from labeler.storage.gcs import GcsStore
from tests.gcs_server import Fault, GcsServer

from ..support import create, keys
from .support import BUCKET, read_all


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
