"""XML from untrusted sources, without DTDs and therefore without entities, within limits.

The elements directly below the root are yielded one by one, so a file with any number of images is
read in little memory. This module also escapes texts for writers of XML.
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
"""The largest file, in bytes."""
MAX_DEPTH: Final = 50
MAX_PART: Final = 2**24
"""The most bytes in one element below the root, counting texts and attributes."""

_CHUNK: Final = 2**16
_ROOTS: Final = {"annotation": "Pascal VOC", "annotations": "CVAT"}
_ELEMENT_COST: Final = 64
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Element:
    """One element. `text` is all text directly in it, trimmed. `line` is where it begins."""

    tag: str
    attributes: dict[str, str]
    line: int
    texts: list[str] = field(default_factory=list)
    children: list[Element] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.texts).strip()

    def find(self, tag: str) -> Element | None:
        """Return the first child with that tag."""
        return next((child for child in self.children if child.tag == tag), None)

    def text_of(self, tag: str) -> str | None:
        """Return the text of the first child with that tag, or None if there is none."""
        child = self.find(tag)
        return child.text if child else None


def stream_xml(stream: BinaryIO, file: str, root: str) -> Iterator[Element]:
    """Yield the elements below the root, which must be called `root`, one by one.

    Raises InvalidImport, at once or at any later step, if the file is not well-formed, has another
    root, contains a DTD, or is too deep or too large.
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
    """Builds elements from the parser's events."""

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
        except (LookupError, ValueError) as error:  # the encoding that the file names is unusable
            raise InvalidImport(
                f"{self._file} is in an encoding that can't be read. Save it as UTF-8."
            ) from error

    def take(self) -> list[Element]:
        """Return the complete elements, each once."""
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
    """Return the text escaped for XML. Characters that XML forbids become replacement characters.

    With `quote`, the text can stand in an attribute.
    """
    return escape(_NO_XML.sub("\ufffd", text), quote=quote)
