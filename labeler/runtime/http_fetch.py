"""Calls to the addresses in the settings, which end in time whatever the other side sends."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from typing import Any


def fetch(request: urllib.request.Request | str, seconds: float, most: int) -> bytes:
    """The first `most` bytes of the answer, within `seconds` once the server's name is looked up.

    A limit for each wait would be none for the whole: a server that sends a byte now and then, or
    interim answers without end, could hold the caller forever. A redirect is a failure: what is
    meant for one address goes to no other. Raises urllib.error.HTTPError for every status but 2xx,
    TimeoutError, other kinds of OSError, and HTTPException.
    """
    deadline = _Deadline(seconds)
    handlers = [
        _watching(kind, deadline)
        for kind in (urllib.request.HTTPHandler, urllib.request.HTTPSHandler)
    ]
    opener = urllib.request.build_opener(_NoRedirect, *handlers)
    timer = threading.Timer(seconds, deadline.end)
    timer.daemon = True
    timer.start()
    try:
        with opener.open(request, timeout=seconds) as answer:
            data: bytes = answer.read(most)
        deadline.check()  # an answer that was cut off may look like a short one
    except urllib.error.HTTPError as error:
        error.close()
        raise
    except (OSError, HTTPException):
        deadline.check()
        raise
    finally:
        timer.cancel()
    return data


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class _Deadline:
    """Ends the connections of one call when its time has passed."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False
        self._sockets: list[socket.socket] = []

    def watch(self, connected: socket.socket) -> None:
        """End this socket too; raises TimeoutError if the time has passed already."""
        self._sockets.append(connected)
        self.check()

    def end(self) -> None:
        self._is_over = True
        for one in self._sockets:
            with suppress(OSError):
                # A TLS socket's own method would take its state from the thread that reads.
                socket.socket.shutdown(one, socket.SHUT_RDWR)

    def check(self) -> None:
        if self._is_over:
            raise TimeoutError(f"no whole answer within {self._seconds:g} seconds")


def _watched(kind: Any, deadline: _Deadline) -> Any:
    """The class of connections `kind`, whose sockets the deadline ends."""

    class Watched(kind):  # type: ignore[misc]
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    return Watched


def _watching(kind: Any, deadline: _Deadline) -> Any:
    """A handler of that kind, whose connections the deadline ends."""

    class Watching(kind):  # type: ignore[misc]
        def do_open(self, http_class: Any, *args: Any, **more: Any) -> Any:
            return super().do_open(_watched(http_class, deadline), *args, **more)

    return Watching()
