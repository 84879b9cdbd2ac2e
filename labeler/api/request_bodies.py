"""Request bodies, with a limit for each and one for all together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import BinaryIO, Final, cast

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from labeler.api.authentication import caller_of
from labeler.errors import BodyTooLarge, Busy, LabelerError, TooSlow
from labeler.model.limits import size_text
from labeler.model.people import Person
from labeler.runtime.spools import open_spool

PAUSE_S: Final = 30
LEAST_BYTES: Final = 2**16
"""Bytes that have to arrive within each pause: 2 kB per second, for the slowest connections."""
GRACE_S: Final = 5
FAIR_RATE: Final = 2**15
"""Bytes per second. If the room is full, slower bodies give way after their grace period."""


class BodyReader:
    """Reads bodies. No caller can keep others out: if the room is full, slow bodies give way.

    Then the bodies of a caller who holds more than half of the room give way. Belongs to one event
    loop.
    """

    def __init__(self, max_held: int) -> None:
        self._max_held = max_held
        self._bodies: set[_Body] = set()
        self._held = 0

    @asynccontextmanager
    async def body(
        self, request: Request, limit: int, what: str, person: Person
    ) -> AsyncIterator[bytes]:
        """The body, of at most `limit` bytes; it takes its room until the block ends.

        Raises BodyTooLarge as soon as it passes the limit, TooSlow if too little arrives for a
        while, and Busy if there is no room. A body whose header states too many bytes is not read.
        """
        _check_said(request, limit, what)
        with self._new_body(request, person) as body:
            async for chunk in self._arriving(body, request, limit, what):
                body.data += chunk
            yield bytes(body.data)

    @asynccontextmanager
    async def file(
        self, request: Request, limit: int, what: str, person: Person
    ) -> AsyncIterator[BinaryIO]:
        """The same as a file, which is removed when the block ends; a large one is on disk."""
        _check_said(request, limit, what)
        with self._new_body(request, person) as body, open_spool() as file:
            async for chunk in self._arriving(body, request, limit, what):
                await run_in_threadpool(file.write, chunk)
            yield cast(BinaryIO, file)

    @contextmanager
    def _new_body(self, request: Request, person: Person) -> Iterator[_Body]:
        body = _Body(caller_of(request, person))
        self._bodies.add(body)
        try:
            yield body
        finally:
            self._forget(body)

    async def _arriving(
        self, body: _Body, request: Request, limit: int, what: str
    ) -> AsyncIterator[bytes]:
        """The chunks, each when there is room for it. Afterwards, the body no longer gives way."""
        async for chunk in _chunks(request, what, body):
            body.size += len(chunk)
            self._held += len(chunk)
            if body.size > limit:
                raise _too_large(what, limit)
            self._make_room(body)
            yield chunk
        body.timeout = None

    def _forget(self, body: _Body) -> None:
        if body in self._bodies:
            self._bodies.discard(body)
            self._held -= body.size

    def _make_room(self, newest: _Body) -> None:
        """Make others give way until everything fits, or raise Busy. A single body always fits."""
        while self._max_held < self._held != newest.size:
            arriving = [body for body in self._bodies if body.timeout is not None]
            slow = [body for body in arriving if body.is_slow]
            victim = min(slow or self._greedy(arriving, newest), key=_Body.rate, default=newest)
            if victim is newest:
                raise _busy()
            self._forget(victim)
            victim.give_way()

    def _greedy(self, arriving: list[_Body], newest: _Body) -> list[_Body]:
        """The bodies of another caller who holds more than half of the room."""
        held: dict[str, int] = {}
        for body in self._bodies:
            held[body.caller] = held.get(body.caller, 0) + body.size
        return [
            body
            for body in arriving
            if body.caller != newest.caller and held[body.caller] > self._max_held // 2
        ]


class _Body:
    """The arrived part of one body. It can give way as long as it is arriving.

    `size` counts what has arrived; `data` holds it, unless it goes to a file.
    """

    def __init__(self, caller: str) -> None:
        self.caller = caller
        self.size = 0
        self.data = bytearray()
        self.timeout: asyncio.Timeout | None = None
        self.gave_way = False
        self._began = time.monotonic()

    def rate(self) -> float:
        """Bytes per second since it began."""
        return self.size / max(time.monotonic() - self._began, 0.001)

    @property
    def is_slow(self) -> bool:
        return time.monotonic() - self._began > GRACE_S and self.rate() < FAIR_RATE

    def give_way(self) -> None:
        self.gave_way = True
        self.data = bytearray()
        if self.timeout is not None:
            self.timeout.reschedule(0)


async def _chunks(request: Request, what: str, body: _Body) -> AsyncIterator[bytes]:
    """The chunks; TooSlow if too few bytes arrive within a pause, Busy if the body gave way."""
    stream = request.stream()
    end, size = time.monotonic() + PAUSE_S, 0
    while True:
        try:
            async with asyncio.timeout(end - time.monotonic()) as body.timeout:
                chunk = await anext(stream, None)
        except TimeoutError as error:
            if body.gave_way:
                raise _busy() from error
            raise TooSlow(
                f"{what} arrived too slowly: less than {LEAST_BYTES // 1024} kB in {PAUSE_S:g} "
                "seconds. Send it again."
            ) from error
        if body.gave_way:
            raise _busy()
        if chunk is None:
            return
        size += len(chunk)
        if size >= LEAST_BYTES:
            end, size = time.monotonic() + PAUSE_S, 0
        yield chunk


def _busy() -> Busy:
    return Busy("Too many files are arriving at once. Send this one again.")


def _check_said(request: Request, limit: int, what: str) -> None:
    said = request.headers.get("Content-Length", "")
    if said.isascii() and said.isdigit() and int(said) > limit:
        raise _too_large(what, limit)


def _too_large(what: str, limit: int) -> LabelerError:
    return BodyTooLarge(f"{what} is larger than {size_text(limit)}, which is the limit.")
