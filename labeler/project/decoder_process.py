"""The server's side of one decoder process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import labeler
from labeler.errors import DamagedImage, Exhausted, ImageTooLarge, LabelerError, NotAnImage
from labeler.project.decoder_messages import Ended, Message, receive_message, send_message

COMMAND: Final = (sys.executable, "-m", "labeler.project.decoder_worker")
_FOLDER: Final = Path(labeler.__file__).parents[1]
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "VIRTUAL_ENV")
_KEPT_PREFIXES: Final = ("COV", "PYTHON")
"""Variables that Python itself may need. No setting and no secret is among them."""
_END_S: Final = 5.0
_ERRORS: Final[dict[str, type[LabelerError]]] = {
    kind.__name__: kind for kind in (DamagedImage, ImageTooLarge, NotAnImage)
}


class DecoderFault(Exception):
    """The process ended, hung or failed at an image; `reason` tells the log how."""

    def __init__(self, reason: str, answer: LabelerError) -> None:
        super().__init__(reason)
        self.reason = reason
        self.answer = answer


class DecoderProcess:
    """One process, which decodes one image at a time. `kill` may be called from any thread."""

    def __init__(self, command: tuple[str, ...] = COMMAND) -> None:
        """Raises Exhausted where the system has no room for another process."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in _KEPT or name.startswith(_KEPT_PREFIXES)
        }
        try:
            self._connection, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(  # noqa: S603 - a command of our own
                    command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, cwd=_FOLDER, env=kept,
                )  # fmt: skip
        except OSError as error:
            raise Exhausted(
                "The server has no room for another process just now. Send the image again."
            ) from error

    @property
    def process_id(self) -> int:
        return self._process.pid

    def ask(
        self, header: dict[str, Any], data: bytes, *, name: str, wait_s: float, max_bytes: int = 0
    ) -> Message:
        """What the process answers within so many seconds.

        Raises NotAnImage, DamagedImage and ImageTooLarge as it says, and DecoderFault, after which
        the process is of no use any more.
        """
        until = time.monotonic() + wait_s
        try:
            self._connection.settimeout(wait_s)
            send_message(self._connection, header, data)
            answer, body = receive_message(self._connection, max_bytes=max_bytes, until=until)
        except TimeoutError as error:
            raise DecoderFault(f"took more than {wait_s:g} s", _too_long(name)) from error
        except Ended as error:
            raise self._fault(name) from error
        if "error" not in answer:
            return answer, body
        kind, message = str(answer["error"]), str(answer.get("message", ""))
        if kind in _ERRORS:
            raise _ERRORS[kind](message)
        if kind == "MemoryError":
            raise DecoderFault("took too much memory", _too_much_memory(name))
        raise DecoderFault(f"failed: {message[:200]}", damaged(name))

    def tell(self, header: dict[str, Any]) -> None:
        """Say something that has no answer; who asks next hears of a process that has ended."""
        with suppress(Ended):
            send_message(self._connection, header)

    def kill(self) -> None:
        """Have it end at once; whoever waits for its answer hears of it."""
        self._process.kill()

    def end(self) -> int:
        """Have it end, and give up all that it holds; how it ended."""
        self._connection.close()
        try:
            return self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _fault(self, name: str) -> DecoderFault:
        """Why it ended on its own, from how it ended."""
        code = self.end()
        if code == -signal.SIGXCPU:
            return DecoderFault("took too much of a processor", _too_long(name))
        if code == -signal.SIGKILL:
            return DecoderFault("was killed", _too_much_memory(name))
        return DecoderFault(f"ended with {code}", damaged(name))


def _too_long(name: str) -> ImageTooLarge:
    return ImageTooLarge(
        f"{name} was rejected: decoding it takes too long. Save it again with another program."
    )


def _too_much_memory(name: str) -> ImageTooLarge:
    return ImageTooLarge(
        f"{name} was rejected: decoding it takes more memory than an image of its size should. "
        "Save it again with another program."
    )


def damaged(name: str) -> DamagedImage:
    """The answer for an image at which a process failed."""
    return DamagedImage(
        f"{name} is corrupted in a way that its decoder does not survive. Copy or export it again."
    )
