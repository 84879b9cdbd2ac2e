"""XML from strangers: without any DTD, so without entities and what they can do; within limits.

And texts as XML has them, for those who write it.

What lies directly below the root is handed out piece by piece, so that a file of any number of
images is read in little memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import BinaryIO, Final
from xml.parsers import expat

from labeler.errors import InvalidImport

MAX_BYTES: Final = 2**29
"""Of one file."""
MAX_DEPTH: Final = 50
MAX_PART: Final = 2**24
"""Bytes of one element below the root, as far as they make texts and attributes."""

_CHUNK: Final = 2**16
_ROOTS: Final = {"annotation": "Pascal VOC", "annotations": "CVAT"}
_ELEMENT_COST: Final = 64
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Element:
    """One element; `text` is all text directly in it, trimmed, and `line` where it begins."""

    tag: str
    attributes: dict[str, str]
    line: int
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts).strip()

    def find(self, tag: str) -> Element | None:
        """The first child of that tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def text_of(self, tag: str) -> str | None:
        """The text of the first child of that tag, None where there is none."""
        child = self.find(tag)
        return child.text if child else None


def stream_xml(stream: BinaryIO, file: str, root: str) -> Iterator[Element]:
    """The elements below the root, which has to be called `root`, one by one.

    InvalidImport, at once or at any later step, for what is not well formed, for another root,
    for a DTD, and for what is too deep or too large.
    """
    builder = _Builder(file, root)
    size = 0
    while data := stream.read(_CHUNK):
        size += len(data)
        if size > MAX_BYTES:
            raise InvalidImport(
                f"{file} is larger than {MAX_BYTES / 2**20:.0f} MB. Split it into several."
            )
        builder.feed(data)
        yield from builder.take()
    builder.feed(b"", last=True)
    yield from builder.take()


class _Builder:
    """Makes elements of what the parser tells."""

    def __init__(self, file: str, root: str) -> None:
        self._file = file
        self._root = root
        self._open: list[Element] = []
        self._done: list[Element] = []
        self._size = 0
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text

    def feed(self, data: bytes, *, last: bool = False) -> None:
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            why = expat.ErrorString(error.code)
            raise InvalidImport(
                f"{self._file}: line {error.lineno}: not valid XML: {why}."
            ) from error
        except (LookupError, ValueError) as error:  # the encoding that the file names
            raise InvalidImport(
                f"{self._file} is in an encoding that can't be read. Save it as UTF-8."
            ) from error

    def take(self) -> list[Element]:
        """The elements that are complete, each once."""
        done, self._done = self._done, []
        return done

    def _doctype(self, *_: object) -> None:
        raise self._refused("it contains a DTD, which isn't allowed")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != self._root:
            other = f"; choose {_ROOTS[tag]}, whose root this is" if tag in _ROOTS else ""
            raise self._refused(f"its root is <{tag[:40]}>, not <{self._root}>{other}")
        if len(self._open) >= MAX_DEPTH:
            raise self._refused("it is nested too deep")
        self._count(_ELEMENT_COST + sum(map(len, attributes.values())))
        self._open.append(Element(tag, attributes, self._parser.CurrentLineNumber))

    def _end(self, _: str) -> None:
        element = self._open.pop()
        if len(self._open) == 1:
            self._done.append(element)
            self._size = 0
        elif self._open:
            self._open[-1].children.append(element)

    def _text(self, text: str) -> None:
        if len(self._open) > 1:
            self._count(len(text))
            self._open[-1].texts.append(text)

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_PART:
            raise self._refused("one element in it is too large")

    def _refused(self, why: str) -> InvalidImport:
        line = self._parser.CurrentLineNumber
        return InvalidImport(f"{self._file}: line {line}: it was refused: {why}.")


def xml_text(text: str, *, quote: bool = False) -> str:
    """The text as XML has it; what XML can't hold at all becomes the replacement character.

    With `quote` it can stand in an attribute.
    """
    return escape(_NO_XML.sub("\ufffd", text), quote=quote)
