"""What the files in a zip are called, where the zip does not say in which encoding. Pure.

Programs on Windows write names in the code page of their machine. Python's zipfile takes those
bytes for code page 437. All names of a zip are of one code page, so it is told by all of them.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Callable, Iterable
from typing import Final

_UTF8: Final = 0x800
"""The flag of a name that is UTF-8 (APPNOTE.TXT, 4.4.4)."""
_UNICODE_PATH: Final = 0x7075
"""The extra field that holds the name in UTF-8 (APPNOTE.TXT, 4.6.9)."""


def names_in(archive: zipfile.ZipFile) -> dict[str, str]:
    """The file names, by those that zipfile gives them."""
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
    """The name in UTF-8 that some programs put beside the other one; empty without one."""
    extra = info.extra
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _UNICODE_PATH and size > 5:
            return extra[9 : 4 + size].decode("utf-8", "ignore")
        extra = extra[4 + size :]
    return ""


def _decoded(names: list[str]) -> list[str]:
    """These names in the first code page that they look like; as they are in none."""
    for encoding, looks_right in _CODE_PAGES:
        try:
            found = [name.encode("cp437").decode(encoding) for name in names]
        except UnicodeError:
            continue
        if looks_right(char for name in found for char in name if not char.isascii()):
            return found
    return names


def _always(_: Iterable[str]) -> bool:
    return True


def _has_kana(chars: Iterable[str]) -> bool:
    """Whether it is Japanese: one such character may be a French letter by chance."""
    return sum("\u3041" <= char <= "\u30fc" for char in chars) > 1


def _is_latin(chars: Iterable[str]) -> bool:
    """Whether all are letters of Western Europe: other texts show as frames and Greek."""
    return all(char <= "\u017f" and char.isalpha() for char in chars)


def _is_common_chinese(chars: Iterable[str]) -> bool:
    try:
        "".join(chars).encode("gb2312")
    except UnicodeError:
        return False
    return True


_CODE_PAGES: Final[tuple[tuple[str, Callable[[Iterable[str]], bool]], ...]] = (
    ("utf-8", _always),
    ("cp932", _has_kana),
    ("cp437", _is_latin),
    ("gb18030", _is_common_chinese),
    ("big5", _always),
    ("cp949", _always),
    ("cp932", _always),
    ("gb18030", _always),
    ("cp1252", _always),
)
"""In the order in which they are tried."""
