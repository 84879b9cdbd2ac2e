"""Old states of objects that a bucket has kept. They can be read and never changed.

The Store's contract knows only the present, so this is a separate reader. local_history.py is
what a folder keeps.
"""

from __future__ import annotations

import contextlib
import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Final
from urllib.parse import quote

from google.api_core.exceptions import NotFound as Missing
from google.api_core.exceptions import PreconditionFailed, from_http_response
from google.auth.exceptions import GoogleAuthError

from labeler.errors import DamagedObject, InvalidRequest, NotFound, VersionConflict
from labeler.settings import Location
from labeler.storage.base import ABSENT, ObjectInfo, Replaces, check_key
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_errors import bucket_missing, explain
from labeler.storage.gcs_media import AS_STORED, Checksum, media_url
from labeler.storage.gcs_metadata import info_of
from labeler.storage.retry import RetryPolicy, Tries

_FIELDS: Final = (
    "items(name,generation,timeCreated,timeDeleted,softDeleteTime,updated,size,metadata,md5Hash,"
    "contentType),nextPageToken"
)
_NO_SOFT_DELETE: Final = (400, 412)
_GENERATION: Final = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True)
class PastObject:
    """A state of an object, and the time when it was current; `until` is None while it is current.

    A permanently `deleted` state is in soft delete: it can be restored, but not read.
    """

    info: ObjectInfo
    since: datetime
    until: datetime | None
    content_type: str
    deleted: bool

    def was_at(self, moment: datetime) -> bool:
        """Whether a reader at that moment would have got this state."""
        return self.since <= moment and (self.until is None or moment < self.until)


class PastObjects:
    """The old states of the objects below one prefix of a bucket."""

    def __init__(self, location: Location, *, timeout_s: float) -> None:
        self._bucket = location.bucket
        self._prefix = f"{location.path}/" if location.path else ""
        try:
            self._connection = Connection(self._bucket, RetryPolicy(timeout_s))
        except GoogleAuthError as error:
            raise explain(error, self._bucket, "Old versions can't be listed") from error

    def states(self, prefix: str) -> Iterator[tuple[str, list[PastObject]]]:
        """Each key below `prefix` with the states that are still kept, in ascending order."""
        start = len(self._prefix)
        listed = (self._items(prefix, kind) for kind in ("versions", "softDeleted"))
        merged = heapq.merge(*listed, key=lambda item: item["name"].encode())
        for name, items in groupby(merged, key=lambda item: item["name"]):
            with contextlib.suppress(InvalidRequest):
                key = check_key(name[start:])
                yield key, [_state(item, self._prefix) for item in items]

    def read(self, state: PastObject) -> bytes:
        """The bytes of that state, which must not be deleted; NotFound if it is no longer kept."""
        return self.read_version(state.info.key, state.info.version)

    def versions(self, key: str) -> list[PastObject]:
        """The states of one object that can be read, the newest first."""
        name = self._prefix + check_key(key)
        items = [item for item in self._items(key, "versions") if item["name"] == name]
        return [_state(item, self._prefix) for item in sorted(items, key=_age, reverse=True)]

    def read_version(self, key: str, version: str) -> bytes:
        """The bytes of one state of an object; NotFound if it is not, or no longer, kept."""
        doing = f"An old version of {key} can't be read"
        if not _GENERATION.fullmatch(version):
            raise NotFound(f"{doing}: there is no version {version!r}.")
        url = media_url(self._connection.endpoint, self._bucket, self._prefix + check_key(key))
        url += f"&generation={version}"

        def fetch(tries: Tries) -> bytes:
            response = self._connection.session.get(url, headers=AS_STORED, timeout=tries.timeout)
            if response.status_code != 200:
                raise from_http_response(response)
            data: bytes = response.content
            checksum = Checksum(response.headers)
            checksum.feed(data)
            if not checksum.fits():
                raise DamagedObject(f"{doing}: what arrived is not what the bucket holds.")
            return data

        try:
            return self._connection.call(doing, fetch)
        except Missing as error:
            raise NotFound(f"{doing}: the bucket does not keep it.") from error

    def bring_back(self, state: PastObject, replaces: Replaces) -> None:
        """Make a copy of a deleted state the current one; raises VersionConflict or NotFound."""
        key = state.info.key
        doing = f"A deleted version of {key} can't be brought back"
        bucket, name = quote(self._bucket, safe=""), quote(self._prefix + key, safe="")
        url = f"{self._connection.endpoint}/storage/v1/b/{bucket}/o/{name}/restore"
        query = {
            "generation": state.info.version,
            "ifGenerationMatch": "0" if replaces is ABSENT else replaces,
        }

        def ask(tries: Tries) -> None:
            response = self._connection.session.post(url, params=query, timeout=tries.timeout)
            if response.status_code != 200:
                raise from_http_response(response)

        try:
            self._connection.call(doing, ask)
        except Missing as error:
            raise NotFound(f"{doing}: soft delete keeps it no longer.") from error
        except PreconditionFailed as error:
            raise VersionConflict(f"{doing}: somebody has saved {key} meanwhile.") from error

    def close(self) -> None:
        self._connection.close()

    def _items(self, prefix: str, kind: str) -> Iterator[dict[str, Any]]:
        """Old versions, or soft-deleted states; none of these if the bucket has no soft delete."""
        bucket = quote(self._bucket, safe="")
        url = f"{self._connection.endpoint}/storage/v1/b/{bucket}/o"
        query = {"prefix": self._prefix + prefix, kind: "true", "fields": _FIELDS}

        def page(tries: Tries) -> dict[str, Any]:
            response = self._connection.session.get(url, params=query, timeout=tries.timeout)
            if response.status_code in _NO_SOFT_DELETE and kind == "softDeleted":
                return {}
            if response.status_code != 200:
                raise from_http_response(response)
            found: dict[str, Any] = response.json()
            return found

        doing = "Old versions can't be listed"
        while True:
            try:
                listed = self._connection.call(doing, page)
            except Missing as error:
                raise bucket_missing(self._bucket, doing) from error
            yield from listed.get("items", ())
            if "nextPageToken" not in listed:
                return
            query["pageToken"] = listed["nextPageToken"]


def _age(item: dict[str, Any]) -> int:
    return int(item["generation"])


def _state(item: dict[str, Any], prefix: str) -> PastObject:
    until = item.get("timeDeleted") or item.get("softDeleteTime")
    return PastObject(
        info_of(item, prefix),
        datetime.fromisoformat(item["timeCreated"]),
        datetime.fromisoformat(until) if until else None,
        item.get("contentType", "application/octet-stream"),
        "softDeleteTime" in item,
    )
