"""A server of its own for each test, and who asks it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from google.cloud import storage

from labeler.storage.gcs import GcsStore
from tests.gcs_server import GcsServer

from .support import BUCKET


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


@pytest.fixture
def http() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def bucket(server: GcsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[storage.Bucket]:
    """Google's own client on the server."""
    # A look-up that the client makes in a thread which outlives it.
    monkeypatch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
    client = storage.Client(project=None)
    yield client.bucket(BUCKET)
    client.close()
