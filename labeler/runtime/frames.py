"""Limits on the websocket messages that wait in memory until the program reads them.

uvicorn 0.54 unpacks everything that has arrived at once. A few kilobytes of compressed frames can
become many megabytes, for each connection, even before the caller is known. Here it unpacks a small
piece at a time, and only while no message waits. The size of a message is limited, and the limit is
low until the program knows the caller.
"""

from __future__ import annotations

from typing import Any, Final

from uvicorn.config import WS_PROTOCOLS
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from labeler.runtime.connections import ConnectionWatch, Wait
from labeler.runtime.sockets import ALLOW_LARGE
from labeler.runtime.uvicorn_protocols import replace_protocol

STRANGERS_BYTES: Final = 64 * 1024
"""The largest message of an unknown caller; a click on "Sign in" takes 300 bytes."""
MOST_BYTES: Final = 8 * 2**20
"""The largest message of a labeler: a canvas of 5,000 boxes."""
PIECE_BYTES: Final = 4096
"""Bytes that are unpacked at once. At the highest compression they give 4 MiB of messages."""


class BoundedWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's protocol with limits on unpacked messages that wait, and on waiting to close."""

    _watch: ConnectionWatch | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._untouched = b""
        self._held = False
        self._allow(STRANGERS_BYTES)

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._watch = ConnectionWatch(transport, self._waits_for)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.stop()
        super().connection_lost(exc)

    def _waits_for(self) -> Wait | None:
        return Wait.CLOSING if self.transport.is_closing() else None

    @property
    def _is_unanswered(self) -> bool:
        """Whether the caller has asked for a websocket, and has no answer yet.

        Frames wait meanwhile: uvicorn would fail with a traceback at one that is malformed.
        """
        return self.handshake_initiated and not self.handshake_complete

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            extensions: Any = self.scope["extensions"]
            extensions[ALLOW_LARGE] = lambda: self._allow(MOST_BYTES)

    def data_received(self, data: bytes) -> None:
        self._untouched += data
        self._take()
        if self._is_unanswered and not self._held:
            self._held = True
            self.transport.pause_reading()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self._held and not self._is_unanswered:
            self._held = False
            self.transport.resume_reading()
            self._take()

    async def receive(self) -> Any:
        message = await super().receive()
        self._take()
        return message

    def _take(self) -> None:
        while (
            self._untouched
            and not self.read_paused
            and not self._is_unanswered
            and not self.transport.is_closing()
        ):
            size = PIECE_BYTES
            if not self.handshake_initiated:  # line by line, to stop where the request ends
                size = self._untouched.find(b"\n") + 1 or PIECE_BYTES
            piece, self._untouched = self._untouched[:size], self._untouched[size:]
            super().data_received(piece)

    def _allow(self, size: int) -> None:
        self.conn.max_message_size = size


def bound_frames() -> None:
    """Make servers of this process use it."""
    replace_protocol(
        WS_PROTOCOLS, "websockets-sansio", BoundedWebSocket, "waiting websocket messages"
    )
