"""What writers of packed formats write to, so that their bytes are sent while they are made."""

from __future__ import annotations

import io
from typing import Any


class ByteSink(io.RawIOBase):
    """A file to write, whose bytes are taken from it while it is written.

    A writer may go back within what has not been taken yet, as a zip's does to fill in the size of
    a member.
    """

    def __init__(self) -> None:
        super().__init__()
        self._start = 0
        self._buffer = io.BytesIO()

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._start + self._buffer.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < self._start:
            raise io.UnsupportedOperation("what was sent can't be changed")
        return self._start + self._buffer.seek(offset - self._start)

    def write(self, data: Any, /) -> int:
        return self._buffer.write(data)

    def taken(self) -> bytes:
        """All bytes since the last time."""
        data = self._buffer.getvalue()
        self._start += len(data)
        self._buffer = io.BytesIO()
        return data
