"""What the server and a decoder process say to each other: a JSON object and bytes at a time.

No pickles: a decoder that a hostile image has taken over can say what it likes, and the server must
not run it.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any, Final

_LENGTHS: Final = struct.Struct(">IQ")
_MAX_HEADER: Final = 2**16

Message = tuple[dict[str, Any], bytes]


class Ended(Exception):
    """The other side has ended, or says what cannot be understood."""


def send_message(connection: socket.socket, header: dict[str, Any], data: bytes = b"") -> None:
    """Send the whole message; Ended, or TimeoutError by the connection's timeout."""
    text = json.dumps(header).encode()
    try:
        connection.sendall(_LENGTHS.pack(len(text), len(data)) + text)
        connection.sendall(data)
    except TimeoutError:
        raise
    except OSError as error:
        raise Ended from error


def receive_message(
    connection: socket.socket, *, max_bytes: int, until: float | None = None
) -> Message:
    """The next message, with at most `max_bytes` beside its header.

    Raises Ended, and TimeoutError once the monotonic clock shows `until`.
    """
    header_size, size = _LENGTHS.unpack(_receive(connection, _LENGTHS.size, until))
    if header_size > _MAX_HEADER or size > max_bytes:
        raise Ended
    try:
        header = json.loads(_receive(connection, header_size, until))
    except (ValueError, RecursionError) as error:
        raise Ended from error
    if not isinstance(header, dict):
        raise Ended
    return header, bytes(_receive(connection, size, until))


def _receive(connection: socket.socket, size: int, until: float | None) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        if until is not None:
            connection.settimeout(max(0.001, until - time.monotonic()))
        try:
            received = connection.recv_into(rest)
        except TimeoutError:
            raise
        except OSError as error:
            raise Ended from error
        if not received:
            raise Ended
        rest = rest[received:]
    return data
