"""Claims as objects of the store: their texts lie in the metadata, so that a listing tells them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from labeler.errors import NotFound
from labeler.model.layout import CLAIMS, claim_key, is_image_id
from labeler.storage import Replaces, Store, Version, list_all

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may hold a claim: a person (empty where nobody is asked) and one tab or program."""

    person: str
    client: str

    @property
    def digest(self) -> str:
        """What stands for both in a claim."""
        return hashlib.sha256(f"{self.person}\n{self.client}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Claim:
    """An image, and until when it belongs to its holder."""

    image_id: str
    until: datetime


class StoredClaim(NamedTuple):
    """A claim as its object's metadata tells it."""

    image_id: str
    version: Version
    until: datetime
    holder: str
    by: str
    after: str


class StoredClaims:
    """The claims that are stored; one that is written holds for `lease` from then on."""

    def __init__(self, store: Store, clock: Callable[[], datetime], lease: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease

    def list(self) -> Iterator[StoredClaim]:
        """All claims, those that have ended among them."""
        for info in list_all(self._store, CLAIMS):
            image_id = info.key.removeprefix(CLAIMS).removesuffix(".json")
            if is_image_id(image_id):
                yield _stored(image_id, info.version, info.metadata)

    def look(self, image_id: str) -> StoredClaim | None:
        """The image's claim, which may have ended; None if there is none."""
        try:
            info = self._store.info(claim_key(image_id))
        except NotFound:
            return None
        return _stored(image_id, info.version, info.metadata)

    def write(self, image_id: str, holder: Holder, after: str, replaces: Replaces) -> Claim:
        """Have the lease begin now. Raises VersionConflict."""
        until = self._clock() + self._lease
        told = {
            "by": holder.person[:200],
            "holder": holder.digest,
            "until": until.astimezone(UTC).isoformat(timespec="microseconds"),
            "after": after,
        }
        data = json.dumps({"image_id": image_id, **told}).encode()
        self._store.write(
            claim_key(image_id),
            data,
            replaces=replaces,
            metadata=told,
            content_type="application/json",
        )
        return Claim(image_id, until)

    def remove(self, claim: StoredClaim) -> None:
        """Remove the claim unless it is gone. Raises VersionConflict if it was renewed."""
        with suppress(NotFound):
            self._store.delete(claim_key(claim.image_id), version=claim.version)


def _stored(image_id: str, version: Version, metadata: Mapping[str, str]) -> StoredClaim:
    """The claim; one that does not say until when it holds has ended."""
    until = _NEVER
    with suppress(ValueError, OverflowError):
        found = datetime.fromisoformat(metadata.get("until", ""))
        until = found if found.tzinfo else _NEVER
    holder, by, after = (metadata.get(name, "") for name in ("holder", "by", "after"))
    return StoredClaim(image_id, version, until, holder, by, after)
