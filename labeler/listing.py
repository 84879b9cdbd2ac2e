"""What an export looks at: which images there are, and in which state, by two quick listings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from labeler.catalogue import ANNOTATIONS, Catalogue, is_image_id
from labeler.errors import NotFound
from labeler.images import is_image_name
from labeler.originals import IMAGE_ID, Uploads
from labeler.storage import Scanned, Store

RANGES: Final = 16
_A_PAGE: Final = 1000


Names = Callable[[], Sequence[str]]


class Listed(NamedTuple):
    """One image: the version and MD5 of its document (empty where none is stored, or not told),
    and its original's key, where one is kept, with the file name that it has below uploads/.
    """

    image_id: str
    version: str
    md5: str
    original: str | None
    file_name: str


class _Original(NamedTuple):
    """What is kept of an original: three times less memory than what a scan tells of it."""

    image_id: str
    key: str
    name: str


class Listing:
    """Lists documents and originals at the same time."""

    def __init__(self, store: Store, uploads: Uploads | None, catalogue: Catalogue) -> None:
        self._store = store
        self._uploads = uploads
        self._catalogue = catalogue

    def read(self, image_ids: Sequence[str] = (), names: Names = tuple) -> dict[str, Listed]:
        """Every image by its ID.

        The IDs and file names that are known already tell where to begin listing in parallel;
        for few images no names are asked for.
        """
        known_names = names if len(image_ids) >= 2 * _A_PAGE else tuple
        with ThreadPoolExecutor(1, "labeler-listing") as pool:
            originals = pool.submit(self._originals, known_names)
            documents = self._store.scan(ANNOTATIONS, splits=_splits(ANNOTATIONS, image_ids))
            found = _documents(documents)
            _add_originals(found, originals.result())
        return found

    def _originals(self, names: Names) -> list[_Original]:
        if self._uploads is None:
            return []
        prefix, store = self._uploads.prefix, self._uploads.store
        originals = []
        for scanned in store.scan(prefix, note=IMAGE_ID, splits=_splits(prefix, names())):
            name = scanned.key[len(prefix) :]
            if not is_image_name(name):
                continue
            try:
                image_id = self._catalogue.original_id(name, scanned, store)
            except NotFound:  # it was deleted since it was listed
                continue
            originals.append(_Original(image_id, scanned.key, name))
        return originals


def _documents(scanned: Iterable[Scanned]) -> dict[str, Listed]:
    start, end = len(ANNOTATIONS), -len(".json")
    found = {}
    for key, version, _, md5, _ in scanned:
        image_id = key[start:end]
        if key.endswith(".json") and is_image_id(image_id):
            found[image_id] = Listed(image_id, version, md5, None, "")
    return found


def _add_originals(found: dict[str, Listed], originals: Iterable[_Original]) -> None:
    for image_id, key, name in originals:
        known = found.get(image_id)
        if known is None:
            found[image_id] = Listed(image_id, "", "", key, name)
        elif known.original is None or name.startswith(f"{image_id}/"):
            # The place of its own is only used where the plain name was another picture's.
            found[image_id] = Listed(known.image_id, known.version, known.md5, key, name)


def _splits(prefix: str, names: Sequence[str]) -> list[str]:
    """Keys that part what is below `prefix` into about equal ranges, of a page at least each."""
    ranges = min(RANGES, len(names) // _A_PAGE)
    if ranges < 2:
        return []
    some = sorted(names[:: max(1, len(names) // 1600)])
    return [prefix + some[len(some) * place // ranges] for place in range(1, ranges)]
