"""Where a project's objects are: the stores that the settings name."""

from __future__ import annotations

from labeler.originals import Uploads
from labeler.settings import Location, Settings
from labeler.storage import Store, open_store


def open_places(settings: Settings) -> tuple[Store, Uploads | None]:
    """The store of the documents, and where originals are, None where they are not kept.

    One store does for both where one place lies in the other. Nothing is connected yet.
    """
    storage, place = settings.storage, settings.uploads
    store = open_place(storage, settings)
    if place is None:
        return store, None
    prefix = place.prefix_in(storage)
    if prefix is not None:
        return store, Uploads(store, prefix)
    return store, Uploads(open_place(place, settings), "")


def open_place(location: Location, settings: Settings) -> Store:
    """The store at that place, with the settings' limits and key."""
    kms_key = settings.kms_key if location.bucket else ""
    return open_store(location, timeout_s=settings.save_timeout_s, kms_key=kms_key)


def close_places(store: Store, uploads: Uploads | None) -> None:
    """Give up the connections of both."""
    store.close()
    if uploads is not None:
        uploads.store.close()
