"""The Store: one small contract over a folder or a Cloud Storage bucket."""

from __future__ import annotations

from pathlib import Path

from labeler.settings import Location, StoreKind
from labeler.storage.base import (
    ABSENT,
    MAX_KEY_BYTES,
    MAX_METADATA_BYTES,
    MAX_PARTS,
    RESERVED,
    ObjectInfo,
    Page,
    Replaces,
    Scanned,
    Store,
    Version,
    check_key,
    check_metadata,
    list_all,
)
from labeler.storage.local import LocalStore

__all__ = [
    "ABSENT",
    "MAX_KEY_BYTES",
    "MAX_METADATA_BYTES",
    "MAX_PARTS",
    "RESERVED",
    "ObjectInfo",
    "Page",
    "Replaces",
    "Scanned",
    "Store",
    "Version",
    "check_key",
    "check_metadata",
    "list_all",
    "open_store",
]


def open_store(location: Location, *, timeout_s: int = 20, kms_key: str = "") -> Store:
    """The store at `location`; nothing is read, written or connected before the first call.

    `timeout_s` limits the retries and waits of one call. `kms_key` is the Cloud KMS key that
    encrypts objects written to a bucket; a folder ignores it.
    """
    match location.kind:
        case StoreKind.FOLDER:
            return LocalStore(Path(location.path), timeout_s=timeout_s)
        case StoreKind.BUCKET:
            # Importing Google's client takes 0.2 to 0.5 s; a start with a folder must not pay.
            from labeler.storage.gcs import GcsStore

            return GcsStore(location.bucket, location.path, timeout_s=timeout_s, kms_key=kms_key)
