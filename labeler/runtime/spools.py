"""Spools: bytes on their way that may be too many for memory, and several of them read as one.

On Cloud Run a temporary file is memory too, so nothing is copied that can be read where it is.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import accumulate
from tempfile import SpooledTemporaryFile
from typing import IO, Final

IN_MEMORY: Final = 4 * 2**20
"""Bytes of a spool that stay in memory; a larger one is a temporary file without a name."""


Spool = SpooledTemporaryFile[bytes]


def open_spool() -> Spool:
    """An empty file to write and read; close it, and nothing of it is left."""
    return Spool(IN_MEMORY)


class JoinedFile(io.RawIOBase):
    """The bytes of `parts`, one behind the other; seekable. The parts are not closed with it."""

    def __init__(self, parts: Sequence[IO[bytes]]) -> None:
        self._parts = parts
        sizes = [part.seek(0, io.SEEK_END) or part.tell() for part in parts]
        self._ends = list(accumulate(sizes))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        size = self._ends[-1] if self._ends else 0
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Fills the buffer up to the end of a part; 0 at the end of all."""
        start = 0
        for part, end in zip(self._parts, self._ends, strict=True):
            if self._at < end:
                part.seek(self._at - start)
                data = part.read(min(len(buffer), end - self._at))
                buffer[: len(data)] = data
                self._at += len(data)
                return len(data)
            start = end
        return 0
