"""The sources of datasets: a file, a folder or a zip. A hostile source is rejected.

A source lists its files by relative names with `/` and opens them one by one, so memory stays flat.
A zip is rejected as a whole if a name leads out of it, if it holds links or encrypted files, if two
files share a name, or if it unpacks to far more than its own size. Such a zip is damaged or was
made to do harm.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final, Protocol, cast

from labeler.datasets.formats.zip_names import names_in
from labeler.errors import InvalidImport
from labeler.model.limits import size_text

MAX_FILES: Final = 500_000
MAX_RATIO: Final = 200
"""How many times its own size a zip may unpack to. Text packs to a tenth; images do not pack."""
FREE_BYTES: Final = 64 * 2**20
"""A small zip may unpack to this many bytes at any ratio."""
_MAX_TEXT_BYTES: Final = 2**25
"""The largest list of labels, in bytes."""
MAX_LIST_BYTES: Final = 24 * 2**20
"""The largest list of files in a zip, in bytes. The list is read whole."""

_END: Final = b"PK\x05\x06"
_END_64: Final = b"PK\x06\x06"
_ZIP: Final = (b"PK\x03\x04", _END)
_GZIP: Final = b"\x1f\x8b"
_HEAD_BYTES: Final = 512
_ARCHIVES: Final = (
    (b"Rar!\x1a\x07", 0, "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", 0, "a 7-Zip archive"),
    (b"ustar", 257, "a tar archive"),
    (b"BZh", 0, "packed by bzip2"),
    (b"\xfd7zXZ\0", 0, "packed by xz"),
    (b"\x28\xb5\x2f\xfd", 0, "packed by Zstandard"),
)
_DRIVE: Final = re.compile("[A-Za-z]:")
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error)


class DatasetFiles(Protocol):
    """Files by relative names. Close it after the last read, or use it in a `with`."""

    @property
    def name(self) -> str:
        """The name that people know it by."""
        ...

    def files(self) -> tuple[str, ...]:
        """Return all names, sorted. Hidden files are excluded."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open the file at its beginning."""
        ...

    def size(self, name: str) -> int:
        """Return the file's size in bytes, as far as it is known before reading."""
        ...

    def beside(self, name: str) -> str | None:
        """Return the file of that name beside a single file; `files` does not list it."""
        ...

    def close(self) -> None:
        """Close everything that is open. Calling it twice is harmless."""
        ...


class FolderFiles:
    """The files below a folder, or a choice of them. Links to folders are not followed."""

    def __init__(self, root: Path, only: tuple[str, ...] | None = None, name: str = "") -> None:
        self._root = root
        self._single = only is not None
        self._files = only if only is not None else tuple(sorted(_walk(root)))
        self.name = name or str(root)

    def files(self) -> tuple[str, ...]:
        return self._files

    def open(self, name: str) -> BinaryIO:
        path = self._root / name
        file = path.open("rb")
        if file.read(2) == _GZIP and self._single and name == self._files[0]:
            file.close()
            return cast(BinaryIO, gzip.open(path))
        file.seek(0)
        return file

    def size(self, name: str) -> int:
        return (self._root / name).stat().st_size

    def beside(self, name: str) -> str | None:
        name = name.replace("\\", "/")
        if not is_inside(name):  # it leads upward, or it is an absolute path
            name = name.rpartition("/")[2]
        parts = PurePosixPath(name).parts
        if not self._single or not is_inside(name) or any(part.startswith(".") for part in parts):
            return None
        for place in (name, f"images/{name}", parts[-1], f"images/{parts[-1]}"):
            path = self._root / place
            # A link on the way may lead anywhere. Only files that really lie beside this file
            # count.
            if path.is_file() and path.resolve().is_relative_to(self._root.resolve()):
                return place
        return None

    def close(self) -> None:
        """Do nothing, because nothing stays open."""


class SingleFile:
    """A single open file, gzipped or not. The caller closes it."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._file = file

    def files(self) -> tuple[str, ...]:
        return (self.name,)

    def open(self, name: str) -> BinaryIO:
        self._file.seek(0)
        packed = self._file.read(2) == _GZIP
        self._file.seek(0)
        if packed:
            return cast(BinaryIO, gzip.GzipFile(mode="rb", fileobj=self._file))
        return cast(BinaryIO, _Kept(self._file))

    def size(self, name: str) -> int:
        return self._file.seek(0, os.SEEK_END)

    def beside(self, name: str) -> str | None:
        return None

    def close(self) -> None:
        """Do nothing, because the caller opened the file."""


class _Kept(io.RawIOBase):
    """A view of a file. The file stays open after the view is closed."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)


class ZipFiles:
    """The files in a zip. `file` must stay open until the source is closed."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._file = file
        with explained(self.name, ""):
            size = check_list(file, self.name)
            with _as_damage():
                self._zip = zipfile.ZipFile(file)
            self._infos = checked(self._zip, size, self.name)

    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self._infos))

    def open(self, name: str) -> BinaryIO:
        with _as_damage():
            return cast(BinaryIO, self._zip.open(self._infos[name]))

    def size(self, name: str) -> int:
        return self._infos[name].file_size

    def beside(self, name: str) -> str | None:
        return None

    def close(self) -> None:
        self._zip.close()
        self._file.close()


@contextmanager
def _as_damage() -> Iterator[None]:
    """Turn zipfile's errors for invalid offsets and undecodable names into damage."""
    try:
        yield
    except ValueError as error:
        raise zipfile.BadZipFile(str(error)) from error


def open_dataset_files(path: Path, name: str = "") -> DatasetFiles:
    """Open the source at `path`, told by its content, not its name. Raises InvalidImport.

    `name` is the name for people if the path is a temporary one.
    """
    try:
        if path.is_dir():
            return FolderFiles(path, name=name)
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise InvalidImport(f"{name or path} can't be read: {error.strerror}.") from error
    check_archive(head, name or path.name)
    if head[:4] in _ZIP:
        file = path.open("rb")
        try:
            return ZipFiles(file, name or path.name)
        except InvalidImport:
            file.close()
            raise
    return FolderFiles(path.parent, (path.name,), name or path.name)


def dataset_files_of(file: BinaryIO, name: str) -> DatasetFiles:
    """Return the source in an open file, zip or not. Raises InvalidImport."""
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    check_archive(head, name)
    return ZipFiles(file, name) if head[:4] in _ZIP else SingleFile(file, name)


def check_archive(head: bytes, name: str) -> None:
    """Raise InvalidImport for an archive that is not a zip. `head` holds its first bytes."""
    if head.startswith(_GZIP):
        head = _unpacked(head)
    kind = next((kind for begin, at, kind in _ARCHIVES if head.startswith(begin, at)), "")
    if kind:
        raise InvalidImport(
            f"{name} is {kind}, which Labeler does not open. Unpack it and import the folder, or "
            "pack it as a zip."
        )


def _unpacked(head: bytes) -> bytes:
    """Return the first unpacked bytes of a gzip file, or nothing if it is damaged."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(head, _HEAD_BYTES)
    except zlib.error:
        return b""


@contextmanager
def opened(source: DatasetFiles, name: str) -> Iterator[BinaryIO]:
    """Open the file. Raises InvalidImport, also inside the block, if it is unreadable."""
    with explained(source.name, name), source.open(name) as file:
        yield file


def read_whole(source: DatasetFiles, name: str, limit: int) -> bytes:
    """Return all bytes of the file. Raises InvalidImport if there are more than `limit`."""
    with opened(source, name) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise InvalidImport(f"{name} is larger than {size_text(limit)}, which is the limit.")
    return data


def files_ending_with(
    endings: str | tuple[str, ...],
    source: DatasetFiles,
    title: str,
    ours: Collection[str] = (),
) -> list[str]:
    """Return the files of a format with one file per image. A single file may have any name.

    Raises InvalidImport if there is none. `title` names the format. The files in `ours` are left
    out.
    """
    if len(source.files()) == 1:
        return list(source.files())
    files = [one for one in source.files() if one.lower().endswith(endings) and one not in ours]
    if not files:
        first = endings if isinstance(endings, str) else endings[0]
        raise InvalidImport(f"{source.name} holds no {title} file: none in it ends with {first}.")
    return files


def lines_of(base_name: str, source: DatasetFiles) -> list[str]:
    """Return the non-empty lines of all text files of that name. Raises InvalidImport."""
    lines: list[str] = []
    for name in source.files():
        if name.rpartition("/")[2] == base_name:
            text = read_whole(source, name, _MAX_TEXT_BYTES).decode("utf-8-sig", "replace")
            lines += filter(None, map(str.strip, text.split("\n")))
    return lines


@contextmanager
def explained(source: str, name: str) -> Iterator[None]:
    """Turn errors of reading and unpacking into InvalidImport that names the file."""
    where = f"{name} in {source}" if name and name != source else source
    try:
        yield
    except _BROKEN as error:
        raise InvalidImport(f"{where} is corrupted and can't be unpacked: {error}.") from error
    except OSError as error:
        raise InvalidImport(f"{where} can't be read: {error.strerror or error}.") from error


def is_inside(name: str) -> bool:
    """Return whether a relative path with `/` stays below the folder that it starts from."""
    return not (
        not name
        or name.startswith("/")
        or "\\" in name
        or "\0" in name
        or _DRIVE.match(name)
        or {"", ".", ".."} & set(name.split("/"))
    )


def check_list(file: BinaryIO, name: str) -> int:
    """Return the zip's size. Raises InvalidImport if its list of files is too long to read."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2**16 - 22))
    tail = file.read()
    at = tail.rfind(_END)
    end = tail.rfind(_END_64, 0, max(at, 0))
    if at < 0 or at + 16 > len(tail):
        raise InvalidImport(f"{name} is corrupted: the end of the zip is missing. Send it again.")
    list_bytes = struct.unpack_from("<L", tail, at + 12)[0]
    if list_bytes == 0xFFFFFFFF:
        if end < 0 or end + 48 > len(tail):
            raise InvalidImport(
                f"{name} is corrupted: the end of the zip is missing. Send it again."
            )
        list_bytes = struct.unpack_from("<Q", tail, end + 40)[0]
    if list_bytes > MAX_LIST_BYTES:
        raise InvalidImport(f"{name} holds too many files. Split it into several zips.")
    return size


def checked(archive: zipfile.ZipFile, packed: int, name: str) -> dict[str, zipfile.ZipInfo]:
    """Return the zip's visible files by name. Raises InvalidImport for a hostile zip."""
    infos: dict[str, zipfile.ZipInfo] = {}
    names = names_in(archive)
    unpacked = 0
    for info in archive.infolist():
        path = names[info.filename].replace("\\", "/")
        if not is_inside(path.rstrip("/")):
            raise InvalidImport(
                f"{name} was refused: the name {info.filename!r} in it escapes its folder."
            )
        if stat.S_ISLNK(info.external_attr >> 16):
            raise InvalidImport(f"{name} was refused: {path} in it is a link, not a file.")
        if info.is_dir():
            continue
        if info.flag_bits & 1:
            raise InvalidImport(f"{name} was refused: {path} in it needs a password.")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidImport(
                f"{name} was refused: {path} in it is packed in an unusual way. Pack it anew."
            )
        if path in infos:
            raise InvalidImport(f"{name} was refused: two files in it are named {path}.")
        unpacked += info.file_size
        if unpacked > FREE_BYTES + MAX_RATIO * packed or len(infos) >= MAX_FILES:
            raise InvalidImport(
                f"{name} was refused: it unpacks to far more than a dataset of its size would. "
                "Split it into several zips, or import the folder."
            )
        if not any(part.startswith((".", "__MACOSX")) for part in path.split("/")):
            infos[path] = info
    return infos


def _walk(root: Path) -> Iterator[str]:
    for place, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file():
                yield path.relative_to(root).as_posix()
