"""Image numbers. A number is given once, never changes, and is never given to another image.

The numbers are stored in the order of being given; registry_shards.py says in which objects. An
empty string marks a number whose image is no longer known.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from labeler.datasets.exports.registry_shards import (
    Shard,
    append,
    new_shard,
    parse_shard,
    read_shards,
    write_shard,
)
from labeler.errors import DamagedDocument, VersionConflict
from labeler.storage import Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KnownNumbers:
    """The number of each image ID, the highest number given, and the shards that store them.

    `lost` holds the shards that are missing, with the numbers that the exports know. `unstored` are
    the IDs of numbers above those in any shard, known from the exports too.
    """

    numbers: dict[str, int]
    highest: int
    shards: Sequence[Shard]
    lost: Sequence[Shard] = ()
    unstored: Sequence[str] = ()

    @property
    def is_stored(self) -> bool:
        """Return whether the store holds all of the numbers."""
        return not (self.lost or self.unstored)


class ImageNumbers:
    """The image numbers of one store.

    `rebuild` returns the numbers that the newest exports know, and the highest number ever given.
    It is called if numbers are missing: before the first export, or after a loss.
    """

    def __init__(self, store: Store, rebuild: Callable[[], tuple[Mapping[str, int], int]]) -> None:
        self._store = store
        self._rebuild = rebuild

    def read(self, at_least: int = 0) -> KnownNumbers:
        """Return the stored numbers. Those that are lost are taken from the exports.

        `at_least` is a number that is known to have been given. Raises DamagedDocument or
        NewerDocument, and then leaves the objects as they are.
        """
        shards = read_shards(self._store)
        numbers = {
            image_id: number
            for shard in shards
            for number, image_id in enumerate(shard.stored.images, shard.first)
            if image_id
        }
        highest = shards[-1].end - 1 if shards else 0
        gaps = _gaps(shards)
        if shards and not gaps and highest >= at_least:
            return KnownNumbers(numbers, highest, shards)
        return self._with_lost(KnownNumbers(numbers, highest, shards), gaps)

    def numbers(self, known: KnownNumbers, new: Iterable[str]) -> tuple[dict[str, int], int]:
        """Return the numbers, including new ones for the `new` images, given in their order.

        `known` is the result of `read`. The numbers are stored when this returns, so a concurrent
        export gives the same image the same number.
        """
        wanted = list(new)
        while True:
            missing = [image_id for image_id in wanted if image_id not in known.numbers]
            if not missing and known.is_stored:
                return known.numbers, known.highest
            try:
                for shard in known.lost:
                    write_shard(self._store, shard)
                tail = known.shards[-1] if known.shards else None
                append(self._store, tail, [*known.unstored, *missing])
            except VersionConflict:
                known = self.read(known.highest)
                continue
            numbers = known.numbers
            numbers.update(
                (image_id, number) for number, image_id in enumerate(missing, known.highest + 1)
            )
            return numbers, known.highest + len(missing)

    def _with_lost(self, known: KnownNumbers, gaps: Sequence[tuple[int, int]]) -> KnownNumbers:
        """Return the numbers, with those that only the exports still know."""
        found, highest = self._rebuild()
        highest = max(highest, known.highest)
        images = {
            number: image_id for image_id, number in found.items() if image_id not in known.numbers
        }

        def ids(start: int, end: int) -> list[str]:
            return [images.get(number, "") for number in range(start, end)]

        lost = [new_shard(start).grown(ids(start, end)) for start, end in gaps]
        unstored = ids(known.highest + 1, highest + 1)
        if lost or unstored:
            logger.warning("Image numbers were missing; they are taken from the exports")
        numbers = dict(known.numbers)
        for first, missing in [
            *((shard.first, shard.stored.images) for shard in lost), (known.highest + 1, unstored),
        ]:  # fmt: skip
            numbers.update((one, number) for number, one in enumerate(missing, first) if one)
        return KnownNumbers(numbers, highest, known.shards, lost, unstored)


def keeps_numbers(now: bytes, then: bytes | None, key: str) -> bool:
    """Return whether the object `now` is readable and holds every number that `then` held.

    None stands for an earlier state that is unreadable.
    """
    try:
        newer = parse_shard(now, key).images
        older = parse_shard(then, key).images if then is not None else []
    except DamagedDocument:
        return False
    return len(newer) >= len(older) and all(
        was in ("", image_id) for was, image_id in zip(older, newer, strict=False)
    )


def _gaps(shards: Sequence[Shard]) -> list[tuple[int, int]]:
    """Return the first number of each missing shard, and the number after its last one."""
    ends = [1, *(shard.end for shard in shards)]
    starts = [shard.first for shard in shards]
    return [(end, start) for end, start in zip(ends, starts, strict=False) if start > end]
