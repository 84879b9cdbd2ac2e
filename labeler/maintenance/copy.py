"""Copy a whole project: folder to bucket, bucket to folder, or bucket to bucket."""

from __future__ import annotations

import mimetypes
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from hashlib import md5
from typing import BinaryIO, Final, TypeVar, cast

from labeler.errors import NotFound, VersionConflict
from labeler.model.layout import UPLOADS
from labeler.project.locations import close_stores, open_location, open_stores
from labeler.runtime.audit import Action, audit
from labeler.runtime.spools import open_spool
from labeler.settings import Location, Settings
from labeler.storage import ABSENT, ObjectInfo, Store, list_all

_THREADS: Final = 16
_AHEAD: Final = 4 * _THREADS
"""The number of objects that are started and not yet reported, at most."""
_IN_MEMORY: Final = 2**20
"""Bytes. A larger object is an original, which never changes, and is copied through a spool."""

T = TypeVar("T")
R = TypeVar("R")


class CopyResult(StrEnum):
    """The result for one object."""

    COPIED = "copied"
    THERE = "there"
    """The same bytes are there already."""
    OTHER = "other"
    """Another object has this name; it stays."""


@dataclass(frozen=True, slots=True)
class CopiedObject:
    """An object of the project, by its key in the new location."""

    key: str
    outcome: CopyResult


def copy_project(settings: Settings, target: Location, *, dry_run: bool) -> Iterator[CopiedObject]:
    """Copy every object of the project to `target`, with its metadata; yields each when it is done.

    Originals from another location go below uploads/. Existing objects are never replaced, so an
    interrupted copy can be run again. A dry run writes nothing.
    """
    store, uploads = open_stores(settings)
    to = open_location(target, settings)
    if not dry_run:
        audit(Action.COPY, str(target))
    try:
        yield from _copy_all(store, "", to, "", dry_run)
        if uploads is not None and uploads.store is not store:
            yield from _copy_all(uploads.store, uploads.prefix, to, UPLOADS, dry_run)
    finally:
        to.close()
        close_stores(store, uploads)


def _copy_all(
    store: Store, prefix: str, to: Store, below: str, dry_run: bool
) -> Iterator[CopiedObject]:
    there = {info.key: info for info in list_all(to, below)}

    def copy(info: ObjectInfo) -> CopiedObject | None:
        key = below + info.key.removeprefix(prefix)
        found = there.get(key)
        if found is None and dry_run:
            return CopiedObject(key, CopyResult.COPIED)
        try:
            if found is None:
                return CopiedObject(key, _copy(store, info, to, key))
            return CopiedObject(key, _compare(store, info, to, found))
        except NotFound:  # deleted since it was listed
            return None

    with ThreadPoolExecutor(_THREADS, "copy") as pool:
        yield from filter(None, _in_order(pool, copy, list_all(store, prefix)))


def _in_order(pool: ThreadPoolExecutor, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """The results of `work` for each item, in order; at most _AHEAD items are started early."""
    begun: deque[Future[R]] = deque()
    for item in items:
        begun.append(pool.submit(work, item))
        if len(begun) == _AHEAD:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


def _copy(store: Store, info: ObjectInfo, to: Store, key: str) -> CopyResult:
    kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
    try:
        if info.size <= _IN_MEMORY:
            whole, info = store.read(info.key)
            to.write(key, whole, replaces=ABSENT, metadata=info.metadata, content_type=kind)
        else:
            with open_spool() as spool:
                with store.open(info.key) as chunks:
                    for chunk in chunks:
                        spool.write(chunk)
                to.write(
                    key,
                    cast(BinaryIO, spool),
                    replaces=ABSENT,
                    metadata=info.metadata,
                    content_type=kind,
                )
    except VersionConflict:  # somebody else was first
        return _compare(store, info, to, to.info(key))
    return CopyResult.COPIED


def _compare(store: Store, info: ObjectInfo, to: Store, found: ObjectInfo) -> CopyResult:
    if info.size != found.size:
        return CopyResult.OTHER
    same = _digest(store, info) == _digest(to, found)
    return CopyResult.THERE if same else CopyResult.OTHER


def _digest(store: Store, info: ObjectInfo) -> str:
    """The MD5 of the object, which is read only if the listing has no MD5."""
    if info.md5:
        return info.md5
    digest = md5(usedforsecurity=False)
    with store.open(info.key) as chunks:
        for chunk in chunks:
            digest.update(chunk)
    return digest.hexdigest()
