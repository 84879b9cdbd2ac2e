"""Examine a bucket as the location of a store: permissions, settings and the trial."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import requests
from google.api_core.exceptions import NotFound as Missing
from google.api_core.exceptions import from_http_response
from google.auth.exceptions import GoogleAuthError

from labeler.errors import StoreError
from labeler.storage.doctor.bucket_settings import held_back, settings_of
from labeler.storage.doctor.findings import (
    ExaminedPlace,
    Finding,
    fault,
    ok,
    probe_key,
    try_out,
    warning,
)
from labeler.storage.gcs import GcsStore
from labeler.storage.gcs_connection import Connection
from labeler.storage.gcs_errors import bucket_missing, explain
from labeler.storage.retry import RetryPolicy, Tries

_DELETE: Final = "storage.objects.delete"
_NEEDED: Final = {
    "storage.objects.list": "The list of images is made by listing.",
    "storage.objects.get": "Documents and images can't be opened.",
    "storage.objects.create": "Nothing can be added or saved.",
    _DELETE: "Replacing needs it too: no document can be saved a second time.",
}
_SEE_SETTINGS: Final = "storage.buckets.get"
_SEE_RIGHTS: Final = "storage.buckets.getIamPolicy"
_EVERYBODY: Final = frozenset({"allUsers", "allAuthenticatedUsers"})
_DOING: Final = "The bucket can't be examined"


def examine_bucket(place: ExaminedPlace, *, timeout_s: int, kms_key: str) -> Iterator[Finding]:
    """Findings about the bucket."""
    bucket = place.location.bucket
    try:
        connection = Connection(bucket, RetryPolicy(timeout_s))
    except GoogleAuthError as error:
        yield _unusable(explain(error, bucket, _DOING))
        return
    with contextlib.closing(connection):
        try:
            yield from _Examination(place, connection, timeout_s, kms_key).findings()
        except StoreError as error:
            yield _unusable(error)


def _unusable(error: StoreError) -> Finding:
    return fault(error.message, "Nothing can be opened or saved.")


class _Examination:
    """The examination of one bucket."""

    def __init__(
        self, place: ExaminedPlace, connection: Connection, timeout_s: int, kms_key: str
    ) -> None:
        self._place = place
        self._bucket = place.location.bucket
        self._connection = connection
        self._timeout_s = timeout_s
        self._kms_key = kms_key

    def findings(self) -> Iterator[Finding]:
        """Every finding; StoreError if the bucket does not answer or does not exist."""
        held = set(
            self._ask("/iam/testPermissions", permissions=[*_NEEDED, _SEE_SETTINGS, _SEE_RIGHTS])
            .get("permissions", ())
        )  # fmt: skip
        if emulator := os.environ.get("STORAGE_EMULATOR_HOST"):
            yield ok(f"Not Google but {emulator} is asked (STORAGE_EMULATOR_HOST)")
        yield ok(f"The bucket {self._bucket} is there")
        yield from self._rights(held)
        settings: dict[str, Any] = {}
        if _SEE_SETTINGS in held:
            settings = self._ask("", projection="noAcl")
            yield from settings_of(settings, self._place, self._kms_key)
        else:
            yield warning(
                f"The bucket's settings can't be seen: this account lacks {_SEE_SETTINGS}",
                "Versioning, lifecycle rules, retention and public access stay unchecked.",
                "gcloud auth application-default login  # as somebody who administers the bucket",
            )
        if _SEE_RIGHTS in held:
            yield from self._public()
        yield from self._trial(held, settings)

    # --- permissions ----------------------------------------------------------------------

    def _rights(self, held: set[str]) -> Iterator[Finding]:
        """Faults for missing permissions; originals are never replaced, so need no right to delete.

        A role may be granted only for names below a prefix, which only the trial can show.
        """
        missing = [
            name
            for name in _NEEDED
            if name not in held and (self._place.replaces or name != _DELETE)
        ]
        if not missing:
            yield ok("This account has the permissions that Labeler needs")
        elif not self._place.location.path:
            for name in missing:
                what = f"This account lacks the permission {name}"
                yield fault(what, _NEEDED[name], self._grant())

    def _grant(self) -> str:
        return (
            f"gcloud storage buckets add-iam-policy-binding gs://{self._bucket} "
            "--member=serviceAccount:ACCOUNT --role=roles/storage.objectUser"
        )

    def _public(self) -> Iterator[Finding]:
        policy = self._ask("/iam", optionsRequestedPolicyVersion="3")
        for binding in policy.get("bindings", ()):
            for member in sorted(_EVERYBODY.intersection(binding["members"])):
                yield fault(
                    f"{member} has the role {binding['role']} on the bucket",
                    "Anybody on the internet sees what is in it, or even changes it.",
                    f"gcloud storage buckets remove-iam-policy-binding gs://{self._bucket} "
                    f"--member={member} --role={binding['role']}",
                )

    # --- the trial ------------------------------------------------------------------------

    def _trial(self, held: set[str], settings: dict[str, Any]) -> Iterator[Finding]:
        """Findings from a trial on one object, if that object can be removed again."""
        if _NEEDED.keys() - held - {_DELETE} and not self._place.location.path:
            return  # the faults have been reported
        reason = held_back(settings) or self._held_objects(held, settings)
        if "storage.objects.create" in held and _DELETE not in held:
            reason = "this account may not delete"
        if reason:
            yield ok(f"Saving was not tried, for the object would stay behind: {reason}")
            return
        path = self._place.location.path
        store = GcsStore(self._bucket, path, timeout_s=self._timeout_s, kms_key=self._kms_key)
        key = probe_key()
        name = f"{path}/{key}" if path else key
        findings: list[Finding] = []
        try:
            with contextlib.closing(store):
                findings = try_out(store, key, repair=self._grant())
        finally:
            # If not even the first step succeeded, no object was created.
            left = len(findings) != 1 and self._remove(name)
        yield from findings
        if left:
            why = "It is no image and is not shown, but takes a few bytes."
            repair = f"gcloud storage rm --all-versions gs://{self._bucket}/{name}"
            yield warning(f"The object {name} could not be removed", why, repair)

    def _held_objects(self, held: set[str], settings: dict[str, Any]) -> str:
        """The reason of `held_back`, read from an existing object if the settings can't be seen."""
        if settings or "storage.objects.list" not in held:
            return ""
        fields = "items(retentionExpirationTime,eventBasedHold)"
        for item in self._ask("/o", maxResults="1", fields=fields).get("items", ()):
            if item:
                return "the objects that are there are under retention or a hold"
        return ""

    def _remove(self, name: str) -> bool:
        """Remove every version of the object; returns whether a version may be left."""

        def remove(tries: Tries) -> None:
            blobs = self._connection.bucket.list_blobs(
                prefix=name, versions=True, retry=None, timeout=tries.timeout
            )
            for blob in blobs:
                with contextlib.suppress(Missing):
                    self._connection.bucket.delete_blob(
                        name, generation=blob.generation, retry=None, timeout=tries.timeout
                    )

        try:
            self._connection.call(_DOING, remove)
        except (StoreError, Missing):
            return True
        return False

    def _ask(self, path: str, **query: str | list[str]) -> dict[str, Any]:
        """The JSON API's answer about the bucket."""
        url = f"{self._connection.endpoint}/storage/v1/b/{quote(self._bucket, safe='')}{path}"

        def get(tries: Tries) -> dict[str, Any]:
            response: requests.Response = self._connection.session.get(
                url, params=query, timeout=tries.timeout
            )
            if response.status_code != requests.codes.ok:
                raise from_http_response(response)
            answer: dict[str, Any] = response.json()
            return answer

        try:
            return self._connection.call(_DOING, get)
        except Missing as error:
            raise bucket_missing(self._bucket, _DOING) from error
