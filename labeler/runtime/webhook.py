"""The webhook: an address that is told what happened, signed, and never in anybody's way.

Calls are made one after the other by a thread of their own, and tried again while the receiver
can't be reached. A receiver may get one call twice, and none that waits when the process is killed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Final, NamedTuple

from labeler.runtime.events import WebhookFailed, log_event
from labeler.runtime.http_fetch import fetch

MOST_WAITING: Final = 1000
WAITS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""Seconds before each further try; after the last one the call is given up."""
TIMEOUT_S: Final = 10.0
CLOSING_S: Final = 2.0
LOGGED_EVERY: Final = timedelta(minutes=1)
"""A receiver that is away gets one line in the log within this time, and not one per call."""
SIGNATURE: Final = "X-Labeler-Signature"
_AGAIN: Final = frozenset({408, 425, 429})


class _Call(NamedTuple):
    event: str
    body: bytes


class Webhook:
    """Tells `address` of events; an empty address is told nothing."""

    def __init__(
        self,
        address: str,
        secret: bytes,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        waits: tuple[float, ...] = WAITS,
    ) -> None:
        self._address = address
        self._key = webhook_key(secret)
        self._clock = clock
        self._waits = waits
        self._calls: queue.Queue[_Call | None] = queue.Queue(MOST_WAITING)
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._lost = 0
        self._last: WebhookFailed | None = None
        self._logged_at: datetime | None = None

    def tell(self, event: str, **facts: object) -> None:
        """Have the address called; returns at once. What is too much is dropped, and counted."""
        if not self._address or self._closing.is_set():
            return
        told = {"id": uuid.uuid4().hex, "event": event, "at": self._clock().isoformat(), **facts}
        try:
            self._calls.put_nowait(_Call(event, json.dumps(told).encode()))
        except queue.Full:
            self._give_up(event, 0, "too many calls wait already")
            return
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhook", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Try what waits once more, for two seconds at most; calling it twice is harmless."""
        self._closing.set()
        if self._thread is not None:
            with suppress(queue.Full):
                self._calls.put_nowait(None)
                self._thread.join(CLOSING_S)
        self._log_lost(timedelta(0))

    # --- within ---------------------------------------------------------------------------

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self._deliver(call)

    def _deliver(self, call: _Call) -> None:
        tries = 0
        for wait in (*self._waits, None):
            tries += 1
            problem, is_final = self._send(call)
            if not problem:
                return
            if is_final or wait is None or self._closing.wait(wait):
                break
        self._give_up(call.event, tries, problem)

    def _give_up(self, event: str, tries: int, reason: str) -> None:
        with self._lock:
            self._lost += 1
            self._last = WebhookFailed(call=event, tries=tries, reason=reason, lost=self._lost)
        self._log_lost(LOGGED_EVERY)

    def _log_lost(self, pause: timedelta) -> None:
        """Log the calls that were given up since the last line, unless that was just now."""
        with self._lock:
            now = self._clock()
            is_soon = self._logged_at is not None and now - self._logged_at < pause
            if self._last is None or is_soon:
                return
            last, self._last, self._lost, self._logged_at = self._last, None, 0, now
        log_event(last)

    def _send(self, call: _Call) -> tuple[str, bool]:
        """What went wrong, empty if nothing did, and whether another try is no use."""
        request = urllib.request.Request(  # noqa: S310 - the settings allow http and https alone
            self._address,
            call.body,
            {
                "Content-Type": "application/json",
                "User-Agent": "Labeler",
                SIGNATURE: signature(self._key, int(self._clock().timestamp()), call.body),
            },
        )
        try:
            fetch(request, TIMEOUT_S, 1)
        except urllib.error.HTTPError as error:
            return f"it answered {error.code}", error.code < 500 and error.code not in _AGAIN
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            return f"it can't be reached ({reason})", False
        return "", False


def webhook_key(secret: bytes) -> bytes:
    """The key of signatures: other than the secret, so that a receiver can sign no token."""
    return hmac.new(secret, b"labeler webhook", hashlib.sha256).hexdigest().encode()


def signature(key: bytes, timestamp: int, body: bytes) -> str:
    """The header's value: when it was signed, and the HMAC-SHA256 of that time and the body."""
    signed = hmac.new(key, f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={signed}"
