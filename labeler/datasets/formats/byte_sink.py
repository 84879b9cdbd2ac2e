"""The sink of packed formats: their bytes are sent while they are made."""

from __future__ import annotations

import io
from typing import Any


class ByteSink(io.RawIOBase):
    """A writable file whose bytes are taken while it is being written.

    A writer may seek back within the bytes that have not been taken yet. A zip writer does this to
    fill in the size of a member.
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
        """Return all bytes written since the last call."""
        data = self._buffer.getvalue()
        self._start += len(data)
        self._buffer = io.BytesIO()
        return data
