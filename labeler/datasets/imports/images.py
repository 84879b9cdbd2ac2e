"""Adds the images that come with an imported dataset to the project, before its boxes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, TypeVar

from labeler.datasets.formats.dataset_files import DatasetFiles, opened, read_whole
from labeler.datasets.formats.reading import ImportedImage, Problems
from labeler.datasets.imports.match import ImageNames
from labeler.errors import DamagedDocument, LabelerError, NotFound, StoreError
from labeler.image_names import HEAD_BYTES, is_image_file, is_image_name, is_open_name
from labeler.project.originals import id_conflict
from labeler.project.project import AddedImage, Project
from labeler.runtime.jobs import Progress

BATCH: Final = 256
_ADDING: Final = 3
"""How many images are in memory at once."""

T = TypeVar("T")


@dataclass(slots=True)
class AddedImages:
    """Images that came with the dataset: by ID, and the ID of each by its path there.

    `created` counts the new images. `refused` maps the path of each rejected file to the reason.
    """

    by_id: dict[str, AddedImage] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    created: int = 0


def image_files(source: DatasetFiles, found: Iterable[ImportedImage]) -> list[str]:
    """Return the images in `source`.

    If `source` is a single file, return the images beside it that it names.
    """
    names = images_in(source)
    beside = (source.beside(image.name) for image in found)
    return [*names, *dict.fromkeys(name for name in beside if name and is_image_name(name))]


def images_in(source: DatasetFiles) -> list[str]:
    """Return the files that are images by their extensions or first bytes."""
    return [name for name in source.files() if is_image_file(name, _head(source, name))]


def _head(source: DatasetFiles, name: str) -> bytes:
    """Return the file's first bytes, or nothing for a file that is surely no image."""
    if not is_open_name(name):
        return b""
    with opened(source, name) as file:
        return file.read(HEAD_BYTES)


def add_images(
    project: Project,
    source: DatasetFiles,
    names: list[str],
    problems: Problems,
    progress: Progress,
    *,
    called: Mapping[str, str],
    by: str,
    dry_run: bool,
) -> AddedImages:
    """Add these images of `source`. With `dry_run`, only report what adding them would do.

    `called` maps names in the source to names in the project. A rejected image is a fault in
    `problems`. A StoreError ends the whole run.
    """
    added = AddedImages()
    if not names:
        return added
    there = ImageNames(listed(project))
    digests: dict[str, bytes] = {}

    def add(name: str) -> AddedImage | LabelerError:
        try:
            data = read_whole(source, name, project.max_upload_bytes)
            path = called.get(name, name)
            known = _known(project, path, data, there)
            if known is not None:
                return known
            if dry_run:
                image = project.look_at_image(path, data)
                digest = hashlib.md5(data).digest()
                if digests.setdefault(image.image_id, digest) != digest:
                    return id_conflict(path)
                return image
            return project.add_image(path, data, by)
        except StoreError:
            raise
        except LabelerError as error:
            return error

    with ThreadPoolExecutor(_ADDING, "labeler-import") as pool:
        for some in batches(names):
            for name, image in _in_order(pool, add, some, source):
                progress("adding images", len(added.paths), len(names))
                if isinstance(image, LabelerError):
                    added.refused[called.get(name, name)] = image.message.rstrip(".")
                    problems.fault(name, "", image.message.rstrip("."))
                    continue
                added.paths[called.get(name, name)] = image.image_id
                known = added.by_id.setdefault(image.image_id, image)
                # Two files may be one image. Either may have been added first.
                if image.created and not known.created:
                    added.by_id[image.image_id] = image
    added.created = sum(image.created for image in added.by_id.values())
    return added


def _in_order(
    pool: ThreadPoolExecutor,
    add: Callable[[str], AddedImage | LabelerError],
    names: list[str],
    source: DatasetFiles,
) -> Iterator[tuple[str, AddedImage | LabelerError]]:
    """Yield each name with its result, in the order of `names`.

    Files of one size may have one image ID. They are added one after another, so that the first of
    them wins in every run.
    """
    by_size: dict[int, list[str]] = {}
    for name in names:
        by_size.setdefault(source.size(name), []).append(name)
    results: dict[str, AddedImage | LabelerError] = {}
    for some in pool.map(lambda group: [(name, add(name)) for name in group], by_size.values()):
        results.update(some)
    for name in names:
        yield name, results[name]


def listed(project: Project) -> Iterator[tuple[str, str]]:
    """Yield the paths of the project's images with their IDs. An image may have two paths."""
    for entry in project.list_images():
        for path in dict.fromkeys((project.file_name(entry), entry.image_path)):
            yield path, entry.image_id


def batches(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in batches."""
    waiting = iter(items)
    while some := list(islice(waiting, BATCH)):
        yield some


def _known(project: Project, name: str, data: bytes, there: ImageNames) -> AddedImage | None:
    """Return the project's image with the same name and bytes, whatever its ID.

    Image IDs may be random. Without this check, a second import would then add every image again.
    """
    for image_id in dict.fromkeys(there.of_base_name(name)):
        try:
            document = project.stored_document(image_id).document
        except (NotFound, DamagedDocument):
            continue
        width, height = document.image_width, document.image_height
        same = document.metadata.content_md5 == hashlib.md5(data).hexdigest()
        if same and width is not None and height is not None:
            return AddedImage(image_id, document.image_path, width, height, created=False)
    return None
