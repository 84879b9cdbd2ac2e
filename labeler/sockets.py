"""Connections that answer at once."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path


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
