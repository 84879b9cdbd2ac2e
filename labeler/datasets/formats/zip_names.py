"""Decodes file names in a zip that does not state its encoding. Pure.

Programs on Windows write names in the code page of their machine. Python's zipfile decodes those
bytes as code page 437. All names of a zip share one code page, so all of them together tell which.
"""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Final

_UTF8: Final = 0x800
"""The flag of a UTF-8 name (APPNOTE.TXT, 4.4.4)."""
_UNICODE_PATH: Final = 0x7075
"""The extra field with the name in UTF-8 (APPNOTE.TXT, 4.6.9)."""


def names_in(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the file names, by the names that zipfile gives them."""
    infos = archive.infolist()
    unsaid = [
        info.filename
        for info in infos
        if not info.flag_bits & _UTF8 and not info.filename.isascii()
    ]
    names = {info.filename: info.filename for info in infos}
    names |= dict(zip(unsaid, _decoded(unsaid), strict=True))
    return names | {info.filename: name for info in infos if (name := _said(info))}


def _said(info: zipfile.ZipInfo) -> str:
    """Return the UTF-8 name that some programs add beside the other one, or an empty text."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_PATH and size > 5:
            return extra[9 : 4 + size].decode("utf-8", "ignore")
        extra = extra[4 + size :]
    return ""


def _decoded(names: list[str]) -> list[str]:
    """Return these names in the first plausible code page, or unchanged if there is none."""
    for encoding, looks_right in _CODE_PAGES:
        try:
            found = [name.encode("cp437").decode(encoding) for name in names]
        except UnicodeError:
            continue
        if looks_right(found):
            return found
    return names


def _always(_: list[str]) -> bool:
    return True


def _has_kana(names: list[str]) -> bool:
    """Return whether the names are Japanese. One kana may be a French letter by chance."""
    return sum("\u3041" <= char <= "\u30fc" for name in names for char in name) > 1


def _is_latin(names: list[str]) -> bool:
    """Return whether all are Western European letters. Other texts show as frames and Greek."""
    return all(char <= "\u017f" and char.isalpha() for char in _foreign("".join(names)))


def _is_latin_words(names: list[str]) -> bool:
    """Like `_is_latin`, and in plausible words: mostly ASCII, capitals only in front."""
    return _is_latin(names) and all(
        2 * len(_foreign(word)) <= len(word) and _is_cased(word) for word in _words(names)
    )


def _is_cyrillic(names: list[str]) -> bool:
    """Return whether all words are purely Cyrillic, with capitals only in front."""
    signs = "".join(_foreign("".join(names)))
    return all("\u0400" <= char <= "\u045f" for char in signs) and all(
        len(_foreign(word)) == len(word) and _is_cased(word) for word in _words(names)
    )


def _words(names: list[str]) -> Iterator[str]:
    """Yield the runs of letters that contain a letter beyond ASCII."""
    for name in names:
        yield from (word for word in _LETTERS.findall(name) if not word.isascii())


def _foreign(text: str) -> list[str]:
    return [char for char in text if not char.isascii()]


def _is_cased(word: str) -> bool:
    return word.islower() or word.isupper() or word.istitle()


def _is_common_chinese(names: list[str]) -> bool:
    try:
        "".join(names).encode("gb2312")
    except UnicodeError:
        return False
    return True


_LETTERS: Final = re.compile(r"[^\W\d_]+")
_CODE_PAGES: Final[tuple[tuple[str, Callable[[list[str]], bool]], ...]] = (
    ("utf-8", _always),
    ("cp932", _has_kana),
    ("cp437", _is_latin),
    ("cp866", _is_cyrillic),
    ("cp850", _is_latin_words),
    ("cp1252", _is_latin_words),
    ("gb18030", _is_common_chinese),
    ("big5", _always),
    ("euc_kr", _always),
    ("cp932", _always),
    ("cp949", _always),
    ("gb18030", _always),
    ("cp1252", _always),
)
"""The code pages in the order in which they are tried."""
