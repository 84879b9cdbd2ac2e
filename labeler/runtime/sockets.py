"""Connections that answer at once, and that keep nobody who wants to end."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

ALLOW_LARGE: Final = "labeler.allow_large_messages"
"""The extension of a websocket's scope that takes messages of more than a stranger may send: a
function without arguments. It is there where frames.BoundedWebSocket serves."""


def send_at_once() -> None:
    """Have the sockets on which this process listens give out connections that never hold back.

    A connection otherwise sends the second of two small pieces (an answer's body, the page's next
    message) only when the first is acknowledged, which takes a client 40 ms. asyncio sees to that
    for sockets that it makes itself; Streamlit makes its own and hands it over.
    """
    for path in Path("/dev/fd").iterdir():
        with (
            suppress(OSError),  # no socket, or none of TCP
            socket.fromfd(int(path.name), socket.AF_INET, socket.SOCK_STREAM) as found,
        ):
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def wait_at_most(seconds: int) -> None:
    """Have the server that runs here, when it is told to end, wait so long for its callers.

    By itself it waits for ever: for somebody who does not read what they asked for, or for a tab on
    a machine that sleeps. Cloud Run kills it after 10 seconds, with all that is to be done last.
    Only uvicorn can be told, which handles the signals by a method of its server.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    config = getattr(server, "config", None)
    if config is not None and hasattr(config, "timeout_graceful_shutdown"):
        config.timeout_graceful_shutdown = seconds
