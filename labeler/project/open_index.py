"""Opens the image index that the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labeler.project.image_index import ImageIndex
from labeler.project.originals import Uploads
from labeler.project.store_index import StoreIndex
from labeler.settings import Settings
from labeler.storage import Store

if TYPE_CHECKING:
    from labeler.project.database.index import DatabaseIndex


def open_index(
    settings: Settings, store: Store, uploads: Uploads | None, secret: bytes
) -> ImageIndex:
    """The index in the database of LABELER_INDEX, or else the store's own; nothing is asked yet."""
    if settings.index:
        return open_database_index(settings, store, uploads, secret)
    return StoreIndex(store, uploads, settings.image_id, secret)


def open_database_index(
    settings: Settings,
    store: Store,
    uploads: Uploads | None,
    secret: bytes,
    *,
    is_patient: bool = False,
) -> DatabaseIndex:
    """The index in the database of LABELER_INDEX; `is_patient` gives each statement much time."""
    # Loaded here: who has no database need not wait for SQLAlchemy.
    from labeler.project.database.connection import Database
    from labeler.project.database.index import DatabaseIndex

    own = StoreIndex(store, uploads, settings.image_id, secret)
    place = f"{settings.storage} {settings.uploads or 'off'} {own.identified_by}"
    database = Database(settings.index, place, is_patient=is_patient)
    return DatabaseIndex(database, store, uploads, own)
