"""A zip written as a stream: the same files, the same bytes; one file in memory at a time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any, Final

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can name: no clock is in what is written."""


class ZipStream:
    """Takes files one after the other; after each, `taken` gives the bytes that came of it."""

    def __init__(self) -> None:
        self._sink = _Sink()
        self._zip = zipfile.ZipFile(self._sink, "w")

    def add(self, name: str, data: bytes, *, packed: bool = False) -> bytes:
        """Put a file in; the bytes to send. What is `packed`, such as an image, stays as it is."""
        self._zip.writestr(_member(name, packed=packed), data)
        return self._sink.taken()

    def add_pieces(self, name: str, pieces: Iterable[bytes]) -> bytes:
        """Put a file in that comes in pieces: only what it is compressed to is in memory."""
        with self._zip.open(_member(name), "w") as file:
            for piece in pieces:
                file.write(piece)
        return self._sink.taken()

    def end(self) -> bytes:
        """The last bytes: the list of files."""
        self._zip.close()
        return self._sink.taken()


def _member(name: str, *, packed: bool = False) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    return info


class _Sink(io.RawIOBase):
    """What the zip writes to. It goes back in the file written last, to fill in its size."""

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
