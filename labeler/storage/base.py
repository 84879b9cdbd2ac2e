"""The Store: bytes by key, each state of an object under a version.

The contract is the same on every backend and has one test suite (tests/storage/contract.py):

* A key is a relative path of `/`-separated parts in NFC, none of them empty, `.` or `..`, none
  beginning with the reserved `.labeler`, without control characters, at most 1,024 bytes of UTF-8.
  Any other key raises InvalidRequest.
* A version is an opaque token that names one state of one object. Every successful write gives a
  version that the object never had before.
* Every write and delete names the state it replaces: a version, or ABSENT. There is no
  overwrite. On a mismatch VersionConflict is raised and nothing is changed. New metadata names the
  state that it belongs to, and that state keeps its version.
* A write is whole or not at all, durable when it returns, and visible to every later read and
  list of every process.
* If a write succeeded but its answer was lost, the retry inside the store recognizes the write and
  succeeds.
* Transient failures are retried inside the store, up to a limit; then Unavailable is raised.
* The only errors are NotFound, VersionConflict, NotAllowed, Unavailable and DamagedObject, and
  InvalidRequest for keys, metadata or limits that break these rules or that the location can't
  hold.

A new backend needs a Store, a `StoreKind` and its parsing (settings.py), its checks in `doctor/`,
and a fixture in tests/storage/conftest.py, with which it runs the contract's tests. mypy then names
each `match` that has to know the kind, `open_store` among them. It does not name the places that
need what one kind alone has: they compare with `is StoreKind`, or use `Location.bucket`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import chain
from types import MappingProxyType
from typing import BinaryIO, Final, Literal, NamedTuple, NewType, Protocol

from labeler.errors import InvalidRequest

Version = NewType("Version", str)


class _Absent(Enum):
    ABSENT = "absent"


ABSENT: Final = _Absent.ABSENT
"""The state that a creating write names: the object must not exist yet."""

Replaces = Version | Literal[_Absent.ABSENT]

MAX_KEY_BYTES: Final = 1024
_UNFIT: Final = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters and lone surrogates."""
_PLAIN: Final = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_. -]*(?:/[0-9A-Za-z_-][0-9A-Za-z_. -]*)*")
"""Most keys. A key that matches follows all rules, and this check is much faster."""
RESERVED: Final = ".labeler"
"""The prefix of key parts that a backend uses itself; such keys are never listed, read or written.

In any letter case, because some file systems ignore case.
"""

MAX_METADATA_BYTES: Final = 4096
MAX_PARTS: Final = 32
"""The most objects that one call joins; what was joined can be joined again."""


class ObjectInfo(NamedTuple):
    """One object as a listing shows it.

    `size` is in bytes, `updated_at` in seconds since 1970. `metadata` holds the strings given at
    the write; it is empty if another program wrote the object. `md5` is the hex MD5 of the bytes if
    the backend knows it without reading them, else None.
    """

    key: str
    version: Version
    size: int
    updated_at: float
    metadata: Mapping[str, str]
    md5: str | None

    @property
    def updated(self) -> datetime:
        """When this state was written, in UTC."""
        return datetime.fromtimestamp(self.updated_at, UTC)


class Scanned(NamedTuple):
    """One object as a scan shows it. Without a note, only key and version are set.

    `md5` is also empty if the backend would have to read the object for it.
    """

    key: str
    version: Version
    size: int
    md5: str
    note: str


NONE_KNOWN: Final[Mapping[str, Version]] = MappingProxyType({})


def gone(keys: Iterable[str]) -> Iterator[Scanned]:
    """The entries by which a scan reports that these objects no longer exist."""
    return (Scanned(key, Version(""), 0, "", "") for key in sorted(keys))


@dataclass(frozen=True, slots=True)
class Page:
    """Objects in ascending order of their keys' UTF-8 bytes; pass `next` as `after`."""

    objects: tuple[ObjectInfo, ...]
    next: str | None


class Store(Protocol):
    """Objects by key with versions; the module's docstring is the contract."""

    def read(self, key: str) -> tuple[bytes, ObjectInfo]:
        """The bytes and the info of the same state of the object; raises NotFound."""
        ...

    def read_many(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes, Version]]:
        """Many small objects, in the order given, in bounded memory; missing ones are left out."""
        ...

    def info(self, key: str) -> ObjectInfo:
        """The info that a listing would show of this object; raises NotFound."""
        ...

    def open(self, key: str) -> AbstractContextManager[Iterator[bytes]]:
        """The bytes of one state in chunks of at most 1 MiB; raises NotFound on entering."""
        ...

    def write(
        self,
        key: str,
        data: bytes | BinaryIO,
        *,
        replaces: Replaces,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
    ) -> Version:
        """Replace the named state; a BinaryIO must be seekable and is streamed from its start.

        Metadata keys are [a-z0-9_-]+, values any text, together at most 4 KiB of UTF-8.
        """
        ...

    def compose(
        self,
        key: str,
        parts: Sequence[str],
        *,
        replaces: Replaces,
        metadata: Mapping[str, str] | None = None,
        content_type: str = "application/octet-stream",
    ) -> Version:
        """Write the bytes of 1 to MAX_PARTS objects, one after another, as one object.

        The bytes do not pass through this process's memory. Raises NotFound if a part is missing.
        The parts must not change meanwhile. The MD5 of the object may not be known afterwards.
        """
        ...

    def set_metadata(self, key: str, metadata: Mapping[str, str], *, version: Version) -> None:
        """Give the object in that state this metadata; its bytes and its version stay.

        Raises NotFound or VersionConflict. The metadata that was there is gone. The backend knows
        the MD5 afterwards, as after a write, unless the object was composed.
        """
        ...

    def list(self, prefix: str = "", *, after: str = "", limit: int = 1000) -> Page:
        """Objects whose key begins with `prefix` and is above `after`; 1 <= limit <= 1000."""
        ...

    def scan(
        self,
        prefix: str,
        *,
        note: str = "",
        splits: Sequence[str] = (),
        known: Mapping[str, Version] = NONE_KNOWN,
    ) -> Iterator[Scanned]:
        """Every object below `prefix`, ascending, as fast as the backend can; for large stores.

        `note` names the metadata value that each entry carries, empty if an object has none. A
        backend may list in parallel from the keys in `splits`; they change no result. Objects in
        the versions that `known` lists, by keys below `prefix`, are left out. A key of `known`
        that no longer exists comes after all others, with an empty version.
        """
        ...

    def delete(self, key: str, *, version: Version) -> None:
        """Remove the object in that state; raises NotFound or VersionConflict."""
        ...

    def close(self) -> None:
        """Close connections and end threads; calling it twice is harmless."""
        ...


def list_all(
    store: Store, prefix: str = "", watch: Callable[[], None] = lambda: None
) -> Iterator[ObjectInfo]:
    """Every object below `prefix`, in ascending order of the keys' UTF-8 bytes.

    They are listed page by page; `watch` is called when the objects of a page are taken.
    """

    def pages() -> Iterator[tuple[ObjectInfo, ...]]:
        after: str | None = ""
        while after is not None:
            page = store.list(prefix, after=after)
            yield page.objects
            watch()
            after = page.next

    return chain.from_iterable(pages())


def check_key(key: str) -> str:
    """The key itself if it follows the contract's rules; InvalidRequest otherwise."""
    if _PLAIN.fullmatch(key) and len(key) <= MAX_KEY_BYTES:
        return key
    parts = key.split("/")
    if (
        any(part in ("", ".", "..") for part in parts)
        or any(part.casefold().startswith(RESERVED) for part in parts)
        or _UNFIT.search(key)
        or len(key.encode("utf-8", "surrogatepass")) > MAX_KEY_BYTES
        or not unicodedata.is_normalized("NFC", key)
    ):
        raise InvalidRequest(f"{key!r} can't be the name of an object in the store.")
    return key


def check_parts(parts: Sequence[str]) -> list[str]:
    """The keys of the parts if they follow the contract's rules; InvalidRequest otherwise."""
    if not 1 <= len(parts) <= MAX_PARTS:
        raise InvalidRequest(f"1 to {MAX_PARTS} objects can be joined, not {len(parts)}.")
    return [check_key(part) for part in parts]


def check_metadata(metadata: Mapping[str, str] | None) -> dict[str, str]:
    """A copy of the metadata if it follows the contract's rules; InvalidRequest otherwise."""
    checked = dict(metadata or {})
    try:
        size = sum(len(name) + len(value.encode()) for name, value in checked.items())
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"This metadata can't be written as UTF-8: {error.object!r}."
        ) from error
    for name in checked:
        if not re.fullmatch(r"[a-z0-9_-]+", name):
            raise InvalidRequest(f"{name!r} can't name metadata: use a-z, 0-9, _ and -.")
    if size > MAX_METADATA_BYTES:
        raise InvalidRequest(
            f"This metadata has {size} bytes; at most {MAX_METADATA_BYTES} are allowed."
        )
    return checked
