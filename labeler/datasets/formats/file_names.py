"""Names images in datasets: each name is unique, and readers find and recognize it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from labeler.datasets.rules import ExportWarning, SummaryBuilder, is_relative

_READ: Final = frozenset({"jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp", "mpo", "gif"})
"""Extensions that readers accept. Ultralytics reads all of them except GIF."""
_OTHER_NAMES: Final = {"jfif": "jpg", "jpe": "jpg", "jfi": "jpg", "jif": "jpg"}
_BY_TYPE: Final = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/bmp": "bmp",
    "image/gif": "gif", "image/tiff": "tif",
}  # fmt: skip


class UniqueNames:
    """Gives each image a unique name, and reports names that some readers confuse."""

    def __init__(self, counter: SummaryBuilder) -> None:
        self._counter = counter
        self._names: set[str] = set()
        self._stems: set[str] = set()

    def unique(self, file_name: str, folder: str, number: int) -> str:
        """Return the image's name in the file."""
        name = file_name
        if name in self._names:
            name = f"{folder}/{file_name}" if is_relative(folder) else f"{number}/{file_name}"
            while name in self._names:
                name = f"{number}/{name}"
            self._counter.report(ExportWarning.RENAMED, name)
        self._names.add(name)
        stem = split_name(name)[0].casefold()
        if stem in self._stems:
            self._counter.report(ExportWarning.SIMILAR, name)
        self._stems.add(stem)
        return name


class UniqueStems:
    """Gives each image a name with a unique stem, because a label file stands for its stem.

    The same stem may be given once per part if each part has a folder of its own.
    """

    def __init__(self, counter: SummaryBuilder, taken: Iterable[str] = ()) -> None:
        self._counter = counter
        self._stems = {("", stem) for stem in taken}

    def unique(self, name: str, image_id: str, part: str, file_name: str) -> str:
        """Return the image's name in that part. `file_name` is the name in reports."""
        stem, extension = split_name(name)
        if (part, stem.casefold()) in self._stems:
            folders, slash, base = stem.rpartition("/")
            stem = f"{folders}{slash}{image_id}/{base}"
            self._counter.report(ExportWarning.RENAMED, file_name)
        self._stems.add((part, stem.casefold()))
        return stem + extension


def split_name(name: str) -> tuple[str, str]:
    """Return the name without its extension, and the extension with its dot, "" if it has none."""
    dot = name.rfind(".")
    return (name[:dot], name[dot:]) if dot > name.rfind("/") + 1 else (name, "")


def with_known_extension(name: str, media_type: Callable[[], str]) -> str:
    """Return the name with a known extension. `media_type` is called only if it is needed."""
    stem, extension = split_name(name)
    known = extension[1:].lower()
    if known in _READ:
        return name
    if known in _OTHER_NAMES:
        return f"{stem}.{_OTHER_NAMES[known]}"
    return f"{name}.{_BY_TYPE[media_type()]}"


def image_media_type(name: str) -> str:
    """Return the media type that an original's name has in a zip, by its extension."""
    known = split_name(name)[1][1:].lower()
    kinds = {extension: media_type for media_type, extension in _BY_TYPE.items()}
    return kinds.get({"jpeg": "jpg", "mpo": "jpg", "tiff": "tif"}.get(known, known), "image/*")
