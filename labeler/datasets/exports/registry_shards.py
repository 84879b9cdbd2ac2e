"""The stored image numbers: lists of image IDs, each in an object of its own.

`registry/images.json` holds the numbers from 1. Once it holds SHARD_IDS or more, it is sealed (its
version becomes 2.0) and never written again; numbers go on in `registry/images/<first>.json`, named
by the first number in it. Such a shard grows to SHARD_IDS and is then full. So adding an image
rewrites at most one shard, whatever the size of the project. A program that knew no shards rejects
a sealed list instead of giving its numbers again.

Which object the next number goes into depends only on the shards that exist. Two exports at once
therefore write to the same object, and the one that comes second has a conflict.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Final

from pydantic import Field, StrictStr, ValidationError

from labeler.errors import DamagedDocument, NotFound
from labeler.model.labels import MAX_NUMBER
from labeler.model.layout import (
    REGISTRY_KEY,
    REGISTRY_SHARDS,
    first_number,
    registry_shard_key,
)
from labeler.model.stored_json import StoredModel, check_version, damage
from labeler.storage import ABSENT, Replaces, Store

SHARD_IDS: Final = 10_000
"""Part of the format: programs that disagree about it would give a number twice."""
_SEALED: Final = "2.0"
_NEWEST_MAJOR: Final = 2


class StoredNumbers(StoredModel):
    """One object as it is stored. Keys from a newer version are kept."""

    version: StrictStr = "1.0"
    images: Annotated[list[StrictStr], Field(max_length=MAX_NUMBER)]


@dataclass(frozen=True, slots=True)
class Shard:
    """One object and the state that was read. `first` is its first number.

    ABSENT stands for a shard that is not stored: it is new or lost.
    """

    key: str
    first: int
    replaces: Replaces
    stored: StoredNumbers

    @property
    def end(self) -> int:
        """The number after its last one."""
        return self.first + len(self.stored.images)

    @property
    def is_full(self) -> bool:
        """Return whether the next number goes into another shard."""
        if self.key == REGISTRY_KEY:
            return _is_sealed(self.stored)
        return len(self.stored.images) >= SHARD_IDS

    def grown(self, images: Sequence[str]) -> Shard:
        """Return the shard with these IDs at its end; sealed if it is the first and full."""
        whole = [*self.stored.images, *images]
        changes: dict[str, object] = {"images": whole}
        if self.key == REGISTRY_KEY and len(whole) >= SHARD_IDS and not _is_sealed(self.stored):
            changes["version"] = _SEALED
        return replace(self, stored=self.stored.model_copy(update=changes))


def new_shard(first: int) -> Shard:
    """Return an empty shard that begins with that number."""
    return Shard(registry_shard_key(first), first, ABSENT, StoredNumbers(version="1.0", images=[]))


def read_shards(store: Store) -> list[Shard]:
    """Return the stored shards by ascending numbers.

    Raises DamagedDocument or NewerDocument, and then leaves the objects as they are.
    """
    shards = []
    try:
        data, info = store.read(REGISTRY_KEY)
    except NotFound:
        pass
    else:
        shards.append(Shard(REGISTRY_KEY, 1, info.version, parse_shard(data, REGISTRY_KEY)))
    if not shards or shards[0].is_full:
        shards += sorted(_others(store), key=lambda one: one.first)
    _check(shards)
    return shards


def append(store: Store, tail: Shard | None, images: Sequence[str]) -> None:
    """Store these IDs after the last number. Each shard is whole or unchanged if this is cut off.

    `tail` is the last shard, None if there is none. Raises VersionConflict if another export gave
    numbers since it was read.
    """
    shard = tail or new_shard(1)
    at = 0
    while at < len(images):
        if shard.is_full:
            shard = new_shard(shard.end)
        room = max(0, SHARD_IDS - len(shard.stored.images))
        shard = shard.grown(images[at : at + room])
        at += room
        shard = replace(shard, replaces=write_shard(store, shard))


def write_shard(store: Store, shard: Shard) -> Replaces:
    """Store the shard in place of the state that was read. Raises VersionConflict."""
    text = json.dumps(shard.stored.model_dump(), separators=(",", ":"))
    return store.write(
        shard.key, text.encode(), replaces=shard.replaces, content_type="application/json"
    )


def parse_shard(data: bytes, key: str) -> StoredNumbers:
    """Return the object in `data`. Raises DamagedDocument or NewerDocument."""
    try:
        found = StoredNumbers.model_validate_json(data)
    except ValidationError as error:
        raise DamagedDocument(damage(key, error)) from error
    check_version(found.version, key, _NEWEST_MAJOR if key == REGISTRY_KEY else 1)
    return found


def _others(store: Store) -> Iterator[Shard]:
    firsts = {
        one.key: first
        for one in store.scan(REGISTRY_SHARDS)
        if (first := first_number(one.key)) is not None
    }
    for key, data, version in store.read_many(firsts):
        yield Shard(key, firsts[key], version, parse_shard(data, key))


def _is_sealed(stored: StoredNumbers) -> bool:
    return stored.version.partition(".")[0] == _SEALED.partition(".")[0]


def _check(shards: Sequence[Shard]) -> None:
    """Raise DamagedDocument if an image has two numbers, or a number two images."""
    seen: set[str] = set()
    count, end = 0, 1
    for shard in shards:
        known = [image_id for image_id in shard.stored.images if image_id]
        seen.update(known)
        count += len(known)
        if shard.first < end or len(seen) != count:
            raise DamagedDocument(
                f"{shard.key} is damaged: an image has two numbers in it, or a number two images. "
                "It was left as it is: restore an earlier version of it, or remove it, and it is "
                "made anew from the newest export."
            )
        end = shard.end
