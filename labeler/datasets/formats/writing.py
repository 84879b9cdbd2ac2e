"""The contract of writers: what an export hands to a writer, and what it gets back.

A writer takes the images one after another and returns one file. The COCO file is written while
images come, so that the next export can take over its lines. All other formats share SpooledWriter.
It keeps one line per image. The format's Layout turns these lines into bytes while the file is
read, with one image in memory at a time. The same data gives the same bytes.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import BinaryIO, Final, Protocol, Self, cast, runtime_checkable

from labeler.datasets.formats.croissant import describe_zip, pattern_of
from labeler.datasets.formats.file_names import (
    UniqueNames,
    UniqueStems,
    image_media_type,
    with_known_extension,
)
from labeler.datasets.formats.zip_manifest import CROISSANT, MANIFEST, dump_manifest
from labeler.datasets.formats.zip_stream import ZipStream
from labeler.datasets.manifest import ManifestRecord
from labeler.datasets.rules import ExportBox, ExportSummary, SummaryBuilder
from labeler.datasets.selection import Selection
from labeler.errors import DamagedImage, ImageConflict, ImageTooLarge, LabelerError, NotFound
from labeler.images import ImageInfo
from labeler.model.labels import LabelSet
from labeler.runtime.jobs import Progress, no_progress
from labeler.runtime.spools import Spool, open_spool

PACKING: Final = "Packing the images"


class OriginalSource(Protocol):
    """The source of the images themselves: the project."""

    def original_file(self, image_id: str) -> bytes:
        """Return the original as it is given out.

        Raises NotFound or ImageConflict, and DamagedImage or ImageTooLarge if its location can't
        be removed.
        """

    def image_info(self, image_id: str) -> ImageInfo:
        """Return the image's type and size. Raises LabelerError if they cannot be told."""


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """The input of a writer, handed in once, before the first image.

    `with_originals` asks for the images themselves. `earlier_boxes` counts the boxes of the export
    that this one takes over from, by the numbers of the labels, from 1. `written` is called once
    the whole dataset has been written.
    """

    labels: LabelSet
    selection: Selection
    originals: OriginalSource
    with_originals: bool = False
    earlier_boxes: Sequence[int] = ()
    progress: Progress = no_progress
    written: Callable[[ExportSummary], None] = lambda _: None


class DatasetFile(Protocol):
    """A finished dataset as one file. Use it in a `with`, or close it.

    `without_original` names the images whose original could not be packed. It is complete once the
    whole file has been read.
    """

    @property
    def summary(self) -> ExportSummary: ...

    @property
    def without_original(self) -> Sequence[str]: ...

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the bytes from the beginning. Raises StoreError if the store is unavailable."""

    def stream(self) -> BinaryIO:
        """Return the whole file for reading and seeking. It is closed with the dataset."""

    def close(self) -> None:
        """Release the bytes. Calling it twice is harmless."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the document tells of its image beside the boxes. Unknown facts are empty.

    `path` is the image's path in the project. `saved_by` is the person of the last save.
    `labeled_by` is whose work the boxes are, whoever corrected them later, and `labeled_at` when,
    in whole seconds since 1970. `reviewed_by` and `verdict` are those of the last review.
    """

    path: str = ""
    saved_by: str = ""
    labeled_by: str = ""
    labeled_at: int = 0
    reviewed_by: str = ""
    verdict: str = ""


NO_FACTS: Final = ImageFacts()


class DatasetWriter(Protocol):
    """Takes images by ascending numbers. Use it in a `with`; an unfinished file is discarded."""

    def add_image(
        self, record: ManifestRecord, boxes: Sequence[ExportBox], facts: ImageFacts
    ) -> None:
        """Add the next image: its record, its boxes, and the other facts about it."""

    def finished(self) -> DatasetFile:
        """Return the finished file."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


@runtime_checkable
class IncrementalWriter(DatasetWriter, Protocol):
    """A writer that also takes over lines of the previous file."""

    def add_records(self, records: Iterable[ManifestRecord]) -> None:
        """Add the next images. The lines of their boxes follow."""

    def add_lines(self, lines: Sequence[bytes]) -> None:
        """Add boxes of the latest images, as lines of the previous file in its order."""

    def leave_out_lines(self, lines: Iterable[bytes]) -> None:
        """Leave out boxes of the previous file that are not in this file."""


@dataclass(frozen=True, slots=True)
class ExportedImage:
    """One image that is being exported.

    `path` is its path in the project, and `name` its name in the dataset. `width` and `height` are
    in pixels as displayed. `part` is empty without a split. `saved_at` is in whole seconds since
    1970, 0 if it is not known. The people, `labeled_at` and the review are those of ImageFacts.
    """

    number: int
    image_id: str
    path: str
    name: str
    part: str
    status: str
    width: int
    height: int
    saved_at: int
    saved_by: str
    labeled_by: str
    labeled_at: int
    reviewed_by: str
    verdict: str
    boxes: Sequence[ExportBox]


@dataclass(slots=True)
class Dataset:
    """The input of a layout: labels, images and originals.

    The images can be iterated any number of times, but not twice at the same time.
    """

    labels: LabelSet
    summary: ExportSummary
    with_originals: bool
    images: Callable[[], Iterator[ExportedImage]]
    original: Callable[[ExportedImage], bytes | None]
    """Returns the image's original. If the store lacks it, returns None and records the image."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a format writes a dataset as one file.

    `by_stem` is for formats with one label file per stem: no two images share a stem. With
    `by_part`, each part has a folder of its own. Folders with `reserved` names get a trailing `_`.
    `known_extensions` gives images an extension that readers know. An image outside of all folders
    never has one of `taken_stems`.
    """

    chunks: Callable[[Dataset], Iterator[bytes]]
    by_stem: bool = False
    by_part: bool = False
    known_extensions: bool = False
    reserved: frozenset[str] = frozenset()
    taken_stems: frozenset[str] = frozenset()


def zip_layout(
    members: Callable[[Dataset], Iterator[tuple[str, bytes | Iterable[bytes]]]],
    place: Callable[[ExportedImage], str],
    *,
    by_stem: bool = False,
    by_part: bool = False,
    reserved: frozenset[str] = frozenset(),
    taken_stems: frozenset[str] = frozenset(),
) -> Layout:
    """Return the layout of a zip with `members`, name and bytes, and the originals.

    `place` returns the path of each original. A large member comes in chunks.
    """

    def chunks(dataset: Dataset) -> Iterator[bytes]:
        stream = ZipStream()
        files, originals = {MANIFEST}, set()
        for name, data in members(dataset):
            files.add(pattern_of(name))
            if isinstance(data, bytes):
                yield stream.add(name, data)
            else:
                yield stream.add_pieces(name, data)
        names = {place(image): image.path for image in dataset.images()}
        yield stream.add(MANIFEST, dump_manifest(names))
        if dataset.with_originals:
            originals = {(pattern_of(name), image_media_type(name)) for name in names}
        yield stream.add(CROISSANT, describe_zip(files, originals, dataset.summary))
        if dataset.with_originals:
            for image in dataset.images():
                original = dataset.original(image)
                if original is not None:
                    yield stream.add(place(image), original, packed=True)
        yield stream.end()

    return Layout(
        chunks, by_stem, by_part, known_extensions=True, reserved=reserved, taken_stems=taken_stems
    )


class SpooledWriter:
    """Keeps one line per image until the file is requested."""

    def __init__(self, layout: Layout, request: WriteRequest) -> None:
        self._layout = layout
        self._request = request
        self._counter = SummaryBuilder()
        self._names = UniqueNames(self._counter)
        self._stems = UniqueStems(self._counter, layout.taken_stems)
        self._boxes: Counter[int] = Counter()
        self._spool = open_spool()
        self._is_finished = False

    def add_image(
        self, record: ManifestRecord, boxes: Sequence[ExportBox], facts: ImageFacts
    ) -> None:
        """Add the next image. An image that was left out is only counted."""
        result = record.result
        self._counter.add(record.file_name, result)
        if result.left_out_by:
            return
        part = self._request.selection.part_of(record.image_id) or ""
        image = ExportedImage(
            record.number, record.image_id, facts.path, self._name(record, part), part,
            result.status, result.width, result.height, result.saved_at, facts.saved_by,
            facts.labeled_by, facts.labeled_at, facts.reviewed_by, facts.verdict, boxes,
        )  # fmt: skip
        self._boxes.update(box.category for box in boxes)
        self._spool.write(_dump_image(image))

    def finished(self) -> SpooledFile:
        """Return the file. Its bytes are made while it is read."""
        self._is_finished = True
        labels = self._request.labels.labels
        boxes = {label.name: self._boxes[label.number] for label in labels}
        return SpooledFile(self._counter.summary(boxes), self._layout, self._request, self._spool)

    def _name(self, record: ManifestRecord, part: str) -> str:
        """Return the image's name in the dataset. No other image has it."""
        layout = self._layout
        if not layout.by_stem:
            name = self._known(record.file_name, record.image_id)
            return self._names.unique(name, record.image_id, record.number)
        *folders, base = record.file_name.split("/")
        folders = [f"{one}_" if one in layout.reserved else one for one in folders]
        name = self._known("/".join([*folders, base]), record.image_id)
        folder = part if layout.by_part else ""
        return self._stems.unique(name, record.image_id, folder, record.file_name)

    def _known(self, name: str, image_id: str) -> str:
        if not self._layout.known_extensions:
            return name
        return with_known_extension(name, lambda: self._media_type(image_id))

    def _media_type(self, image_id: str) -> str:
        try:
            return self._request.originals.image_info(image_id).media_type
        except LabelerError:  # the export reports which originals could not be packed
            return "image/jpeg"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_finished:
            self._spool.close()


@dataclass(slots=True)
class SpooledFile:
    """A dataset that is ready to be read. Its bytes are made while it is read; see DatasetFile."""

    summary: ExportSummary
    _layout: Layout
    _request: WriteRequest
    _spool: Spool
    without_original: list[str] = field(default_factory=list)
    _packed: int = 0
    _whole: Spool | None = None

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the bytes from the beginning. Raises StoreError if the store is unavailable."""
        self.without_original.clear()
        self._packed = 0
        dataset = Dataset(
            self._request.labels,
            self.summary,
            self._request.with_originals,
            self._images,
            self._original,
        )
        yield from self._layout.chunks(dataset)
        self._request.written(self.summary)

    def stream(self) -> BinaryIO:
        """Return the whole file for reading and seeking."""
        if self._whole is None:
            self._whole = open_spool()
            for chunk in self.chunks():
                self._whole.write(chunk)
        self._whole.seek(0)
        return cast(BinaryIO, self._whole)

    def close(self) -> None:
        """Release everything that is held. Calling it twice is harmless."""
        self._spool.close()
        if self._whole is not None:
            self._whole.close()

    def _images(self) -> Iterator[ExportedImage]:
        self._spool.seek(0)
        return map(_load_image, self._spool)

    def _original(self, image: ExportedImage) -> bytes | None:
        self._request.progress(PACKING, self._packed, self.summary.images)
        self._packed += 1
        try:
            return self._request.originals.original_file(image.image_id)
        except (NotFound, ImageConflict, DamagedImage, ImageTooLarge):
            self.without_original.append(image.name)
            return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _dump_image(image: ExportedImage) -> bytes:
    return json.dumps([getattr(image, name) for name in _FIELDS]).encode() + b"\n"


def _load_image(line: bytes) -> ExportedImage:
    image = ExportedImage(*json.loads(line))
    return replace(image, boxes=[ExportBox(*box) for box in image.boxes])


_FIELDS: Final = tuple(one.name for one in fields(ExportedImage))
