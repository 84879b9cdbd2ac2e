"""What the tests of the bucket share."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote

import pytest
from google.cloud import storage

from labeler.storage import ABSENT, Store, Version
from labeler.storage.gcs import GcsStore
from tests.gcs_server import GcsServer, StoredObject
from tests.gcs_server.model import Conditions

from ..support import MIB

BUCKET: Final = "labels"
LARGE: Final = 9 * MIB
"""More than one request holds: a resumable upload."""


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


def object_url(server: GcsServer, name: str, query: str = "") -> str:
    """The address of an object's JSON, and of its bytes with the query `alt=media`."""
    return f"{server.url}/storage/v1/b/{BUCKET}/o/{quote(name, safe='')}?{query}"


def upload(bucket: storage.Bucket, name: str, data: bytes = b"x", **options: Any) -> int:
    """Write by Google's client; the generation."""
    blob = bucket.blob(name)
    blob.upload_from_string(data, retry=None, **options)
    return int(blob.generation)


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
