"""The images that come along with an imported data set, added to the project first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar

from labeler.dataset import AddedImage, Dataset
from labeler.errors import DamagedDocument, LabelerError, NotFound, StoreError
from labeler.formats.found import FoundImage, Problems
from labeler.formats.sources import Source, read_whole
from labeler.images import is_image_name
from labeler.jobs import Progress
from labeler.matching import NameIndex
from labeler.originals import same_id

BATCH: Final = 256
_ADDING: Final = 3
"""Images in memory at once."""

T = TypeVar("T")


@dataclass(slots=True)
class AddedPictures:
    """Images that came along: by ID, and by their paths there. `created` counts the new ones."""

    by_id: dict[str, AddedImage] = field(default_factory=dict)
    names: NameIndex = field(default_factory=lambda: NameIndex(()))
    created: int = 0


def image_files(source: Source, found: Iterable[FoundImage]) -> list[str]:
    """The images in `source`, or, where it is a single file, beside it as far as it names them."""
    names = [name for name in source.files() if is_image_name(name)]
    beside = (source.beside(image.name) for image in found)
    return [*names, *dict.fromkeys(name for name in beside if name and is_image_name(name))]


def add_pictures(
    dataset: Dataset,
    source: Source,
    names: list[str],
    problems: Problems,
    progress: Progress,
    *,
    by: str,
    dry_run: bool,
) -> AddedPictures:
    """Add these images of `source`, or look at what adding them would do.

    One that can't be taken is a fault in `problems`; StoreError ends it all.
    """
    added = AddedPictures()
    if not names:
        return added
    there = NameIndex(listed(dataset))
    digests: dict[str, bytes] = {}

    def add(name: str) -> AddedImage | LabelerError:
        try:
            data = read_whole(source, name, dataset.max_upload_bytes)
            known = _known(dataset, name, data, there)
            if known is not None:
                return known
            if dry_run:
                image = dataset.look_at_image(name, data)
                digest = hashlib.md5(data).digest()
                if digests.setdefault(image.image_id, digest) != digest:
                    return same_id(name.rpartition("/")[2])
                return image
            return dataset.add_image(name, data, by)
        except StoreError:
            raise
        except LabelerError as error:
            return error

    found: list[tuple[str, str]] = []
    with ThreadPoolExecutor(_ADDING, "labeler-import") as pool:
        for some in batches(names):
            for name, image in zip(some, pool.map(add, some), strict=True):
                progress("adding images", len(found), len(names))
                if isinstance(image, LabelerError):
                    problems.fault(name, "", image.message.rstrip("."))
                    continue
                found.append((name, image.image_id))
                # A dry run sees the same bytes twice as new twice.
                if image.image_id not in added.by_id:
                    added.created += image.created
                    added.by_id[image.image_id] = image
    added.names = NameIndex(found)
    return added


def listed(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """The paths of the project's images, and their IDs."""
    for entry in dataset.list_images():
        yield dataset.file_name(entry), entry.image_id


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """The items, some at a time."""
    waiting = iter(items)
    while some := list(islice(waiting, BATCH)):
        yield some


def _known(dataset: Dataset, name: str, data: bytes, there: NameIndex) -> AddedImage | None:
    """The image of the same name and bytes that is in the project, whatever its ID.

    With random IDs, importing twice would add every image twice.
    """
    for image_id in there.of_base_name(name):
        try:
            document = dataset.stored_document(image_id).document
        except (NotFound, DamagedDocument):
            continue
        width, height = document.image_width, document.image_height
        same = document.metadata.content_md5 == hashlib.md5(data).hexdigest()
        if same and width is not None and height is not None:
            return AddedImage(image_id, document.image_path, width, height, created=False)
    return None
