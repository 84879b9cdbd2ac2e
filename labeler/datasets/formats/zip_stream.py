"""A zip written as a stream, one file in memory at a time. The same files give the same bytes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import Final

from labeler.datasets.formats.byte_sink import ByteSink

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip can state. The bytes must not depend on the clock."""


class ZipStream:
    """Takes files one after another. Each call returns the bytes that are ready to be sent."""

    def __init__(self) -> None:
        self._sink = ByteSink()
        self._zip = zipfile.ZipFile(self._sink, "w")

    def add(self, name: str, data: bytes, *, packed: bool = False) -> bytes:
        """Add a file. Return the bytes to send. `packed` data, such as an image, stays as it is."""
        self._zip.writestr(_member(name, packed=packed), data)
        return self._sink.taken()

    def add_pieces(self, name: str, pieces: Iterable[bytes]) -> bytes:
        """Add a file that comes in chunks. Memory holds only its compressed bytes."""
        with self._zip.open(_member(name), "w") as file:
            for piece in pieces:
                file.write(piece)
        return self._sink.taken()

    def end(self) -> bytes:
        """Return the last bytes: the list of files."""
        self._zip.close()
        return self._sink.taken()


def _member(name: str, *, packed: bool = False) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _TIME)
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    info.compress_type = zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED
    return info
