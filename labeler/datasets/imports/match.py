"""Finds the image that a label file means by a name. Pure; the same for every format.

A name is compared with the paths of images, including folders. The folders that both sides state
must agree: one side's list ends with the other's. Folders that describe their content (`images`,
`JPEGImages`, `labels`) may be missing on either side, and `valid` equals `val`.

The base name is looked up in five steps: as it is; then in any case; then as a known tool changes
it on upload or export (Label Studio, Roboflow, CVAT); then with any extension; last, if the file is
about one image, the label file's own name. If several images fit, the first of these criteria
decides: the exact path; the longest common tail of folders; that both lie where the images begin;
the place of the label file, which lies in the image's folder or belongs to the image's split.
Otherwise, an image is chosen only if no other image has its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from labeler.datasets.imports.tool_names import (
    are_two_images,
    before_upload,
    dashed_name,
    decoded_names,
    folded_name,
    is_from_roboflow,
    stem_of,
    tool_key,
)
from labeler.image_names import is_image_name, safe_file_name
from labeler.model.unicode_text import nfc

_LAYOUT: Final = frozenset({
    "images", "image", "imgs", "img", "jpegimages", "pngimages", "pictures", "photos", "data",
    "labels", "label", "annotations", "annotation", "anns", "ann", "bboxes", "bbox", "xml", "xmls",
    "json", "jsons", "obj_train_data", "default",
})  # fmt: skip
"""Folders that tell the kind of their files, and nothing about which images they are."""
_SPLIT: Final = re.compile(
    "(?:obj_)?(train|training|val|valid|validation|dev|test|testing)([0-9]*)(?:_data)?"
)
_SPLITS: Final = {
    "training": "train", "valid": "val", "validation": "val", "dev": "val", "testing": "test"
}  # fmt: skip
_WORDS: Final = re.compile(r"[^0-9a-z]+")
_DRIVE: Final = re.compile("[A-Za-z]:")
_SUBSET: Final = re.compile(
    "(?:instances|annotations|labels|person_keypoints|captions|stuff|panoptic)_(.+)", re.IGNORECASE
)
"""The file of a subset, as COCO, CVAT and Datumaro name it."""

_LONGEST: Final = 4096
"""Characters of a name, or of a label file's path. No system has longer ones."""

Folders = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """A label file's statement about its image: a name, and where it may lie by the file's path.

    With `is_of_one_image`, the file is about this image alone. With `any_extension`, the name has
    no extension. `folder` is the image's folder as the file states it apart from the name; in a
    file of many images, it is the image's subset.
    """

    name: str
    file: str = ""
    is_of_one_image: bool = False
    any_extension: bool = False
    folder: str = ""


class NameMatch(NamedTuple):
    """The image that a name means. `sure` is True if the path agrees, not just the base name."""

    image_id: str
    sure: bool


@dataclass(frozen=True, slots=True)
class AmbiguousName:
    """A name that may mean several images. `paths` are some of their paths."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A name that occurs in other folders only. `paths` are some of those images' paths."""

    paths: tuple[str, ...]


class Candidate(NamedTuple):
    """An image under one of its paths. Images that came with the label files go first."""

    folders: Folders
    base: str
    image_id: str
    came_along: bool

    @property
    def path(self) -> str:
        return "/".join((*self.folders, self.base))


class ImageNames:
    """Images by their paths, which are relative and use `/`. An image may have several."""

    def __init__(
        self, images: Iterable[tuple[str, str]], came_along: Iterable[tuple[str, str]] = ()
    ) -> None:
        self._by_key: dict[tuple[str, str], list[Candidate]] = {}
        self._by_id: dict[str, list[Candidate]] = {}
        for listed, is_along in ((came_along, True), (images, False)):
            for path, image_id in listed:
                folders, base = _split_path(path)
                candidate = Candidate(folders, base, image_id, is_along)
                self._by_id.setdefault(image_id, []).append(candidate)
                for key in set(_keys(base)):
                    self._by_key.setdefault(key, []).append(candidate)

    def find(self, stated: Stated) -> NameMatch | AmbiguousName | Elsewhere | None:
        """Return the image that is meant, or None if no image has the name in any form.

        A name may be an address, or percent-encoded, folders included. It is decoded only if it
        means no image as it is. One that no file can have means none, and is not worked on.
        """
        if max(map(len, (stated.name, stated.file, stated.folder))) > _LONGEST:
            return None
        match = self._as_stated(stated)
        for name in decoded_names(stated.name):
            if isinstance(match, NameMatch):
                break
            match = self._as_stated(replace(stated, name=name))
        return match

    def _as_stated(self, stated: Stated) -> NameMatch | AmbiguousName | Elsewhere | None:
        """Return the image that the name means as it is.

        If the name alone is ambiguous, the folder that is stated apart from it decides. A subset
        may have no folder of its own, and an image that came with the dataset may have been moved
        since. So only a different split rules such an image out.
        """
        match = self._by_name(stated)
        if not stated.folder or self._is_beside(stated, match):
            return match
        closer = self._by_name(replace(stated, name=f"{stated.folder}/{stated.name}"))
        if isinstance(closer, Elsewhere) and isinstance(match, NameMatch):
            splits = _splits(f"{stated.folder}/")
            agrees = any(
                (candidate.came_along or not stated.is_of_one_image)
                and not _disagree(splits, _splits(f"{'/'.join(candidate.folders)}/"))
                for candidate in self._by_id[match.image_id]
            )
            return match if agrees else closer
        if not isinstance(closer, NameMatch):
            return match
        return match if match == NameMatch(closer.image_id, True) else closer

    def _is_beside(
        self, stated: Stated, match: NameMatch | AmbiguousName | Elsewhere | None
    ) -> bool:
        """Return whether a file about one image lies where the image does."""
        if not isinstance(match, NameMatch) or not stated.is_of_one_image:
            return False
        beside = _resolved(stated)
        return any(
            candidate.came_along and candidate.folders == beside
            for candidate in self._by_id[match.image_id]
        )

    def _by_name(self, stated: Stated) -> NameMatch | AmbiguousName | Elsewhere | None:
        elsewhere: list[Candidate] = []
        base = _split_path(stated.name)[1]
        for key in _keys_of(stated):
            found = self._by_key.get(key, [])
            if key[0] not in ("name", "folded"):
                found = [one for one in found if not are_two_images(base, one.base)]
            if any(candidate.came_along for candidate in found):
                found = [candidate for candidate in found if candidate.came_along]
            scores = [(score, one) for one in found if (score := _score(stated, one)) is not None]
            if scores:
                return _best(scores, found)
            elsewhere += found
        return Elsewhere(_shown(elsewhere)) if elsewhere else None

    def is_called(self, image_id: str, name: str) -> bool:
        """Return whether the image has exactly this base name in one of its paths."""
        base = _split_path(name)[1]
        return any(candidate.base == base for candidate in self._by_id[image_id])

    def of_base_name(self, name: str) -> list[str]:
        """Return the images with this base name."""
        base = _split_path(name)[1]
        return [one.image_id for one in self._by_key.get(("name", base), [])]


class _Score(NamedTuple):
    """How well an image fits. Larger is better.

    `subset` is True if a folder has the name of the file's subset. `root` is True if both lie where
    the images begin, below no folders except those of layouts and splits.
    """

    exact: int = 0
    tail: int = 0
    subset: int = 0
    root: int = 0
    beside: int = 0


_BY_NAME: Final = _Score()
"""Only the base name speaks for the image."""


def _score(stated: Stated, candidate: Candidate) -> _Score | None:
    """Return how well the image fits the statement, or None if folders disagree."""
    folders, _ = _split_path(stated.name)
    place, _ = _split_path(stated.file)
    if candidate.image_id in folders[-1:]:  # exports add the ID to tell two images apart
        return _Score(3)
    own = candidate.folders
    beside = _resolved(stated)
    if own in (beside, folders):
        return _Score(2 if own == beside else 1, len(own))
    said = _telling(folders)
    if stated.is_of_one_image and not said:
        said = _telling(place)
    mine = _telling(own)
    tail = min(len(said), len(mine))
    if tail and said[-tail:] != mine[-tail:]:
        return None
    hint = _common_tail((*_telling(place), *said) if folders else _telling(place), mine)
    if not _splits(f"{'/'.join(said)}/"):
        # The base name in a file about one image belongs to the image and tells no split.
        splits = _splits(f"{'/'.join(place)}/" if stated.is_of_one_image else stated.file)
        mine_splits = _splits(f"{'/'.join(mine)}/")
        if not folders and _disagree(splits, mine_splits):
            return None
        hint += bool(splits & mine_splits)
    at_root = not _is_below(said) and not _is_below(mine)
    subset = _subset(stated) in map(folded_name, own)
    return _Score(0, tail, int(subset), int(at_root), hint)


def _best(
    scores: Sequence[tuple[_Score, Candidate]], found: Sequence[Candidate]
) -> NameMatch | AmbiguousName:
    best = max(score for score, _ in scores)
    if best == _BY_NAME:
        # In this case, no other image may have the name.
        meant = {candidate.image_id for candidate in found}
    else:
        meant = {candidate.image_id for score, candidate in scores if score == best}
    if len(meant) == 1:
        return NameMatch(meant.pop(), best > _BY_NAME)
    return AmbiguousName(_shown(found))


def _shown(found: Iterable[Candidate]) -> tuple[str, ...]:
    return tuple(sorted({candidate.path for candidate in found})[:3])


# --- names --------------------------------------------------------------------------------


def _keys_of(stated: Stated) -> Iterator[tuple[str, str]]:
    """Yield the keys under which to look up the image, the most certain first."""
    base = _split_path(stated.name)[1]
    named, folded, changed, dashed, *stems = _keys(base)
    yield from (named, folded)
    if stated.any_extension or not is_image_name(base):
        yield "stem", folded_name(base)
        yield "stem", tool_key(base)
    yield "folded", folded_name(before_upload(base))  # an upload may begin with digits of its own
    yield changed
    if is_from_roboflow(base):
        yield dashed
    if not stated.any_extension:
        yield from stems
    if stated.is_of_one_image:
        yield "stem", stem_of(folded_name(_split_path(stated.file)[1]))


def _keys(base: str) -> tuple[tuple[str, str], ...]:
    folded, changed = folded_name(base), tool_key(base)
    return (
        ("name", base),
        ("folded", folded),
        ("tool", changed),
        ("dashed", dashed_name(base)),
        ("stem", stem_of(folded)),
        ("stem", stem_of(changed)),
    )


# --- folders ------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def _split_path(path: str) -> tuple[Folders, str]:
    """Return folders and base name, as an upload with that path would be named."""
    text = nfc(path.encode("utf-8", "replace").decode())
    *folders, base = text.replace("\\", "/").split("/")
    kept = (part for part in folders if part not in ("", ".", "..") and not _DRIVE.fullmatch(part))
    return tuple(map(safe_file_name, kept)), safe_file_name(base)


def _resolved(stated: Stated) -> Folders | None:
    """Return the image's folders as seen from the label file, or None for another root."""
    name = stated.name.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or not stated.file:
        return None
    found: list[str] = []
    for part in [*stated.file.split("/")[:-1], *name.split("/")[:-1]]:
        if part == "..":
            del found[-1:]
        elif part not in ("", "."):
            found.append(safe_file_name(part))
    return tuple(found)


def _telling(folders: Folders) -> Folders:
    """Return the folders that identify the image, with a split under its usual name."""
    return tuple(_usual(part) for part in folders if part.casefold() not in _LAYOUT)


def _usual(part: str) -> str:
    found = _SPLIT.fullmatch(part.casefold())
    return _SPLITS.get(found[1], found[1]) + found[2] if found else folded_name(part)


def _is_below(telling: Folders) -> bool:
    """Return whether any folder is not a split."""
    return any(_SPLIT.fullmatch(part) is None for part in telling)


def _splits(path: str) -> set[str]:
    """Return the splits that a path names, including its base name; `val2017` means `val`."""
    folders, base = _split_path(path)
    words = (*folders, *_WORDS.split(stem_of(base).casefold()))
    found = (_SPLIT.fullmatch(word.casefold()) for word in words)
    return {_SPLITS.get(one[1], one[1]) for one in found if one}


def _subset(stated: Stated) -> str:
    """Return the name of the subset that a file of many images is about, or its own name."""
    if stated.is_of_one_image:
        return ""
    stem = stem_of(_split_path(stated.file)[1])
    found = _SUBSET.fullmatch(stem)
    return folded_name(stated.folder or (found[1] if found else stem))


def _disagree(splits: set[str], others: set[str]) -> bool:
    return bool(splits and others) and not splits & others


def _common_tail(one: Folders, other: Folders) -> int:
    count = 0
    for mine, theirs in zip(reversed(one), reversed(other), strict=False):
        if mine != theirs:
            break
        count += 1
    return count
