"""Limits on answers that are sent from memory: the bytes at one time, and the duration."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Final

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from labeler.errors import Busy

logger = logging.getLogger(__name__)

SMALL: Final = 2**16
"""Answers up to this size are neither counted nor refused: the system's own buffers take them."""
GRACE_S: Final = 30.0
SLOWEST: Final = 2**15
"""Bytes per second that a caller must read, after the grace period."""
HURRY_S: Final = 5.0
"""If the room is full, whoever has taken no piece for so many seconds is cut off."""
_PIECE: Final = 2**17


class SendBudget:
    """Limits the bytes of answers that are being sent, of all callers together and of each.

    Without these limits, the server waits for slow callers indefinitely and holds the rest of each
    answer. Belongs to one event loop.
    """

    def __init__(self, max_held: int) -> None:
        self._max_held = max_held
        self._sending: set[_Pieces] = set()

    def bounded(self, answer: Response, caller: str, *, may_refuse: bool) -> Response:
        """The answer, which is cut off if the caller reads far too slowly.

        If there is no room for it, those who read too slowly make room. Raises Busy if that is not
        enough, or if this caller already holds half of all room; never without `may_refuse`, for
        calls that have changed something.
        """
        if isinstance(answer, StreamingResponse) or len(answer.body) <= SMALL:
            return answer
        pieces = _Pieces(self._sending, answer, caller)
        if may_refuse:
            self._make_room(pieces)
        return pieces

    def _make_room(self, newest: _Pieces) -> None:
        own = sum(one.size for one in self._sending if one.caller == newest.caller)
        if own and own + newest.size > self._max_held // 2:
            raise _busy()
        while self._sending and self._held() + newest.size > self._max_held:
            slowest = max(self._sending, key=_Pieces.idle_s)
            if slowest.idle_s() < HURRY_S:
                raise _busy()
            slowest.cut_off()

    def _held(self) -> int:
        return sum(one.size for one in self._sending)


class _Pieces(Response):
    """An answer in pieces; each is sent when the previous one has left."""

    def __init__(self, sending: set[_Pieces], answer: Response, caller: str) -> None:
        self.status_code = answer.status_code
        self.raw_headers = answer.raw_headers
        self.background = answer.background
        self.body = answer.body
        self.size = len(answer.body)
        self.caller = caller
        self._sending = sending
        self._moved = time.monotonic()
        self._timeout = asyncio.timeout(GRACE_S + self.size / SLOWEST)

    def idle_s(self) -> float:
        """Seconds since the caller took a piece."""
        return time.monotonic() - self._moved

    def cut_off(self) -> None:
        self._sending.discard(self)
        self._timeout.reschedule(0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._sending.add(self)
        try:
            async with self._timeout:
                await self._send(send)
        except TimeoutError:
            # After an incomplete answer, the server closes the connection.
            logger.warning(
                "A caller took too long to read %d bytes, and was disconnected", self.size
            )
        finally:
            self._sending.discard(self)

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        for begin in range(0, self.size, _PIECE):
            end = begin + _PIECE
            body = bytes(self.body[begin:end])
            await send({"type": "http.response.body", "body": body, "more_body": end < self.size})
            self._moved = time.monotonic()


def _busy() -> Busy:
    return Busy("Too many large answers are being sent at once. Send this call again.")
