"""Limits on answers that are sent from memory: the bytes at one time, and the duration."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from labeler.errors import Busy

logger = logging.getLogger(__name__)

SMALL: Final = 2**20
"""Answers up to this size are neither counted nor refused."""
GRACE_S: Final = 30.0
SLOWEST: Final = 2**15
"""Bytes per second that a caller must read, after the grace period."""
_PIECE: Final = 2**17


class SendBudget:
    """Sends answers from memory, and limits the bytes of large answers that are being sent.

    Without these limits, the server waits for slow callers indefinitely and holds the rest of each
    answer. Belongs to one event loop.
    """

    def __init__(self, max_held: int) -> None:
        self._max_held = max_held
        self._held = 0

    def answer(self, data: bytes, media_type: str, headers: Mapping[str, str]) -> Response:
        """The answer; Busy if answers that are still being sent hold too many bytes.

        The answer is cut off if the caller reads far too slowly.
        """
        if len(data) > SMALL and self._held and self._held + len(data) > self._max_held:
            raise Busy("Too many large images are being sent at once. Request this one again.")
        return _Pieces(self, data, media_type, headers)

    def hold(self, size: int) -> None:
        """Count bytes that are being sent; a negative size removes them from the count."""
        self._held += size if abs(size) > SMALL else 0


class _Pieces(Response):
    """An answer in pieces; each is sent when the previous one has left."""

    def __init__(
        self, budget: SendBudget, data: bytes, media_type: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(data, media_type=media_type, headers=headers)
        self._budget = budget
        self._data = data

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = len(self._data)
        self._budget.hold(size)
        try:
            async with asyncio.timeout(GRACE_S + size / SLOWEST):
                await self._send(send)
        except TimeoutError:
            # After an incomplete answer, the server closes the connection.
            logger.warning("A caller took too long to read %d bytes, and was disconnected", size)
        finally:
            self._budget.hold(-size)

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code}
        await send({**start, "headers": self.raw_headers})
        size = len(self._data)
        for begin in range(0, max(size, 1), _PIECE):
            end = begin + _PIECE
            body = self._data[begin:end]
            await send({"type": "http.response.body", "body": body, "more_body": end < size})
