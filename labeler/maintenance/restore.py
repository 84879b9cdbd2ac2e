"""Back to a moment in the past, from the old versions and deleted objects that a bucket keeps.

Nothing is destroyed: what is restored is written as a new state over the present one, which is
kept as an old version itself, and what did not exist at that moment stays as it is.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from labeler.datasets.exports.numbering import keeps_numbers
from labeler.errors import InvalidRequest, NotFound, VersionConflict
from labeler.model.layout import ANNOTATIONS, LABELS_KEY, REGISTRY, REGISTRY_KEY, document_key
from labeler.project.locations import close_stores, open_stores
from labeler.settings import Location, Settings
from labeler.storage import ABSENT, Replaces, Store

if TYPE_CHECKING:
    from labeler.storage.versions import PastObject, PastObjects


class RestoreResult(StrEnum):
    """What becomes of one object."""

    RESTORED = "restored"
    NEWER = "newer"
    """It did not exist then, or the bucket keeps no versions; it stays."""
    CHANGED = "changed"
    """Somebody saved it just now; it stays. Restore again."""


@dataclass(frozen=True, slots=True)
class RestoredObject:
    """One object that is not now as it was then."""

    key: str
    outcome: RestoreResult
    since: datetime | None = None
    """When the state that is restored was written."""


def restore_project(
    settings: Settings, at: datetime, image_ids: Collection[str] = (), *, dry_run: bool = False
) -> Iterator[RestoredObject]:
    """Bring the project, or the documents of some images, back to what they were at that moment.

    For the project: documents, labels, registry, and originals that are gone. A registry that
    still holds all its numbers stays: those that were given since must mean no other image. A dry
    run writes nothing and tells the same. Raises InvalidRequest for a folder, NotFound for an
    image of which nothing is kept from then.
    """
    if not settings.storage.bucket:
        raise InvalidRequest(
            f"{settings.storage} is a folder, which keeps no old versions: put the files back from "
            "your backup, under annotations/, while nothing runs. Only what lies in a bucket can "
            "be restored."
        )
    # Google's client takes a while to import, and a folder has no use for it.
    from labeler.storage.versions import PastObjects

    store, uploads = open_stores(settings)
    try:
        keys = [document_key(image_id) for image_id in image_ids]
        todo = keys or [ANNOTATIONS, LABELS_KEY, REGISTRY]
        places: list[tuple[Store, Location, list[str]]] = [(store, settings.storage, todo)]
        if uploads is not None and settings.uploads is not None and not image_ids:
            if uploads.store is store:
                todo.append(uploads.prefix)
            elif settings.uploads.bucket:
                places.append((uploads.store, settings.uploads, [""]))
        for target, location, prefixes in places:
            versions = PastObjects(location, timeout_s=settings.save_timeout_s)
            with contextlib.closing(versions):
                for prefix in prefixes:
                    yield from _restore(target, versions, prefix, at, prefix in keys, dry_run)
    finally:
        close_stores(store, uploads)


def _restore(
    store: Store, versions: PastObjects, prefix: str, at: datetime, named: bool, dry_run: bool
) -> Iterator[RestoredObject]:
    found = False
    for key, states in versions.states(prefix):
        if named and key != prefix:
            continue
        then = next((state for state in states if state.was_at(at)), None)
        now = next((state for state in states if state.until is None), None)
        found = found or then is not None
        if then is None:
            if now is not None:
                yield RestoredObject(key, RestoreResult.NEWER)
        elif now is None or now.info.md5 != then.info.md5 or now.info.size != then.info.size:
            if key == REGISTRY_KEY and now is not None and _goes_on(store, versions, then):
                continue
            outcome = RestoreResult.RESTORED if dry_run else _write(store, versions, then, now)
            yield RestoredObject(key, outcome, then.since)
    if named and not found:
        raise NotFound(
            f"No version of {prefix} is kept from then. `gcloud storage ls --all-versions` lists "
            "those that there are; what was deleted for good may be in soft delete "
            "(docs/disaster.md)."
        )


def _goes_on(store: Store, versions: PastObjects, then: PastObject) -> bool:
    """Whether the registry holds all that it held then; what was deleted can't be compared."""
    try:
        now, _ = store.read(REGISTRY_KEY)
    except NotFound:
        return False
    return keeps_numbers(now, None if then.deleted else versions.read(then))


def _write(
    store: Store, versions: PastObjects, then: PastObject, now: PastObject | None
) -> RestoreResult:
    replaces: Replaces = ABSENT if now is None else now.info.version
    try:
        if then.deleted:
            versions.bring_back(then, replaces)
            return RestoreResult.RESTORED
        store.write(
            then.info.key,
            versions.read(then),
            replaces=replaces,
            metadata=then.info.metadata,
            content_type=then.content_type,
        )
    except VersionConflict:
        return RestoreResult.CHANGED
    return RestoreResult.RESTORED
