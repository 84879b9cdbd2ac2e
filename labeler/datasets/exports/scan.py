"""Finds the images and their current versions by two quick listings of the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import Final

from labeler.model.layout import ANNOTATIONS, is_image_id
from labeler.project.image_index import ImageIndex
from labeler.project.originals import IMAGE_ID, Uploads
from labeler.storage import Store, Version

RANGES: Final = 16
_A_PAGE: Final = 1000


@dataclass(slots=True)
class ScannedImage:
    """One image: the version of its document and its original.

    The document's version is empty if no document is stored. An original has its key, its version
    and its file name below uploads/.
    """

    image_id: str
    version: str
    original: str | None = None
    original_version: str = ""
    file_name: str = ""

    @property
    def is_there(self) -> bool:
        """Return whether the store holds anything of the image."""
        return bool(self.version) or self.original is not None


@dataclass(frozen=True, slots=True)
class PreviousScan:
    """An earlier listing: the versions of documents and originals by their keys.

    `image_of` returns the image ID of one of these originals. `find` returns the listed state of an
    image.
    """

    documents: Mapping[str, Version]
    originals: Mapping[str, Version]
    image_of: Callable[[str], str]
    find: Callable[[str], ScannedImage | None]


@dataclass(slots=True)
class _Original:
    """An original as it is kept in memory, in a third of the space of a listed object."""

    key: str
    image_id: str
    version: str
    name: str


class ProjectScan:
    """Lists documents and originals at the same time."""

    def __init__(self, store: Store, uploads: Uploads | None, image_index: ImageIndex) -> None:
        self._store = store
        self._uploads = uploads
        self._image_index = image_index

    def read(
        self, before: PreviousScan | None = None, image_ids: Collection[str] = ()
    ) -> dict[str, ScannedImage]:
        """Return every image by its ID, or with `before` only the images that differ from it.

        An image that is gone since `before` is returned without document and original. The known
        image IDs and `before` tell where to split the listing into parallel ranges.
        """
        with ThreadPoolExecutor(1, "labeler-listing") as pool:
            others = pool.submit(self._originals, before)
            found = self._documents(before, image_ids)
            originals, lost = others.result()
        if before is not None:
            originals = _with_earlier(originals, lost, found, before)
        _add_originals(found, originals)
        return found

    def _documents(
        self, before: PreviousScan | None, image_ids: Collection[str]
    ) -> dict[str, ScannedImage]:
        """Return the images with documents, still without their originals."""
        known = before.documents if before else {}
        splits = _splits(known) or _splits(image_ids, ANNOTATIONS)
        start, end = len(ANNOTATIONS), -len(".json")
        found = {}
        for scanned in self._store.scan(ANNOTATIONS, splits=splits, known=known):
            image_id = scanned.key[start:end]
            if scanned.key.endswith(".json") and is_image_id(image_id):
                found[image_id] = ScannedImage(image_id, scanned.version)
        return found

    def _originals(self, before: PreviousScan | None) -> tuple[list[_Original], set[str]]:
        """Return the originals, and the keys of earlier originals that are gone or changed."""
        if self._uploads is None:
            return [], set(before.originals if before else ())
        prefix, store = self._uploads.prefix, self._uploads.store
        known = before.originals if before else {}
        originals, lost = [], set()
        for scanned in store.scan(prefix, note=IMAGE_ID, splits=_splits(known), known=known):
            if scanned.key in known:
                lost.add(scanned.key)
            name = scanned.key[len(prefix) :]
            if not scanned.version:
                continue
            image_id = self._image_index.original_id(name, scanned, store)
            if image_id is None:
                continue
            originals.append(_Original(scanned.key, image_id, scanned.version, name))
        return originals, lost


def _with_earlier(
    originals: list[_Original], lost: set[str], found: dict[str, ScannedImage], before: PreviousScan
) -> list[_Original]:
    """Return the originals, together with the unchanged earlier ones of the same images.

    Afterwards `found` has an entry for each of these images.
    """
    whole = list(originals)
    images = {one.image_id for one in originals}.union(found, map(before.image_of, lost))
    for image_id in images:
        was = before.find(image_id)
        if was is None:
            continue
        found.setdefault(image_id, ScannedImage(image_id, was.version))
        if was.original is not None and was.original not in lost:
            whole.append(_Original(was.original, image_id, was.original_version, was.file_name))
    return sorted(whole, key=lambda one: (one.key, one.image_id))


def _add_originals(found: dict[str, ScannedImage], originals: Iterable[_Original]) -> None:
    """Give each image its original. The originals come in the order of their keys."""
    for one in originals:
        image_id = one.image_id
        known = found.setdefault(image_id, ScannedImage(image_id, ""))
        # The image's own folder is used only if the plain name belonged to another image.
        if known.original is None or one.name.startswith(f"{image_id}/"):
            known.original, known.original_version = one.key, one.version
            known.file_name = one.name


def _splits(names: Collection[str], prefix: str = "") -> list[str]:
    """Return keys that divide these names below `prefix` into about equal ranges.

    Each range has at least one page.
    """
    ranges = min(RANGES, len(names) // _A_PAGE)
    if ranges < 2:
        return []
    some = sorted(islice(names, 0, None, max(1, len(names) // 1600)))
    return [prefix + some[len(some) * place // ranges] for place in range(1, ranges)]
