"""JSON from untrusted sources, read in chunks, strictly, within limits, with line numbers.

A file of any size is read in chunks. Memory holds one element of one list at a time. NaN, Infinity,
numbers of thousands of digits and endless nesting are rejected. So is a file that ends too early.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NoReturn

from labeler.errors import InvalidImport

MAX_BYTES: Final = 2**30
"""The largest file, in bytes, unpacked."""
MAX_ELEMENT: Final = 8 * 2**20
"""The most characters in one element of a list, or in one value beside the lists."""

_CHUNK: Final = 2**18
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NEAR_END: Final = 16
"""If a chunk ends within a word or number, the decoder stops at most this far before its end."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _NotStrict(ValueError):
    """NaN or Infinity, which are not valid JSON."""


def _refuse(constant: str) -> NoReturn:
    raise _NotStrict(f"{constant} is not valid JSON")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse)


def load_json(data: bytes, file: str) -> Any:
    """Return the value in `data`. Raises InvalidImport if it is not strict JSON."""
    try:
        return _decoder.decode(data.decode(_encoding(data)))
    except UnicodeDecodeError as error:
        raise InvalidImport(f"{file} is not UTF-8 text. Save it as UTF-8.") from error
    except RecursionError as error:
        raise InvalidImport(f"{file} was refused: it is nested too deep.") from error
    except json.JSONDecodeError as error:
        raise InvalidImport(f"{file}: line {error.lineno}: not valid JSON: {error.msg}.") from error
    except ValueError as error:
        raise InvalidImport(f"{file} was refused: {error}.") from error


class ListBegins:
    """Marks the beginning of a list. An empty list has the mark too."""


LIST_BEGINS: Final = ListBegins()


def stream_json(stream: BinaryIO, file: str) -> Iterator[tuple[str, int, Any]]:
    """Yield the contents of the outermost object or list: (key, line, element or value).

    For each list, this yields LIST_BEGINS and then the elements, one by one, under the list's key.
    For any other member, it yields the value. The key is empty in an outermost list. Raises
    InvalidImport, at once or at any later step, if the file is not strict JSON.
    """
    reader = _Reader(stream, file)
    first = reader.next_char()
    if first == "[":
        yield from reader.elements("")
    elif first == "{":
        yield from reader.members()
    else:
        raise reader.refused("it is not a JSON object or list")
    if reader.next_char(or_end=True):
        raise reader.refused("something stands behind its end")


def _encoding(head: bytes) -> str:
    return next((name for bom, name in _BOMS if head.startswith(bom)), "utf-8")


class _Reader:
    """The file's text. `_text` holds the current chunk, and `_at` is the position in it."""

    def __init__(self, stream: BinaryIO, file: str) -> None:
        self._stream = stream
        self._file = file
        head = stream.read(_CHUNK)
        self._decode = codecs.getincrementaldecoder(_encoding(head))()
        self._bytes = 0
        self._text = ""
        self._at = 0
        self._line = 1
        self._counted = 0
        self._ended = False
        self._take(head)

    def refused(self, why: str) -> InvalidImport:
        return InvalidImport(f"{self._file}: line {self.line}: {why}.")

    def next_char(self, *, or_end: bool = False) -> str:
        """Return the next character that is not white space, without consuming it."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                if or_end:
                    return ""
                raise self.refused("the file ends too early; it may have been cut off")

    def members(self) -> Iterator[tuple[str, int, Any]]:
        """Yield the members of the object whose brace is next."""
        closed = self._opens("}")
        while not closed:
            key = self._value()
            if not isinstance(key, str):
                raise self.refused("a name in quotes was expected")
            if self.next_char() != ":":
                raise self.refused("a colon was expected")
            self._at += 1
            if self.next_char() == "[":
                yield key, self.line, LIST_BEGINS
                yield from self.elements(key)
            else:
                yield key, self.line, self._value()
            closed = self._closes("}")

    def elements(self, key: str) -> Iterator[tuple[str, int, Any]]:
        """Yield the elements of the list whose bracket is next."""
        closed = self._opens("]")
        while not closed:
            self.next_char()
            line = self.line
            yield key, line, self._value()
            closed = self._closes("]")

    @property
    def line(self) -> int:
        """Return the number of the current line."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _opens(self, end: str) -> bool:
        """Step into an object or list. Return whether it is empty; then step out of it too."""
        self._at += 1
        if self.next_char() != end:
            return False
        self._at += 1
        return True

    def _closes(self, end: str) -> bool:
        """Step over a comma, or out of the object or list."""
        char = self.next_char()
        if char not in (",", end):
            raise self.refused("a comma was expected")
        self._at += 1
        return char == end

    def _value(self) -> Any:
        self.next_char()
        while True:
            try:
                value, end = _decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated") or (
                    error.pos >= len(self._text) - _NEAR_END
                )
                if not (cut and self._more()):
                    self._at = max(self._at, min(error.pos, len(self._text)))
                    raise self.refused(f"not valid JSON: {error.msg}") from error
            except RecursionError as error:
                raise self.refused("it is nested too deep") from error
            except ValueError as error:  # NaN, or a number of thousands of digits
                raise self.refused(str(error)) from error
            else:
                # A number may continue in the next chunk, also after the rest of `1.` or `1e-`.
                if end + 2 < len(self._text) or not self._more():
                    self._at = end
                    return value

    def _drop(self) -> None:
        """Drop the text before the position."""
        self._line = self.line
        self._text = self._text[self._at :]
        self._at = self._counted = 0

    def _more(self) -> bool:
        """Read another chunk. Return False at the end of the file."""
        if self._ended:
            return False
        self._drop()
        if len(self._text) > MAX_ELEMENT:
            raise self.refused(f"one value has more than {MAX_ELEMENT / 2**20:.0f} MB")
        # The size doubles each time, so that a value cut by chunks is not decoded too often.
        self._take(self._stream.read(max(_CHUNK, len(self._text))))
        return True

    def _take(self, data: bytes) -> None:
        self._bytes += len(data)
        if self._bytes > MAX_BYTES:
            raise InvalidImport(
                f"{self._file} is larger than {MAX_BYTES / 2**20:.0f} MB. Split it into several."
            )
        self._ended = not data
        try:
            self._text += self._decode.decode(data, self._ended)
        except UnicodeDecodeError as error:
            raise InvalidImport(f"{self._file} is not UTF-8 text. Save it as UTF-8.") from error
