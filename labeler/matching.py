"""Which image of the project a name in another program's file means. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from labeler.images import safe_file_name


class Match(NamedTuple):
    """The image that a name means; `whole` if its folders agree as well, else by base name."""

    image_id: str
    whole: bool


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """A name that may mean several images; `paths` are some of theirs."""

    paths: tuple[str, ...]


class NameIndex:
    """Images by their paths, relative and with `/`.

    A name finds the image of that very path, or the one whose ID is its folder. Otherwise it finds
    the image whose path it ends with, or that ends with it, folders included, and the longest one
    of several; otherwise the one with its base name, of several the one that is in no folder.
    Several that fit equally well are Ambiguous.
    """

    def __init__(self, images: Iterable[tuple[str, str]]) -> None:
        self._by_base: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._by_stem: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        for path, image_id in images:
            parts = _parts(path)
            self._by_base.setdefault(parts[-1], []).append((parts, image_id))
            self._by_stem.setdefault(_stem(parts[-1]), []).append((parts, image_id))

    def find(self, name: str, *, any_extension: bool = False) -> Match | Ambiguous | None:
        """The image that is meant by `name`, of whose extension nothing is known if so said."""
        parts = _parts(name)
        found: list[tuple[tuple[str, ...], str]] = []
        if any_extension:
            known = self._by_stem.get(parts[-1], [])
            found = [((*path[:-1], _stem(path[-1])), image_id) for path, image_id in known]
        found = found or self._by_base.get(parts[-1], [])
        exact = [image_id for path, image_id in found if path == parts]
        exact = exact or [image_id for _, image_id in found if image_id in parts[-2:-1]]
        if exact:
            return _only(exact, found, whole=True)
        whole = [
            (min(len(path), len(parts)), image_id)
            for path, image_id in found
            if min(len(path), len(parts)) > 1 and path[-len(parts) :] == parts[-len(path) :]
        ]
        if whole:
            longest = max(length for length, _ in whole)
            return _only([found for length, found in whole if length == longest], found, whole=True)
        in_none = [image_id for path, image_id in found if len(path) == 1 < len(parts)]
        if not found:
            return None
        return _only(in_none or [image_id for _, image_id in found], found, whole=False)

    def of_base_name(self, name: str) -> list[str]:
        """The images whose base name this is."""
        return [image_id for _, image_id in self._by_base.get(_parts(name)[-1], [])]


def _only(
    image_ids: Sequence[str], found: Sequence[tuple[tuple[str, ...], str]], *, whole: bool
) -> Match | Ambiguous:
    if len(set(image_ids)) == 1:
        return Match(image_ids[0], whole)
    return Ambiguous(tuple(sorted("/".join(path) for path, _ in found))[:3])


def _parts(path: str) -> tuple[str, ...]:
    """The folders and the base name, as an upload under that name would be called."""
    text = unicodedata.normalize("NFC", path.encode("utf-8", "replace").decode())
    *folders, base = text.split("/")
    return (*(part for part in folders if part not in ("", ".", "..")), safe_file_name(base))


def _stem(base: str) -> str:
    stem, dot, _ = base.rpartition(".")
    return stem if dot and stem else base
