"""The one connection pool of a store to its bucket, and the loop that repeats a call."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import google.auth
import requests
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession, Request
from google.cloud import storage
from requests.utils import get_environ_proxies

from labeler.runtime.events import Retry, log_event
from labeler.storage.gcs_errors import FAILURES, explain, may_pass, server_said
from labeler.storage.operations import OPERATIONS
from labeler.storage.retry import RetryPolicy, Tries

POOL_SIZE: Final = 64
"""Connections kept open; further threads open one for a single request."""

_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

T = TypeVar("T")


class Connection:
    """Google's client for one bucket, with the environment's credentials.

    STORAGE_EMULATOR_HOST names another server, which gets no credentials.
    """

    def __init__(self, bucket: str, policy: RetryPolicy) -> None:
        self.policy = policy
        if os.environ.get("STORAGE_EMULATOR_HOST"):
            self.credentials: Any = AnonymousCredentials()
        else:
            self.credentials, _ = google.auth.default(scopes=storage.Client.SCOPE)
        self.session = AuthorizedSession(self.credentials, refresh_timeout=policy.total_s)
        self._refresh = partial(Request(), timeout=policy.total_s)
        adapter = _Counted(pool_maxsize=POOL_SIZE)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)
        self.session.configure_mtls_channel()
        # Otherwise the client requests the bucket's metadata for traces that nobody collects, in a
        # thread that outlives the client and with a permission that we do not need.
        os.environ.setdefault("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        self._client = storage.Client(
            project=None, credentials=self.credentials, _http=self.session
        )
        self.bucket = self._client.bucket(bucket)
        self.endpoint: str = self._client.api_endpoint
        self.asks_environment = bool(get_environ_proxies(self.endpoint, no_proxy=None))
        """Whether a proxy may be used; a look-up each time takes half the time of a request."""
        self.session.trust_env = self.asks_environment
        self.session.verify = next(filter(None, map(os.environ.get, _BUNDLES)), True)

    def call(self, doing: str, work: Callable[[Tries], T]) -> T:
        """The result of `work`, which is repeated after transient failures.

        `doing` begins the message of other failures: "labels.json can't be read". NotFound and
        PreconditionFailed of Google's client pass through: only the caller knows what a missing
        object or a failed precondition means.
        """
        tries = self.policy.start()
        while True:
            try:
                return work(tries)
            except (NotFound, PreconditionFailed):
                raise
            except FAILURES as error:
                if not may_pass(error) or (delay := tries.next_delay()) is None:
                    raise explain(error, self.bucket.name, doing) from error
                log_event(Retry(repeated=1, reason=server_said(error)))
            time.sleep(delay)

    def headers(self) -> dict[str, str]:
        """The headers that authorize a request which this connection does not send itself."""
        headers: dict[str, str] = {}
        self.credentials.before_request(self._refresh, "GET", self.endpoint, headers)
        return headers

    def close(self) -> None:
        self._client.close()
        OPERATIONS.report()


class _Counted(requests.adapters.HTTPAdapter):
    """Sends requests, and counts them."""

    def send(
        self, request: requests.PreparedRequest, *given: Any, **named: Any
    ) -> requests.Response:
        OPERATIONS.count(request.method or "", request.url or "")
        return super().send(request, *given, **named)
