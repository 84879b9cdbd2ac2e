"""Sockets without delay, and a limit on the wait for callers at the end."""

from __future__ import annotations

import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Final

ALLOW_LARGE: Final = "labeler.allow_large_messages"
"""The extension of a websocket's scope that allows larger messages: a function without arguments.
frames.BoundedWebSocket provides it."""


def send_at_once() -> None:
    """Make connections of this process's listening sockets send without delay (TCP_NODELAY).

    Otherwise a connection sends the second of two small pieces (an answer's body, the page's next
    message) only when the client has acknowledged the first, which takes 40 ms. asyncio sets this
    for sockets that it makes itself, but Streamlit makes its own.
    """
    for path in Path("/dev/fd").iterdir():
        with (
            suppress(OSError),  # not a socket, or not a TCP socket
            socket.fromfd(int(path.name), socket.AF_INET, socket.SOCK_STREAM) as found,
        ):
            if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def wait_at_most(seconds: int) -> None:
    """Limit how long the running server waits for its callers when it has to end.

    Otherwise it waits forever for a caller that does not read its answer, or for a tab on a machine
    that sleeps. Then Cloud Run kills it after 10 seconds, before its last saves are done. Only
    uvicorn supports this: a method of its server handles the signals.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    config = getattr(server, "config", None)
    if config is not None and hasattr(config, "timeout_graceful_shutdown"):
        config.timeout_graceful_shutdown = seconds
