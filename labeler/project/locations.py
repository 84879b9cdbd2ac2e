"""The stores of a project, which the settings name."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from labeler.errors import VersionConflict
from labeler.project.originals import Uploads
from labeler.settings import Location, Settings, StoreKind
from labeler.storage import Store, Version, open_store

_NEVER: Final = Version("999999999999999999")
"""A version that no object has."""


def open_stores(settings: Settings) -> tuple[Store, Uploads | None]:
    """The store of the documents, and the location of originals (None if they are not kept).

    If one location is inside the other, one store serves both. Nothing is connected yet.
    """
    storage, place = settings.storage, settings.uploads
    store = open_location(storage, settings)
    if place is None:
        return store, None
    prefix = place.prefix_in(storage)
    if prefix is not None:
        return store, Uploads(store, prefix)
    return store, Uploads(open_location(place, settings), "")


def open_location(location: Location, settings: Settings) -> Store:
    """The store at that location, with the settings' limits and key."""
    return open_store(location, timeout_s=settings.save_timeout_s, kms_key=settings.kms_key)


def check_stores(store: Store, documents: str, uploads: Uploads | None, settings: Settings) -> None:
    """Raise StoreError if a location can't be listed, or a bucket can't be written.

    `documents` is the prefix of documents. Nothing is written, and no folder is created.
    """
    places = [(store, documents, settings.storage)]
    location = settings.uploads
    if uploads is not None and location is not None and uploads.store is not store:
        places.append((uploads.store, uploads.prefix, location))
    for checked, prefix, place in places:
        checked.list(prefix, limit=1)
        if place.kind is StoreKind.BUCKET:
            with suppress(VersionConflict):
                # That version never existed, so nothing is written. Permissions are checked first.
                checked.write(f"{prefix}ready", b"", replaces=_NEVER)


def close_stores(store: Store, uploads: Uploads | None) -> None:
    """Close both stores."""
    store.close()
    if uploads is not None:
        uploads.store.close()
