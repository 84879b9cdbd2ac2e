"""A server on loopback whose answers never end."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def endless_server(beginning: bytes, again: bytes, pause_s: float = 0.05) -> Iterator[str]:
    """The address of one that sends the beginning, then `again` and a pause for as long as it can.

    What it sends keeps each single wait short, so only a limit for the whole ends the call.
    """
    over = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError):
                self.request.recv(2**16)
                self.request.sendall(beginning)
                while not over.wait(pause_s):
                    self.request.sendall(again)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            over.set()
            server.shutdown()
            thread.join()
