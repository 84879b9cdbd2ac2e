"""Image numbers. A number is given once, never changes, and is never given to another image.

`registry/images.json` lists the image IDs in the order of their numbers, from 1. IDs are only ever
appended. An empty string marks a number whose image is no longer known.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StrictStr, ValidationError

from labeler.errors import DamagedDocument, NotFound, VersionConflict
from labeler.model.labels import MAX_NUMBER
from labeler.model.layout import REGISTRY_KEY
from labeler.model.stored_json import StoredModel, check_version, damage
from labeler.storage import ABSENT, Replaces, Store

logger = logging.getLogger(__name__)


class StoredNumbers(StoredModel):
    """The object as it is stored. Keys from a newer version are kept."""

    version: StrictStr = "1.0"
    images: Annotated[list[StrictStr], Field(max_length=MAX_NUMBER)]


@dataclass(frozen=True, slots=True)
class KnownNumbers:
    """The number of each image ID, the highest number given, and the stored state of both."""

    numbers: dict[str, int]
    highest: int
    replaces: Replaces
    stored: StoredNumbers


class ImageNumbers:
    """The image numbers of one store.

    `rebuild` returns the numbers that the newest export knows, and the highest number ever given.
    It is called if the registry is missing: before the first export, or after a loss.
    """

    def __init__(self, store: Store, rebuild: Callable[[], tuple[Mapping[str, int], int]]) -> None:
        self._store = store
        self._rebuild = rebuild

    def read(self) -> KnownNumbers:
        """Return the stored numbers, or rebuild them if they are lost.

        Raises DamagedDocument or NewerDocument, and then leaves the object as it is.
        """
        try:
            data, info = self._store.read(REGISTRY_KEY)
        except NotFound:
            known, highest = self._rebuild()
            if highest:
                logger.warning("%s is missing; its numbers were taken from an export", REGISTRY_KEY)
            return KnownNumbers(
                dict(known), highest, ABSENT, StoredNumbers(version="1.0", images=[])
            )
        stored = _parse(data)
        numbers = {image_id: number for number, image_id in enumerate(stored.images, 1) if image_id}
        return KnownNumbers(numbers, len(stored.images), info.version, stored)

    def numbers(self, known: KnownNumbers, new: Iterable[str]) -> tuple[dict[str, int], int]:
        """Return the numbers, including new ones for the `new` images, given in their order.

        `known` is the result of `read`. The numbers are stored when this returns, so a concurrent
        export gives the same image the same number.
        """
        wanted = list(new)
        while True:
            numbers, highest = known.numbers, known.highest
            missing = [image_id for image_id in wanted if image_id not in numbers]
            if not missing and (known.replaces is not ABSENT or not highest):
                return numbers, highest
            numbers.update(
                zip(missing, range(highest + 1, highest + 1 + len(missing)), strict=True)
            )
            highest += len(missing)
            try:
                self._write(numbers, highest, known)
            except VersionConflict:
                known = self.read()
                continue
            return numbers, highest

    def _write(self, numbers: Mapping[str, int], highest: int, known: KnownNumbers) -> None:
        images = [""] * highest
        for image_id, number in numbers.items():
            images[number - 1] = image_id
        # Keys and the version number that a newer program wrote are kept.
        changed = {**known.stored.model_dump(), "images": images}
        text = json.dumps(changed, separators=(",", ":"))
        self._store.write(
            REGISTRY_KEY, text.encode(), replaces=known.replaces, content_type="application/json"
        )


def keeps_numbers(now: bytes, then: bytes | None) -> bool:
    """Return whether the registry `now` is readable and holds every number that `then` held.

    None stands for an earlier state that is unreadable.
    """
    try:
        newer = _parse(now).images
        older = _parse(then).images if then is not None else []
    except DamagedDocument:
        return False
    return len(newer) >= len(older) and all(
        was in ("", image_id) for was, image_id in zip(older, newer, strict=False)
    )


def _parse(data: bytes) -> StoredNumbers:
    try:
        found = StoredNumbers.model_validate_json(data)
    except ValidationError as error:
        raise DamagedDocument(damage(REGISTRY_KEY, error)) from error
    check_version(found.version, REGISTRY_KEY)
    known = [image_id for image_id in found.images if image_id]
    if len(set(known)) != len(known):
        raise DamagedDocument(
            f"{REGISTRY_KEY} is damaged: an image has two numbers in it. It was left as it is: "
            "restore an earlier version of it, or remove it, and it is made anew from the newest "
            "export."
        )
    return found
