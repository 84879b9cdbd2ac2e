"""Restore an earlier state from the old versions and deleted objects that a bucket keeps.

Nothing is destroyed: an old state is written as a new version over the present one, which the
bucket keeps. Objects that did not exist at that moment stay as they are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from labeler.datasets.exports.numbering import keeps_numbers
from labeler.errors import DamagedDocument, InvalidRequest, NotFound, VersionConflict
from labeler.model.document import Status, parse_document
from labeler.model.layout import ANNOTATIONS, LABELS_KEY, REGISTRY, document_key, first_number
from labeler.project.locations import close_stores, open_stores
from labeler.runtime.audit import Action, audit
from labeler.settings import Location, Settings, StoreKind
from labeler.storage import ABSENT, Replaces, Store

if TYPE_CHECKING:
    from labeler.storage.versions import PastObject, PastObjects


class RestoreResult(StrEnum):
    """The result for one object."""

    RESTORED = "restored"
    NEWER = "newer"
    """It did not exist then, or the bucket keeps no versions; it stays."""
    CHANGED = "changed"
    """Somebody saved it just now; it stays. Restore again."""
    APPROVED = "approved"
    """A reviewer has approved the document; it stays until it is reopened."""


@dataclass(frozen=True, slots=True)
class RestoredObject:
    """An object whose state differs from that moment's."""

    key: str
    outcome: RestoreResult
    since: datetime | None = None
    """The time when the restored state was written."""


def restore_project(
    settings: Settings, at: datetime, image_ids: Collection[str] = (), *, dry_run: bool = False
) -> Iterator[RestoredObject]:
    """Restore the project, or the documents of some images, to their state at that moment.

    For the project, these are documents, labels, the registry, and missing originals. A registry
    that still has all of its numbers stays, since numbers given later must keep their images. A dry
    run writes nothing and reports the same. Raises InvalidRequest for a folder, and NotFound for an
    image without a state from that moment.
    """
    if settings.storage.kind is not StoreKind.BUCKET:
        raise InvalidRequest(
            f"{settings.storage} is a folder, which keeps no old versions of a whole project: put "
            "the files back from your backup, under annotations/, while nothing runs. Single "
            "documents have a history in the API, and `undo` takes back what one person did."
        )
    # Google's client takes a while to import, and a folder does not need it.
    from labeler.storage.versions import PastObjects

    store, uploads = open_stores(settings)
    try:
        keys = [document_key(image_id) for image_id in image_ids]
        todo = keys or [ANNOTATIONS, LABELS_KEY, REGISTRY]
        places: list[tuple[Store, Location, list[str]]] = [(store, settings.storage, todo)]
        if uploads is not None and settings.uploads is not None and not image_ids:
            if uploads.store is store:
                todo.append(uploads.prefix)
            elif settings.uploads.kind is StoreKind.BUCKET:
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
            if first_number(key) and now is not None and _goes_on(store, versions, then):
                continue
            if now is not None and _is_approved(store, key):
                outcome = RestoreResult.APPROVED
            elif dry_run:
                outcome = RestoreResult.RESTORED
            else:
                outcome = _write(store, versions, then, now)
            yield RestoredObject(key, outcome, then.since)
    if named and not found:
        raise NotFound(
            f"No version of {prefix} is kept from then. `gcloud storage ls --all-versions` lists "
            "those that there are; what was deleted for good may be in soft delete "
            "(docs/disaster.md)."
        )


def _is_approved(store: Store, key: str) -> bool:
    """Whether this is a document that a reviewer has approved; a damaged one is not."""
    if not key.startswith(ANNOTATIONS):
        return False
    with contextlib.suppress(NotFound, DamagedDocument):
        return parse_document(store.read(key)[0], key).status is Status.APPROVED
    return False


def _goes_on(store: Store, versions: PastObjects, then: PastObject) -> bool:
    """Whether the object still has all numbers of that moment; False if that is unknown."""
    key = then.info.key
    try:
        now, _ = store.read(key)
    except NotFound:
        return False
    return keeps_numbers(now, None if then.deleted else versions.read(then), key)


def _write(
    store: Store, versions: PastObjects, then: PastObject, now: PastObject | None
) -> RestoreResult:
    replaces: Replaces = ABSENT if now is None else now.info.version
    key = then.info.key
    try:
        if then.deleted:
            versions.bring_back(then, replaces)
            version = store.info(key).version
        else:
            version = store.write(
                key,
                versions.read(then),
                replaces=replaces,
                metadata=then.info.metadata,
                content_type=then.content_type,
            )
    except VersionConflict:
        return RestoreResult.CHANGED
    audit(Action.RESTORE, key, old=replaces, new=version)
    return RestoreResult.RESTORED
