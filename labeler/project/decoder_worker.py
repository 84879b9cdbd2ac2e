"""A process that decodes images for the server, and that may end at any moment.

Started as `python -m labeler.project.decoder_worker` by decoder_process.py, with a socket as its
standard input. It has the server's rights to files, but none of its settings, secrets and
connections. It ends with the socket, also in the middle of an image.
"""

from __future__ import annotations

import dataclasses
import math
import os
import resource
import select
import signal
import socket
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from labeler import images
from labeler.errors import DamagedImage, ImageTooLarge, NotAnImage
from labeler.project.decoder_messages import Ended, receive_message, send_message
from labeler.runtime.memory import return_large_blocks

HEADER_CPU_S: Final = 5
"""Seconds of a processor for an image's header, and in addition for its pixels."""
PIXELS_PER_CPU_S: Final = 4_000_000
"""A tenth of what the slowest decoder (PNG, WebP) does on a machine of 2026."""
_NICENESS: Final = 10
"""The server, and so everybody's saves, come first where processors are short."""
_SPARE_BYTES: Final = 96 * 2**20
_BYTES_A_PIXEL: Final = 16
_MOST_BYTES: Final = 2**40


class _NoRoomNow(Exception):
    """The server has no room for so many pixels now, and will ask again."""


class _Limits:
    """What this process may use for one image. Where the system knows no such limit, none."""

    def __init__(self) -> None:
        self._bytes = _virtual_bytes()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def clear(self) -> None:
        """Whatever the system allows: between two images."""
        for kind in (resource.RLIMIT_CPU, resource.RLIMIT_AS):
            _set_limit(kind, resource.RLIM_INFINITY)

    def set(self, cpu_s: float, more_bytes: int) -> None:
        """Seconds of a processor from now on, and bytes beside those of the empty process."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        _set_limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime + cpu_s))
        if self._bytes:
            _set_limit(resource.RLIMIT_AS, self._bytes + _SPARE_BYTES + more_bytes)


def _set_limit(kind: int, soft: int) -> None:
    hard = resource.getrlimit(kind)[1]
    # RLIM_INFINITY is -1 to Python.
    soft = min((one for one in (soft, hard) if one != resource.RLIM_INFINITY), default=hard)
    resource.setrlimit(kind, (soft, hard))


def _virtual_bytes() -> int:
    """How many bytes of addresses the process has; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class _Task:
    """One image, and what the server has permitted for it."""

    def __init__(self, connection: socket.socket, limits: _Limits, data: bytes) -> None:
        self._connection = connection
        self._limits = limits
        self._data = data
        self._permitted = -1
        limits.set(HEADER_CPU_S, 3 * len(data))

    def permit(self, pixels: int, held: int) -> None:
        """Ask the server to go on, and raise the limits to what so many pixels are worth."""
        if held <= self._permitted:
            return
        send_message(self._connection, {"pixels": pixels, "held": held})
        if not receive_message(self._connection, max_bytes=0)[0].get("go"):
            raise _NoRoomNow
        self._permitted = held
        cpu_s = HEADER_CPU_S + pixels / PIXELS_PER_CPU_S
        self._limits.set(cpu_s, min(_MOST_BYTES, 4 * len(self._data) + _BYTES_A_PIXEL * held))

    def run(self, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        """The answer and its bytes."""
        do = asked.pop("do")
        if do == "inspect":
            info = images.inspect(self._data, permit=self.permit, **asked)
            return dataclasses.asdict(info), b""
        if do == "without_location":
            return {}, images.without_location(self._data, **asked)
        copy, media_type = images.display(self._data, permit=self.permit, **asked)
        return {"media_type": media_type, "is_copy": copy is not None}, copy or b""


def main() -> None:
    """Decode what comes until the server has ended, or has had enough of this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the server, which ends this
    os.nice(_NICENESS)
    return_large_blocks()
    connection = socket.socket(fileno=os.dup(0))
    images.load_decoders()
    threading.Thread(target=_end_with, args=(connection,), daemon=True).start()
    limits = _Limits()
    with suppress(Ended):
        while True:
            _serve(connection, limits)


def _serve(connection: socket.socket, limits: _Limits) -> None:
    """Answer what is asked next. Nothing of it is kept."""
    asked, data = receive_message(connection, max_bytes=_MOST_BYTES)
    try:
        answer = _answer(_Task(connection, limits, data), asked)
    except _NoRoomNow:
        return
    finally:
        limits.clear()
    send_message(connection, *answer)


def _answer(task: _Task, asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    try:
        return task.run(asked)
    except (NotAnImage, DamagedImage, ImageTooLarge) as error:
        return {"error": type(error).__name__, "message": error.message}, b""
    except MemoryError:
        return {"error": "MemoryError"}, b""
    except (_NoRoomNow, Ended):
        raise
    except Exception as error:  # noqa: BLE001 - a fault at one image, which the server reports
        # Not its text, which may quote the image.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        return {"error": "fault", "message": f"{type(error).__name__} at {where}"}, b""


def _end_with(connection: socket.socket) -> None:
    """End this process as soon as the other side of the connection has ended."""
    waiting = select.poll()
    waiting.register(connection, getattr(select, "POLLRDHUP", 0))
    waiting.poll()
    os._exit(0)


if __name__ == "__main__":
    main()
