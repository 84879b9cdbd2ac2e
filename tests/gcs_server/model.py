"""What the server holds: buckets, objects, generations, and the rules that bind them.

Nothing here knows HTTP; a broken rule raises Failure with the status, reason and message that
Cloud Storage answers.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import google_crc32c

MAX_NAME_BYTES = 1024
MAX_METADATA_BYTES = 8 * 1024
WRITABLE = ("cacheControl", "contentDisposition", "contentLanguage", "customTime")


class Failure(Exception):
    """An answer that is not a success; `reason` is the machine's word for it."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status, self.reason, self.message = status, reason, message


def crc32c_of(data: bytes) -> str:
    return base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()


def md5_of(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


def stamp(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"  # strftime takes six times as long


@dataclass
class StoredObject:
    """One generation of one object."""

    bucket: str
    name: str
    data: bytes
    generation: int
    content_type: str
    metadata: dict[str, str] = field(default_factory=dict)
    content_encoding: str = ""
    kms_key: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    metageneration: int = 1
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    deleted: datetime | None = None
    soft_deleted: datetime | None = None
    crc32c: str = ""
    md5: str = ""
    components: int = 0
    """Of how many objects it was composed; such an object has no MD5."""

    def __post_init__(self) -> None:
        self.crc32c = self.crc32c or crc32c_of(self.data)
        if not self.components:
            self.md5 = self.md5 or md5_of(self.data)

    def resource(self, fields: Iterable[str] | None = None) -> dict[str, Any]:
        """The object as the JSON API shows it; with `fields` only what of these it has."""
        if fields is None:
            fields = [*SHOWN, *self.extra]
        told = ((field, self._told(field)) for field in fields)
        return {field: value for field, value in told if value}

    def _told(self, field: str) -> Any:
        return SHOWN[field](self) if field in SHOWN else self.extra.get(field)


SHOWN: dict[str, Callable[[StoredObject], Any]] = {
    "kind": lambda one: "storage#object",
    "id": lambda one: f"{one.bucket}/{one.name}/{one.generation}",
    "name": lambda one: one.name,
    "bucket": lambda one: one.bucket,
    "generation": lambda one: str(one.generation),
    "metageneration": lambda one: str(one.metageneration),
    "contentType": lambda one: one.content_type,
    "storageClass": lambda one: "STANDARD",
    "size": lambda one: str(len(one.data)),
    "md5Hash": lambda one: one.md5,
    "crc32c": lambda one: one.crc32c,
    "componentCount": lambda one: one.components,
    "etag": lambda one: f"C{one.generation}/{one.metageneration}",
    "timeCreated": lambda one: stamp(one.created),
    "updated": lambda one: stamp(one.updated),
    "metadata": lambda one: dict(one.metadata),
    "contentEncoding": lambda one: one.content_encoding,
    "kmsKeyName": lambda one: one.kms_key and f"{one.kms_key}/cryptoKeyVersions/1",
    "timeDeleted": lambda one: one.deleted and stamp(one.deleted),
    "softDeleteTime": lambda one: one.soft_deleted and stamp(one.soft_deleted),
}
"""What the JSON API shows of an object, where it is not empty."""


@dataclass(frozen=True)
class Conditions:
    """Preconditions of a request; None where it did not name one."""

    generation: int | None = None
    generation_not: int | None = None
    metageneration: int | None = None
    metageneration_not: int | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Conditions:
        def number(name: str) -> int | None:
            text = query.get(name)
            if text is None:
                return None
            if not text.isdigit():
                raise Failure(400, "invalidParameter", f"Invalid value for {name}: {text!r}")
            return int(text)

        return cls(
            number("ifGenerationMatch"),
            number("ifGenerationNotMatch"),
            number("ifMetagenerationMatch"),
            number("ifMetagenerationNotMatch"),
        )

    def check(self, current: StoredObject | None) -> None:
        """Failure 412 on a mismatch, 304 where a not-match is equal; an absent object is 0."""
        generation = current.generation if current else 0
        metageneration = current.metageneration if current else 0
        if (self.generation is not None and generation != self.generation) or (
            self.metageneration is not None and metageneration != self.metageneration
        ):
            raise Failure(
                412,
                "conditionNotMet",
                "At least one of the pre-conditions you specified did not hold.",
            )
        if (self.generation_not is not None and generation == self.generation_not) or (
            self.metageneration_not is not None and metageneration == self.metageneration_not
        ):
            raise Failure(304, "notModified", "Not Modified")


class Bucket:
    """Objects by name, in the order of their names' UTF-8 bytes, with their old generations.

    `settings` holds what a bucket's resource shows beside its name (versioning, lifecycle, ...);
    `denied` the permissions that nobody has here, `bindings` the roles that its policy shows.
    With `soft_deletes`, what is replaced without versioning, or deleted for good, can be restored.
    """

    def __init__(self, name: str, settings: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.metageneration = 1
        self.created = datetime.now(UTC)
        self.settings: dict[str, Any] = {
            "location": "EUROPE-WEST1",
            "locationType": "region",
            "storageClass": "STANDARD",
            "iamConfiguration": {
                "uniformBucketLevelAccess": {"enabled": True},
                "publicAccessPrevention": "inherited",
            },
            "softDeletePolicy": {"retentionDurationSeconds": "604800"},
            **(settings or {}),
        }
        self.denied: set[str] = set()
        self.bindings: list[dict[str, Any]] = []
        self.live: dict[str, StoredObject] = {}
        self.old: dict[str, list[StoredObject]] = {}
        self.soft_deletes = False
        self.soft: dict[str, list[StoredObject]] = {}
        self.sorted_names: list[bytes] = []
        self._last_generation = 0
        self._last_write: dict[str, float] = {}

    def resource(self) -> dict[str, Any]:
        return {
            "kind": "storage#bucket",
            "id": self.name,
            "name": self.name,
            "projectNumber": "123456789",
            "metageneration": str(self.metageneration),
            "timeCreated": stamp(self.created),
            "updated": stamp(self.created),
            **self.settings,
        }

    def find(self, name: str, generation: str | None = None) -> StoredObject:
        """The live object, or the named generation of it, live or not; Failure 404."""
        live = self.live.get(name)
        if generation is None:
            found = live
        else:
            candidates = [*self.old.get(name, ()), *([live] if live else [])]
            found = next((one for one in candidates if str(one.generation) == generation), None)
        if found is None:
            raise Failure(404, "notFound", f"No such object: {self.name}/{name}")
        return found

    def put(
        self, made: StoredObject, conditions: Conditions, write_interval_s: float
    ) -> StoredObject:
        """Replace the live object by `made` with a generation that never was before."""
        check_name(made.name)
        check_metadata(made.metadata)
        current = self.live.get(made.name)
        conditions.check(current)
        if current:
            self._check_retention(current)
        self._check_pace(made.name, write_interval_s)
        made.generation = self._last_generation = max(
            self._last_generation + 1, time.time_ns() // 1000
        )
        if not made.kms_key:
            made.kms_key = self.settings.get("encryption", {}).get("defaultKmsKeyName", "")
        if current:
            self._retire(current)
        else:
            bisect.insort(self.sorted_names, made.name.encode())
        self.live[made.name] = made
        return made

    def remove(self, name: str, generation: str | None, conditions: Conditions) -> None:
        """Delete the live object, or for good the generation that is named."""
        found = self.find(name, generation)
        conditions.check(found)
        self._check_retention(found)
        if found is not self.live.get(name):
            self.old[name].remove(found)
            self._delete_softly(found)
            return
        del self.live[name]
        self.sorted_names.remove(name.encode())
        if generation is None:
            self._retire(found)
        else:
            self._delete_softly(found)

    def restore(self, name: str, generation: str, conditions: Conditions) -> StoredObject:
        """Make a copy of what was deleted for good the live object; Failure 404."""
        for found in self.soft.get(name, ()):
            if str(found.generation) == generation:
                made = StoredObject(
                    self.name, name, found.data, 0, found.content_type, dict(found.metadata)
                )
                return self.put(made, conditions, 0.0)
        raise Failure(404, "notFound", f"No such object: {self.name}/{name}")

    def versions(self, name: str) -> list[StoredObject]:
        """Every generation of one name, the oldest first."""
        live = self.live.get(name)
        return [*self.old.get(name, ()), *([live] if live else [])]

    def _retire(self, old: StoredObject) -> None:
        if self.settings.get("versioning", {}).get("enabled"):
            old.deleted = datetime.now(UTC)
            self.old.setdefault(old.name, []).append(old)
        else:
            self._delete_softly(old)

    def _delete_softly(self, gone: StoredObject) -> None:
        if self.soft_deletes:
            gone.soft_deleted = datetime.now(UTC)
            self.soft.setdefault(gone.name, []).append(gone)

    def _check_pace(self, name: str, write_interval_s: float) -> None:
        now = time.monotonic()
        if write_interval_s and now - self._last_write.get(name, -1e9) < write_interval_s:
            raise Failure(
                429,
                "rateLimitExceeded",
                f"The object {self.name}/{name} exceeded the rate limit for object mutation "
                "operations (create, update, and delete). Please reduce your request rate.",
            )
        self._last_write[name] = now

    def _check_retention(self, current: StoredObject) -> None:
        if self.settings.get("defaultEventBasedHold"):
            raise Failure(
                403,
                "objectUnderActiveHold",
                f"Object '{self.name}/{current.name}' is under active Event-Based hold and cannot "
                "be deleted, overwritten or archived until hold is removed.",
            )
        period = int(self.settings.get("retentionPolicy", {}).get("retentionPeriod", 0))
        until = current.created + timedelta(seconds=period)
        if until > datetime.now(UTC):
            raise Failure(
                403,
                "retentionPolicyNotMet",
                f"Object '{self.name}/{current.name}' is subject to bucket's retention policy "
                f"or object retention and cannot be deleted or overwritten until {stamp(until)}",
            )


def check_name(name: str) -> None:
    if (
        not name
        or len(name.encode()) > MAX_NAME_BYTES
        or name in (".", "..")
        or "\r" in name
        or "\n" in name
        or name.startswith(".well-known/acme-challenge/")
    ):
        raise Failure(400, "invalid", f"The object name {name!r} is not valid.")


def check_metadata(metadata: Any) -> None:
    if not isinstance(metadata, dict) or not all(
        isinstance(value, str) for value in metadata.values()
    ):
        raise Failure(400, "invalid", "Custom metadata must map strings to strings.")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in metadata.items())
    if size > MAX_METADATA_BYTES:
        raise Failure(400, "invalid", f"Custom metadata has {size} bytes; 8192 are allowed.")
