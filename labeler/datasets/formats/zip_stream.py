"""A zip written as a stream: the same files, the same bytes; one file in memory at a time."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import Final

from labeler.datasets.formats.byte_sink import ByteSink

_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can name: no clock is in what is written."""


class ZipStream:
    """Takes files one after the other; after each, `taken` gives the bytes that came of it."""

    def __init__(self) -> None:
        self._sink = ByteSink()
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
