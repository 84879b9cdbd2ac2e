"""Cuts a connection to PostgreSQL whose other end says nothing.

The server ends a statement that takes too long. A proxy or a network that swallows everything does
not: then the driver would wait without end.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


@contextmanager
def cut_after(connection: Any, seconds: float) -> Iterator[None]:
    """Cut that connection of psycopg if the block takes longer; who waits on it gets an error.

    A connection of SQLite is left alone: it waits for nobody but a lock, and for that not long.
    """
    if not hasattr(connection, "fileno"):
        yield
        return
    import psycopg  # a database of SQLite does without

    lock, is_over = threading.Lock(), False

    def cut() -> None:
        with lock:
            if is_over:
                return
            with suppress(OSError, psycopg.Error):  # the driver may be closing it just now
                same = socket.socket(fileno=os.dup(connection.fileno()))
                with same:
                    same.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            is_over = True
        timer.cancel()
