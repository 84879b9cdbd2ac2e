"""Images are decoded by other processes, so that no image can stop or take down the server.

Processes start when they are needed, are used again, and end when nothing has come for a while.
What an image may take is bounded: seconds of a processor and bytes by the limits that the process
sets itself (decoder_worker.py), time by this module. ADR 18 has the reasons.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

from labeler.errors import Busy, DamagedImage, ImageTooLarge, NotAnImage
from labeler.images import ImageInfo
from labeler.project.decoder_messages import Message
from labeler.project.decoder_process import DecoderFault, DecoderProcess, damaged
from labeler.project.decoder_worker import HEADER_CPU_S, PIXELS_PER_CPU_S
from labeler.project.decoding_room import PixelRoom, Room
from labeler.runtime.cancellation import current_cancellation

logger = logging.getLogger(__name__)

PROCESSES: Final = 3
"""One more than large images are decoded at once: small ones never wait for these."""
IDLE_S: Final = 60.0
WAIT_S: Final = 60.0
"""How long an image waits for its turn, once for a process and once for room, before 503."""
_SLOW: Final = 6.0
"""A processor that is shared by others: so many times longer than alone."""
_BYTES_A_PIXEL: Final = 5
_MOST_ASKED: Final = 3


class DecoderPool:
    """A Decoder over some processes of its own. Safe to share by threads."""

    def __init__(
        self,
        max_pixels: int,
        *,
        idle_s: float = IDLE_S,
        wait_s: float = WAIT_S,
        start: Callable[[], DecoderProcess] = DecoderProcess,
    ) -> None:
        self._pixels = PixelRoom(max_pixels)
        self._turns = Room(PROCESSES)
        self._idle_s = idle_s
        self._wait_s = wait_s
        self._start = start
        self._lock = threading.Lock()
        self._idle: list[DecoderProcess] = []
        self._busy: set[DecoderProcess] = set()
        self._timer: threading.Timer | None = None
        self._is_closed = False

    def inspect(self, data: bytes, *, name: str, max_bytes: int, max_pixels: int) -> ImageInfo:
        asked = {"name": name, "max_bytes": max_bytes, "max_pixels": max_pixels}
        answer, _ = self._decode({"do": "inspect", **asked}, data, name)
        return ImageInfo(**answer)

    def display(
        self, data: bytes, *, name: str, width: int | None, max_pixels: int
    ) -> tuple[bytes | None, str]:
        asked = {"name": name, "width": width, "max_pixels": max_pixels}
        answer, copy = self._decode({"do": "display", **asked}, data, name)
        return copy if answer["is_copy"] else None, str(answer["media_type"])

    def without_location(self, data: bytes, *, name: str) -> bytes:
        asked = {"do": "without_location", "name": name}
        return self._decode(asked, data, name, max_bytes=len(data) + 1)[1]

    def process_ids(self) -> list[int]:
        """The processes that there are, for those who watch them."""
        with self._lock:
            return sorted(process.process_id for process in (*self._idle, *self._busy))

    def close(self) -> None:
        """End all processes. An image that comes later is Busy."""
        with self._lock:
            self._is_closed = True
            if self._timer is not None:
                self._timer.cancel()
            for process in self._busy:
                process.kill()
        self._end_idle()

    def _decode(self, asked: dict[str, Any], data: bytes, name: str, max_bytes: int = 0) -> Message:
        """What a process answers. Nothing is held in a process while the image waits for room.

        `max_bytes` limits what it answers without asking for room.
        """
        held = 0
        for _ in range(_MOST_ASKED):
            with ExitStack() as room:
                if held:
                    room.enter_context(self._pixels.taken(held, self._wait_s))
                answer, body, more = self._try(asked, data, name, room, held, max_bytes)
                if not more:
                    return answer, body
                held = more
        raise damaged(name)

    def _try(
        self, asked: dict[str, Any], data: bytes, name: str, room: ExitStack, has: int,
        max_bytes: int,
    ) -> tuple[dict[str, Any], bytes, int]:  # fmt: skip
        """The answer; or, where it holds more pixels than there is room for, how many these are.

        `has` is the room that it has already. A JPEG without its end marker asks again: it is
        decoded in full once more.
        """
        with self._process() as process:
            answer, body = process.ask(
                asked, data, name=name, wait_s=_wait_s(0), max_bytes=max_bytes
            )
            for _ in range(_MOST_ASKED):
                if "held" not in answer:
                    return answer, body, 0
                pixels, held = int(answer["pixels"]), int(answer["held"])
                if held > has and (has or not self._has_room(held, room)):
                    process.tell({"go": False})
                    return {}, b"", held
                has = max(has, held)
                answer, body = process.ask(
                    {"go": True}, b"", name=name, wait_s=_wait_s(pixels),
                    max_bytes=2**20 + _BYTES_A_PIXEL * pixels,
                )  # fmt: skip
            raise DecoderFault("asked again and again", damaged(name))

    def _has_room(self, held: int, room: ExitStack) -> bool:
        """Whether there is room at once, which is taken then."""
        try:
            room.enter_context(self._pixels.taken(held, 0))
        except Busy:
            return False
        return True

    # --- processes ------------------------------------------------------------------------

    @contextmanager
    def _process(self) -> Iterator[DecoderProcess]:
        """A process for one image. It is killed where nobody waits for the image any more."""
        gone = current_cancellation()
        with self._turns.taken(1, self._wait_s):
            process = self._take()
            is_usable = False
            try:
                with gone.calling(process.kill):
                    yield process
                is_usable = True
            except (NotAnImage, DamagedImage, ImageTooLarge):
                is_usable = True
                raise
            except DecoderFault as fault:
                gone.check()
                self._check_open()
                logger.warning("A decoder process %s", fault.reason)
                raise fault.answer from None
            finally:
                self._give_back(process, is_usable=is_usable and not gone.is_cancelled)

    def _take(self) -> DecoderProcess:
        with self._lock:
            self._check_open()
            process = self._idle.pop() if self._idle else self._start()
            self._busy.add(process)
            return process

    def _give_back(self, process: DecoderProcess, *, is_usable: bool) -> None:
        with self._lock:
            self._busy.discard(process)
            if is_usable and not self._is_closed:
                self._idle.append(process)
                self._end_later()
                return
        process.kill()
        process.end()

    def _end_later(self) -> None:
        """Have the idle ones end if no image comes for a while."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(self._idle_s, self._end_idle)
        self._timer.daemon = True
        self._timer.start()

    def _end_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.end()

    def _check_open(self) -> None:
        if self._is_closed:
            raise Busy("The server is ending. Send the image again.")


def _wait_s(pixels: int) -> float:
    """How long the answer about so many pixels may take before the process counts as hung."""
    return _SLOW * (HEADER_CPU_S + pixels / PIXELS_PER_CPU_S)
