"""JSON from strangers: piece by piece, strict, within limits, and with line numbers.

A file of any size is read in pieces: what is in memory at once is one element of one list. NaN,
Infinity, numbers of thousands of digits and nesting without end are refused, as is a file that
ends too early.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO, Final, NoReturn

from labeler.errors import InvalidImport

MAX_BYTES: Final = 2**30
"""Of one file, unpacked."""
MAX_ELEMENT: Final = 8 * 2**20
"""Characters of one element of a list, or of one value beside the lists."""

_CHUNK: Final = 2**18
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_NEAR_END: Final = 16
"""Where a piece ends within a word or number, the decoder stops at most so far before its end."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class _NotStrict(ValueError):
    """NaN or Infinity, which JSON does not have."""


def _refuse(constant: str) -> NoReturn:
    raise _NotStrict(f"{constant} is not valid JSON")


_decoder: Final = json.JSONDecoder(parse_constant=_refuse)


def load_json(data: bytes, file: str) -> Any:
    """The value in `data`; InvalidImport where it is not strict JSON."""
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
    """Stands for the beginning of a list: an empty one is there too."""


LIST_BEGINS: Final = ListBegins()


def stream_json(stream: BinaryIO, file: str) -> Iterator[tuple[str, int, Any]]:
    """What stands in the file's outermost object or list: (key, line, element or value).

    Of each list LIST_BEGINS and then the elements, one by one, under the list's key; of all else
    the value. In an outermost list, the key is empty. InvalidImport, at once or at any later step,
    where it is not strict JSON.
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
    """The file's text, of which `_text` is what lies before us, from `_at` on."""

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
        """The next character that is not white space; it is left where it is."""
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
        """The members of the object at whose brace we are."""
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
        """The elements of the list at whose bracket we are."""
        closed = self._opens("]")
        while not closed:
            self.next_char()
            line = self.line
            yield key, line, self._value()
            closed = self._closes("]")

    @property
    def line(self) -> int:
        """The number of the line at which we are."""
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _opens(self, end: str) -> bool:
        """Step into an object or list; whether it is empty, which it is then stepped out of."""
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
                # A number may go on in the next piece, also behind what is left of `1.` or `1e-`.
                if end + 2 < len(self._text) or not self._more():
                    self._at = end
                    return value

    def _drop(self) -> None:
        """Forget what lies behind us."""
        self._line = self.line
        self._text = self._text[self._at :]
        self._at = self._counted = 0

    def _more(self) -> bool:
        """Take in another piece; False at the end of the file."""
        if self._ended:
            return False
        self._drop()
        if len(self._text) > MAX_ELEMENT:
            raise self.refused(f"one value has more than {MAX_ELEMENT / 2**20:.0f} MB")
        # Twice as much each time: what is cut again and again is not decoded too often.
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
