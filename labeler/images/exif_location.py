"""The tags of EXIF and TIFF that tell where an image was taken, removed in place. Pure.

An EXIF block is a small TIFF file: directories of tags, whose longer values lie elsewhere in the
block (TIFF 6.0, section 2). Nothing moves beyond its directory, so that all other offsets hold.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_GPS: Final = 0x8825
_PLACES: Final = frozenset({
    _GPS,
    700, 33723, 34377,  # XMP, IPTC, Photoshop
    37500, 50740,  # what only the camera's maker can read
    33550, 33922, 34264, 34735, 34736, 34737,  # GeoTIFF
})  # fmt: skip
"""Tags that are a location, or may contain one."""
_DEEPER: Final = frozenset({330, 34665})
"""Tags that lead to more directories: smaller images, EXIF."""
_ORIENTATION: Final = 274
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4,
                 16: 8, 17: 8, 18: 8}  # fmt: skip
"""Bytes of a value by its type; those of BigTIFF are last."""
_MOST_DIRECTORIES: Final = 1000
_MOST_TAGS: Final = 50_000


class Unreadable(Exception):
    """The block is not as TIFF files are, or is in too many parts."""


@dataclass(frozen=True, slots=True)
class _Tag:
    """One tag of a directory: where it lies, and where its value does."""

    number: int
    kind: int
    at: int
    value_at: int
    value_size: int


class _Block:
    """A TIFF file, or the block of the same form in another file."""

    def __init__(self, data: bytearray) -> None:
        self.data = data
        order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]), "")
        if not order or len(data) < 8:
            raise Unreadable
        self.short = struct.Struct(order + "H")
        self._long = struct.Struct(order + "I")
        magic = self.number(self.short, 2)
        self._is_big = magic == 43
        if magic not in (42, 43) or (self._is_big and len(data) < 16):
            raise Unreadable
        self._offset = struct.Struct(order + "Q") if self._is_big else self._long
        self._count = struct.Struct(order + ("Q" if self._is_big else "H"))
        self._tag_size = 20 if self._is_big else 12
        self.first = self.number(self._offset, 8 if self._is_big else 4)
        self._tags = 0

    def number(self, kind: struct.Struct, at: int) -> int:
        value: int = kind.unpack_from(self.data, at)[0]
        return value

    def tags(self, at: int) -> list[_Tag]:
        """The tags of the directory there. Raises Unreadable if it is cut off."""
        start = at + self._count.size
        if start > len(self.data):
            raise Unreadable
        count = self.number(self._count, at)
        self._tags += count
        if self._tags > _MOST_TAGS or start + count * self._tag_size > len(self.data):
            raise Unreadable
        return [self._tag(start + index * self._tag_size) for index in range(count)]

    def _tag(self, at: int) -> _Tag:
        kind = self.number(self.short, at + 2)
        count = self.number(self._offset, at + 4)
        size = _SIZES.get(kind, 0) * count
        value_at = at + 4 + self._offset.size
        if size > self._offset.size:
            value_at = self.number(self._offset, value_at)
        return _Tag(self.number(self.short, at), kind, at, value_at, size)

    def next_of(self, at: int, count: int) -> int:
        """Where the next directory begins; 0 if there is none."""
        place = at + self._count.size + count * self._tag_size
        if place + self._offset.size > len(self.data):
            return 0
        return self.number(self._offset, place)

    def directories_of(self, tag: _Tag) -> Iterator[int]:
        """Where the directories begin that the tag leads to."""
        step = _SIZES.get(tag.kind, 0)
        kind = {4: self._long, 8: self._offset}.get(step)
        if kind is None:
            return
        end = min(tag.value_at + tag.value_size, len(self.data) - step + 1)
        for at in range(tag.value_at, end, step):
            yield self.number(kind, at)

    def clear(self, tag: _Tag) -> None:
        """Overwrite the value, and the directory that it leads to if it is one of GPS."""
        if tag.number == _GPS:
            for at in self.directories_of(tag):
                if 8 <= at < len(self.data):
                    self._clear_directory(at)
        self._zero(tag.value_at, tag.value_size)

    def _clear_directory(self, at: int) -> None:
        tags = self.tags(at)
        for tag in tags:
            self._zero(tag.value_at, tag.value_size)
        self._zero(at, self._count.size + len(tags) * self._tag_size)

    def _zero(self, at: int, size: int) -> None:
        end = min(at + size, len(self.data))
        self.data[at:end] = bytes(max(0, end - at))

    def remove(self, at: int, tags: list[_Tag], gone: list[_Tag]) -> None:
        """Close the gaps in the directory; the link to the next one moves with the last tag."""
        start = at + self._count.size
        size = self._tag_size
        end = min(start + len(tags) * size + self._offset.size, len(self.data))
        removed = {tag.at for tag in gone}
        kept = [self.data[tag.at : tag.at + size] for tag in tags if tag.at not in removed]
        link = self.data[start + len(tags) * size : end]
        self.data[start:end] = b"".join([*kept, link]).ljust(end - start, b"\0")
        self._count.pack_into(self.data, at, len(kept))


def remove_location(data: bytearray) -> None:
    """Remove the tags of places from a TIFF file, or from an EXIF block, in place.

    All other tags, the pixels and the size in bytes stay. Raises Unreadable.
    """
    block = _Block(data)
    left, seen = [block.first], set[int]()
    while left:
        at = left.pop()
        # Programs write all kinds of links after the last directory.
        if at in seen or not 8 <= at < len(data):
            continue
        seen.add(at)
        if len(seen) > _MOST_DIRECTORIES:
            raise Unreadable
        tags = block.tags(at)
        left.append(block.next_of(at, len(tags)))
        gone = [tag for tag in tags if tag.number in _PLACES]
        for tag in tags:
            if tag.number in _DEEPER:
                left += block.directories_of(tag)
        for tag in gone:
            block.clear(tag)
        if gone:
            block.remove(at, tags, gone)


def only_orientation(data: bytes) -> bytes:
    """An EXIF block with the orientation of the given block, and nothing else; never a longer one.

    Empty if the given block is too short to have one.
    """
    orientation = 1
    try:
        block = _Block(bytearray(data))
        for tag in block.tags(block.first):
            if tag.number == _ORIENTATION and tag.kind == 3:
                orientation = block.number(block.short, tag.value_at)
    except (Unreadable, struct.error):
        pass
    one = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    block_of_one = b"MM\0*" + struct.pack(">IH", 8, 1) + one + bytes(4)
    return block_of_one if len(block_of_one) <= len(data) else b""
