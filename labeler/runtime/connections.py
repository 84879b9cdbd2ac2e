"""Limits on connections that only wait: each holds a descriptor, and their number is limited.

uvicorn 0.54 waits without end for a caller who never completes a request, and for one who never
reads an answer: to close such a connection, it first waits until the answer has left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final

from uvicorn.config import HTTP_PROTOCOLS
from uvicorn.protocols.http.h11_impl import H11Protocol

from labeler.runtime.uvicorn_protocols import replace_protocol


class Wait(StrEnum):
    """What a connection waits for."""

    REQUEST = "request"
    """That a request is complete up to its body."""
    REST = "rest"
    """That the rest of a body arrives whose request is answered."""
    READER = "reader"
    """That the caller reads more of an answer."""
    CLOSING = "closing"
    """That the caller reads the rest, and the connection closes."""
    GIVEN_UP = "given up"
    """The same, where the answer will never be whole."""


LONGEST_S: Final = {
    Wait.REQUEST: 30.0,
    Wait.REST: 120.0,
    # The system holds megabytes, and says only now and then that some of them have left.
    Wait.READER: 120.0,
    Wait.CLOSING: 120.0,
    Wait.GIVEN_UP: 0.0,
}
"""Seconds after which the connection ends."""
LOOK_S: Final = 10.0


class ConnectionWatch:
    """Ends a connection that waits for the same thing for too long; `waits_for` says for what."""

    def __init__(self, transport: asyncio.Transport, waits_for: Callable[[], Wait | None]) -> None:
        self._transport = transport
        self._waits_for = waits_for
        self._loop = asyncio.get_running_loop()
        self._wait = waits_for()
        self._since = self._loop.time()
        self._timer = self._loop.call_later(LOOK_S, self._look)

    def stop(self) -> None:
        self._timer.cancel()

    def begin(self) -> None:
        """Count from now on, because what was waited for has come."""
        self._since = self._loop.time()

    def _look(self) -> None:
        now, wait = self._loop.time(), self._waits_for()
        if wait is not self._wait:
            self._wait, self._since = wait, now
        if wait is not None and now - self._since >= LONGEST_S[wait]:
            self._transport.abort()
            return
        self._timer = self._loop.call_later(LOOK_S, self._look)


class BoundedConnection(H11Protocol):
    """uvicorn's protocol with limits on how long a connection waits for its caller."""

    _watch: ConnectionWatch | None = None
    _unread = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch = ConnectionWatch(transport, self._waits_for)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_watch()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: Any) -> None:
        self._stop_watch()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        if self._watch is not None:
            self._watch.begin()
        super().on_response_complete()

    def pause_writing(self) -> None:
        self._unread = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self._unread = False
        if self._watch is not None:
            self._watch.begin()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer a malformed request; a call that works on it learns that its caller is gone.

        Otherwise the call would fail at its answer, with a traceback.
        """
        is_answered = self.cycle is None or self.cycle.response_complete
        if not is_answered:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            if self.cycle.response_started:
                self.transport.close()
                return
        super().send_400_response(msg)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.stop()

    def _waits_for(self) -> Wait | None:
        is_answered = self.cycle is None or self.cycle.response_complete
        if self.transport.is_closing():
            return Wait.CLOSING if is_answered else Wait.GIVEN_UP
        if self._unread:
            return Wait.READER
        if not is_answered:
            return None
        return Wait.REST if self.cycle is not None and self.cycle.more_body else Wait.REQUEST


def bound_connections() -> None:
    """Make servers of this process use it."""
    replace_protocol(HTTP_PROTOCOLS, "auto", BoundedConnection, "waiting connections")
