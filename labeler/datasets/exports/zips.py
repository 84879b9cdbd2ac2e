"""Data sets of many files, as one zip: YOLO in Ultralytics' layout, and Pascal VOC.

The same images, boxes, parts and labels go in as into a COCO file. What goes in is worked out
before the first byte is sent; then the zip is made while it is read, one picture in memory at a
time. The same data gives the same bytes.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from tempfile import SpooledTemporaryFile
from typing import Any, Final, NamedTuple, Self

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.exports.zip_stream import ZipStream
from labeler.datasets.formats.manifest import MANIFEST, dump_manifest
from labeler.datasets.formats.voc import LABELS_FILE, PICTURES, to_voc
from labeler.datasets.formats.yolo import to_yaml, to_yolo
from labeler.datasets.rules import ExportBox, ExportRules, ExportSummary, LeftOut, SummaryCounter
from labeler.datasets.selection import ALL, Part, SelectedImage, Selection
from labeler.errors import ImageConflict, LabelerError, NotFound, UnknownLabels
from labeler.model.labels import LabelSet
from labeler.project.project import Project
from labeler.runtime import events
from labeler.runtime.jobs import Progress, no_progress

PACKING: Final = "Packing the images"
_READ: Final = frozenset({"jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp", "mpo", "gif"})
"""Extensions that readers go by; Ultralytics reads all but GIF."""
_OTHER_NAMES: Final = {"jfif": "jpg", "jpe": "jpg", "jfi": "jpg", "jif": "jpg"}
_BY_TYPE: Final = {
    "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "image/bmp": "bmp",
    "image/gif": "gif", "image/tiff": "tif",
}  # fmt: skip
_SPOOL_BYTES: Final = 4 * 2**20


class ZipFormat(StrEnum):
    """What is written as a zip."""

    YOLO = "yolo"
    VOC = "voc"


class _Image(NamedTuple):
    """One image on its way into a bundle; `stem` is its name there without extension.

    `path` is its path in the project.
    """

    image_id: str
    path: str
    stem: str
    extension: str
    part: str
    width: int
    height: int
    boxes: list[list[Any]]

    @property
    def name(self) -> str:
        return self.stem + self.extension


@dataclass(slots=True)
class ZipExport:
    """A data set that is ready to be read once, by `chunks`. Use it in a `with`, or close it.

    `without_picture` names images whose picture could not be packed, once all is read.
    """

    summary: ExportSummary
    _project: Project
    _kind: ZipFormat
    _labels: LabelSet
    _spool: SpooledTemporaryFile[bytes]
    _pictures: bool
    _progress: Progress
    _began: float
    without_picture: list[str] = field(default_factory=list)

    def chunks(self) -> Generator[bytes, None, None]:
        """The bytes of the zip from its beginning; StoreError where the store goes away.

        The log is told of the export once all has been read.
        """
        stream = ZipStream()
        write = _write_yolo if self._kind is ZipFormat.YOLO else _write_voc
        for name, data in write(self._labels, self._images()):
            yield stream.add(name, data)
        names = {self._place_of(image): image.path for image in self._images()}
        yield stream.add(MANIFEST, dump_manifest(names))
        if self._pictures:
            for place, image in enumerate(self._images()):
                self._progress(PACKING, place, self.summary.images)
                try:
                    data = self._project.image_bytes(image.image_id)
                except (NotFound, ImageConflict):
                    self.without_picture.append(image.name)
                    continue
                yield stream.add(self._place_of(image), data, packed=True)
        yield stream.end()
        events.log_event(
            events.Export(
                format=self._kind.value,
                duration_ms=round((time.monotonic() - self._began) * 1000, 1),
                images=self.summary.images,
                boxes=self.summary.annotations,
            )
        )

    def _place_of(self, image: _Image) -> str:
        """Where the picture lies in the zip."""
        if self._kind is ZipFormat.YOLO:
            return f"images/{image.part or Part.TRAIN}/{image.name}"
        return f"{PICTURES}/{image.name}"

    def _images(self) -> Iterator[_Image]:
        self._spool.seek(0)
        for line in self._spool:
            yield _Image(*json.loads(line))

    def close(self) -> None:
        """Give up what is held; calling twice is harmless."""
        self._spool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def export_zip(
    project: Project,
    kind: ZipFormat,
    selection: Selection = ALL,
    *,
    pictures: bool = False,
    progress: Progress = no_progress,
) -> ZipExport:
    """The project in that format, with or without its pictures; all documents are read already.

    Labels that are in use and in no label set are added to it first. All parts of a split go into
    the one zip. Raises what Rules and reading raise.
    """
    began = time.monotonic()
    labels = project.labels.add(())
    while True:
        spool = SpooledTemporaryFile[bytes](_SPOOL_BYTES)
        try:
            summary = _spooled(project, kind, labels, selection, spool, progress)
            return ZipExport(summary, project, kind, labels, spool, pictures, progress, began)
        except UnknownLabels as error:
            spool.close()
            labels = project.labels.add(error.names)
        except BaseException:
            spool.close()
            raise


def _spooled(
    project: Project,
    kind: ZipFormat,
    labels: LabelSet,
    selection: Selection,
    spool: SpooledTemporaryFile[bytes],
    progress: Progress,
) -> ExportSummary:
    """Write what goes in, a line an image, into `spool`."""
    rules, tally = ExportRules(labels, selection), SummaryCounter()
    counts: Counter[int] = Counter()
    stems: set[tuple[str, str]] = set()
    for image in open_exporter(project).images(selection, progress):
        outcome, boxes = rules.apply(image.document, image.file_name)
        status, fate, width, height, saved_at, _, findings = outcome
        tally.add(image.file_name, status, fate, saved_at, findings)
        if fate:
            continue
        stem, extension = _name_for_readers(project, image, kind)
        # In YOLO, each part has a folder of its own.
        part = image.part or "" if kind is ZipFormat.YOLO else ""
        if (part, stem.casefold()) in stems:
            # A text stands for all images of its name: this one gets another.
            folders, slash, base = stem.rpartition("/")
            stem = f"{folders}{slash}{image.image_id}/{base}"
            tally.report(LeftOut.RENAMED, image.file_name)
        stems.add((part, stem.casefold()))
        counts.update(box.category for box in boxes)
        path = image.document.image_path if image.document else image.file_name
        line = _Image(
            image.image_id, path, stem, extension, image.part or "", width, height,
            [list(box) for box in boxes],
        )  # fmt: skip
        spool.write(json.dumps(line).encode() + b"\n")
    rules.check()
    return tally.summary({label.name: counts[label.number] for label in labels.labels})


def _name_for_readers(project: Project, image: SelectedImage, kind: ZipFormat) -> tuple[str, str]:
    """The image's name without extension, and an extension that readers know for its type.

    Ultralytics looks for an image's text where the last folder `images` is called `labels`, and
    takes files by their extensions.
    """
    folders, slash, base = image.file_name.rpartition("/")
    if kind is ZipFormat.YOLO:
        parts = (
            f"{part}_" if part in ("images", "labels") else part for part in folders.split("/")
        )
        folders = "/".join(parts)
    stem, dot, extension = base.rpartition(".")
    if not stem:
        stem, dot, extension = base, "", ""
    known = extension.lower()
    if known in _READ:
        return f"{folders}{slash}{stem}", dot + extension
    if known not in _OTHER_NAMES:
        stem = base
        try:
            media_type = project.image_info(image.image_id).media_type
        except LabelerError:  # the export says of what can't be packed
            media_type = "image/jpeg"
        return f"{folders}{slash}{stem}", f".{_BY_TYPE[media_type]}"
    return f"{folders}{slash}{stem}", f".{_OTHER_NAMES[known]}"


def _write_yolo(labels: LabelSet, images: Iterator[_Image]) -> Iterator[tuple[str, bytes]]:
    parts: dict[str, list[str]] = {}
    for image in images:
        part = image.part or Part.TRAIN.value
        parts.setdefault(part, []).append(image.name)
        boxes = [ExportBox(*box) for box in image.boxes]
        text = to_yolo(boxes, image.width, image.height)
        yield f"labels/{part}/{image.stem}.txt", text.encode("ascii")
    folders = {str(part): f"images/{part}" for part in Part if part in parts}
    # Readers ask for these two, also where there is one part or none.
    only = next(iter(folders.values()), "images/train")
    folders = {"train": only, "val": only, **folders}
    for part, names in parts.items():
        # A text does not tell its image's extension; these lists do.
        yield f"{part}.txt", "".join(f"./images/{part}/{name}\n" for name in names).encode()
    yield "data.yaml", to_yaml((label.name for label in labels.labels), folders).encode()


def _write_voc(labels: LabelSet, images: Iterator[_Image]) -> Iterator[tuple[str, bytes]]:
    names = {label.number: label.name for label in labels.labels}
    parts: dict[str, list[str]] = {}
    for image in images:
        parts.setdefault(image.part, []).append(image.stem)
        boxes = [ExportBox(*box) for box in image.boxes]
        objects = ((names[box.category], box) for box in boxes)
        text = to_voc(image.name, (image.width, image.height), objects)
        yield f"Annotations/{image.stem}.xml", text.encode()
    lists = {part: stems for part, stems in parts.items() if part}
    lists["trainval"] = [stem for part in ("", "train", "val") for stem in parts.get(part, ())]
    for name, stems in lists.items():
        yield f"ImageSets/Main/{name}.txt", "".join(f"{stem}\n" for stem in stems).encode()
    yield LABELS_FILE, "".join(f"{name}\n" for name in names.values()).encode()
