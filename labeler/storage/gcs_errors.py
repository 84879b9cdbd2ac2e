"""Which failures of a bucket are transient, and the messages for the others."""

from __future__ import annotations

import asyncio
from typing import Final

import requests
import urllib3
from google.api_core.exceptions import GoogleAPICallError
from google.auth.exceptions import GoogleAuthError
from google.auth.exceptions import TransportError as AuthTransportError

from labeler.errors import NotAllowed, StoreError, Unavailable

FAILURES: Final = (
    GoogleAPICallError,
    GoogleAuthError,
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    OSError,
    asyncio.TimeoutError,
)
"""All exceptions of Google's client and of its connections."""

_PASSING_STATUS: Final = frozenset({408, 410, 429})
"""In addition to 5xx. 410 is a resumable upload that the service has lost; it is started again."""

_TOO_OFTEN: Final = frozenset({"rateLimitExceeded", "userRateLimitExceeded"})
"""The reasons of a 403 that means 429."""

_WRONG_ADDRESS: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidSchema,
)


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed when it is sent again."""
    if isinstance(error, GoogleAPICallError):
        code = error.code or 0
        if code == 403:
            return _reason(error) in _TOO_OFTEN
        return code in _PASSING_STATUS or code >= 500 or (code == 400 and _is_damaged(error))
    if isinstance(error, GoogleAuthError):
        return isinstance(error, AuthTransportError) or error.retryable
    return not isinstance(error, _WRONG_ADDRESS)


def explain(error: BaseException, bucket: str, doing: str) -> StoreError:
    """The error for a person, beginning with what could not be done.

    For transient failures that lasted until the attempts ended, and for permanent failures.
    """
    said = server_said(error)
    if may_pass(error):
        return Unavailable(
            f"{doing}: Cloud Storage did not take it in time ({said}). Try again in a moment."
        )
    if isinstance(error, GoogleAuthError):
        return NotAllowed(
            f"{doing}: there are no valid Google credentials ({said}). On a laptop run "
            "`gcloud auth application-default login`; on Cloud Run give the service an account."
        )
    if isinstance(error, GoogleAPICallError):
        return _explain_answer(error, bucket, doing, said)
    return Unavailable(
        f"{doing}: {error}. Check STORAGE_EMULATOR_HOST, if it is set: it must be an address like "
        "http://127.0.0.1:4443."
    )


def bucket_missing(bucket: str, doing: str) -> NotAllowed:
    """The error for a bucket that does not exist; `doing` begins its message."""
    return NotAllowed(
        f"{doing}: there is no bucket {bucket}. Create it with `gcloud storage buckets create "
        f"gs://{bucket}`, or name another one in LABELER_STORAGE or LABELER_UPLOADS."
    )


def server_said(error: BaseException) -> str:
    """The service's own message if it answered, else the failure of the connection."""
    response = getattr(error, "response", None)
    if isinstance(response, requests.Response):
        try:
            return str(response.json()["error"]["message"])
        except (requests.JSONDecodeError, KeyError, TypeError):
            return response.text.strip()[:300] or f"{response.status_code} {response.reason}"
    if isinstance(error, GoogleAPICallError):
        return str(error.message)
    if isinstance(error, GoogleAuthError):
        return str(error)
    if isinstance(error, TimeoutError | requests.Timeout | urllib3.exceptions.TimeoutError):
        return "no answer"
    return f"the connection failed: {type(error).__name__}"


def _explain_answer(error: GoogleAPICallError, bucket: str, doing: str, said: str) -> StoreError:
    if error.code == 401:
        return NotAllowed(
            f"{doing}: Google refuses the credentials ({said}). On a laptop run `gcloud auth "
            "application-default login`; on Cloud Run check the service's account."
        )
    reason = _reason(error)
    if reason == "retentionPolicyNotMet":
        return NotAllowed(
            f"{doing}: the retention policy of the bucket {bucket} forbids to replace or delete "
            f"young objects ({said}). Annotations must be replaceable: remove the policy with "
            f"`gcloud storage buckets update gs://{bucket} --clear-retention-period`."
        )
    if reason == "objectUnderActiveHold":
        return NotAllowed(
            f"{doing}: a hold on the object forbids to replace or delete it ({said}). Release it "
            f"with `gcloud storage objects update gs://{bucket}/NAME --no-event-based-hold "
            "--no-temporary-hold`, and see that the bucket puts none on new objects: "
            f"`gcloud storage buckets update gs://{bucket} --no-default-event-based-hold`."
        )
    if error.code == 403 and reason in ("", "forbidden", "insufficientPermissions"):
        return NotAllowed(
            f"{doing}: not allowed on the bucket {bucket} ({said}). The service's account needs "
            f"the role roles/storage.objectUser: `gcloud storage buckets add-iam-policy-binding "
            f"gs://{bucket} --member=serviceAccount:ACCOUNT --role=roles/storage.objectUser`."
        )
    return NotAllowed(f"{doing}: Cloud Storage refuses it for the bucket {bucket} ({said}).")


def _reason(error: GoogleAPICallError) -> str:
    """The service's one-word reason; empty if it gave none."""
    try:
        details = error.errors or error.response.json()["error"]["errors"]
        return str(details[0]["reason"])
    except (AttributeError, ValueError, LookupError, TypeError):
        return ""


def _is_damaged(error: GoogleAPICallError) -> bool:
    """Whether the service refuses a write because the bytes changed in transit."""
    said = server_said(error)
    return "doesn't match" in said and ("CRC32C" in said.upper() or "MD5" in said.upper())
