"""Import: adds boxes from another program's dataset to the images of the project.

The file is read to its end before anything is written, so a rejected file changes nothing. Then the
images that came with it are added. Then the missing labels are added to the label set, in one
write. Then the documents are written one after another. Each write is whole and names the version
that it replaces. To resume an interrupted import, run it again: it finds everything that is already
there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Final

from labeler.datasets.exports.exporter import open_exporter
from labeler.datasets.formats.dataset_files import DatasetFiles
from labeler.datasets.formats.detection import detect_format
from labeler.datasets.formats.reading import ImportedImage, Problems
from labeler.datasets.formats.registry import DatasetFormat
from labeler.datasets.formats.zip_manifest import load_manifest
from labeler.datasets.imports.duplicates import DuplicateEntry, joined, resolve_duplicates
from labeler.datasets.imports.images import (
    AddedImages,
    add_images,
    batches,
    image_files,
    images_in,
    listed,
)
from labeler.datasets.imports.match import AmbiguousName, Elsewhere, ImageNames, NameMatch, Stated
from labeler.datasets.imports.place import PlacedDocument, PlacedStatus, place_boxes
from labeler.datasets.imports.report import ImportedImageSpool, ImportReport, ImportRequest
from labeler.errors import (
    InvalidDocument,
    InvalidImport,
    LabelerError,
    NotFound,
    StoreError,
    VersionConflict,
)
from labeler.model.document import AnnotationDocument
from labeler.model.edits import with_image_facts
from labeler.model.labels import LabelSet, label_key, new_label
from labeler.model.reviews import check_not_approved
from labeler.project.project import OpenedDocument, Project
from labeler.runtime import events
from labeler.runtime.audit import Action, audit
from labeler.runtime.jobs import Progress, no_progress
from labeler.settings import DEFAULT_LABELS
from labeler.storage import ABSENT, Replaces

_WRITING: Final = 16
"""How many documents are written at once. Each write waits for the disk or the network."""
_MAX_TRIES: Final = 50

_REFUSED: Final = "\0"
"""Prefix of a placeholder ID for a file that came with the dataset and was rejected."""

_NO_DOCUMENT: Final = AnnotationDocument(rects=(), image_path="")

_Work = tuple[ImportedImage, str, OpenedDocument | None, bool]
"""The work for one image.

It holds the found image, the ID of the image that it means, that image's document if it is already
read, and whether to write.
"""


def run_import(
    project: Project,
    source: DatasetFiles,
    wanted: ImportRequest,
    *,
    images: DatasetFiles | None = None,
    by: str = "",
    progress: Progress = no_progress,
) -> ImportReport:
    """Import the dataset in `source`.

    The image files are in `images`, or in or beside `source`. Raises InvalidImport if the file as a
    whole is rejected; nothing is changed then. A StoreError, or an error that `progress` raises,
    ends the import between two documents. Run it again to complete it.
    """
    began = time.monotonic()
    kind = wanted.kind or detect_format(source)
    with _Import(project, source, wanted, kind, by, progress) as work:
        work.read()
        work.add_image_files(images)
        work.match()
        report = work.write()
    if not wanted.dry_run:
        audit(Action.IMPORT, kind.name, by=by)
        events.log_event(
            events.Import(
                format=kind.name,
                duration_ms=round((time.monotonic() - began) * 1000, 1),
                images=report.images.total(),
                boxes=report.boxes.total(),
            )
        )
    return report


class _Import(ExitStack):
    """One import in progress."""

    def __init__(
        self,
        project: Project,
        source: DatasetFiles,
        wanted: ImportRequest,
        kind: DatasetFormat,
        by: str,
        progress: Progress,
    ) -> None:
        super().__init__()
        self._project = project
        self._source = source
        self._by = by
        self._progress = progress
        self._report = ImportReport(wanted, kind)
        self._wanted = wanted
        self._kind = kind
        self._found = ImportedImageSpool()
        self.callback(self._found.close)
        self._added = AddedImages()
        self._called: Mapping[str, str] = {}
        self._targets: list[str] = []
        self._labels = LabelSet()
        self._new_labels: dict[str, str] = {}

    # --- what there is ----------------------------------------------------------------------

    def read(self) -> None:
        """Read the whole file. Raises InvalidImport."""
        problems = self._report.problems
        self._called = load_manifest(self._source)
        wanted = self._wanted
        for image in self._kind.read(self._source, problems, wanted.voc, wanted.class_names):
            self._found.add(image)
            self._progress("reading the dataset", self._found.count)
        if not self._found.count:
            ordered = sorted(problems.kept, key=lambda problem: not problem.fault)
            first = next((problem.line() for problem in ordered), "")
            raise InvalidImport(
                (first and f"Nothing was imported. {first}.")
                or f"{self._source.name} holds no image."
            )

    def add_image_files(self, images: DatasetFiles | None) -> None:
        """Add the images that came with the dataset, or report what adding them would do."""
        self._project.image_index.expire()
        names = images_in(images) if images else image_files(self._source, self._found)
        self._added = add_images(
            self._project,
            images or self._source,
            names,
            self._report.problems,
            self._progress,
            called=self._called,
            by=self._by,
            dry_run=self._wanted.dry_run,
        )
        self._report.added_images = self._added.created

    # --- which image is meant ---------------------------------------------------------------

    def match(self) -> None:
        """Find the image of the project that each found image means.

        Several found images that mean one image are merged if they agree (see `joined`).
        """
        names = ImageNames(
            listed(self._project),
            came_along=[
                *self._added.paths.items(),
                *((path, _REFUSED + path) for path in self._added.refused),
            ],
        )
        claims: dict[str, list[DuplicateEntry]] = {}
        problems: dict[int, str] = {}
        for index, found in enumerate(self._found):
            name = self._called.get(self._kind.image_in_zip(found))
            stated = Stated(
                name or found.name,
                "" if name else found.file,
                self._is_of_one_image,
                found.any_extension and not name,
                "" if name else found.folder,
            )
            match = names.find(stated)
            if not isinstance(match, NameMatch):
                problems[index] = _unmatched(found.name, match)
            elif match.image_id.startswith(_REFUSED):
                reason = self._added.refused[match.image_id.removeprefix(_REFUSED)]
                problems[index] = f"its image was not added ({reason})"
            else:
                named = names.is_called(match.image_id, stated.name)
                claim = DuplicateEntry(index, found, match.sure, named)
                claims.setdefault(match.image_id, []).append(claim)
        targets = [""] * self._found.count
        for image_id, some in claims.items():
            kept, refused = resolve_duplicates(some)
            problems |= refused
            for claim in kept:
                targets[claim.number] = image_id
        self._targets = targets
        for index, found in enumerate(self._found):
            if index in problems:
                self._report.problems.skip(found.file, found.place, problems[index])
        self._report.images[PlacedStatus.LEFT_OUT] += len(problems)

    @property
    def _is_of_one_image(self) -> bool:
        return self._kind.one_image_per_file

    def _meant(self) -> Iterator[tuple[ImportedImage, str]]:
        """Yield the found images with the ID of their image. Those with the same ID are merged."""
        counts = Counter(self._targets)
        waiting: dict[str, list[ImportedImage]] = {}
        for found, target in zip(self._found, self._targets, strict=True):
            if not target:
                continue
            some = waiting.setdefault(target, [])
            some.append(found)
            if len(some) == counts[target]:
                yield joined(waiting.pop(target)), target

    # --- the documents ----------------------------------------------------------------------

    def write(self) -> ImportReport:
        """Decide the result for each document, add the labels, and write."""
        labels, _ = self._first_labels()
        self._labels = labels
        for name in self._declared():
            self._noted(name)
        planned = self._all("looking at the images", write=False)
        report = self._report
        report.new_labels = tuple(self._new_labels.values())
        if not self._wanted.dry_run:
            self._add_labels(report.new_labels)
            planned = self._all("writing boxes", write=True)
        report.images += planned.images
        report.boxes = planned.boxes
        report.problems.add(planned.problems)
        return report

    def _declared(self) -> Iterator[str]:
        """Yield the project's names of the labels that the file lists, used or not."""
        for text in self._report.problems.labels:
            with suppress(InvalidDocument):
                yield self._name(text)

    def _first_labels(self) -> tuple[LabelSet, Replaces]:
        """Return the label set, and the state that a write has to name.

        The label that every new project has is replaced by the labels of its first dataset, so that
        they keep their order and numbers. This happens only while no box and no export has used
        that label.
        """
        labels, version = self._project.labels.looked_up()
        if (
            labels != LabelSet().added(DEFAULT_LABELS)
            or any(entry.rects for entry in self._project.list_images())
            or open_exporter(self._project).any_kept()
        ):
            return labels, version
        return LabelSet(), version

    def _add_labels(self, names: Sequence[str]) -> None:
        """Add these labels in one write. Labels that others add meanwhile are kept."""
        while names:
            labels, version = self._first_labels()
            self._labels = labels.added(names)
            if self._labels == labels and version is not ABSENT:
                break
            try:
                self._project.labels.write(self._labels, version)
                break
            except VersionConflict:
                continue

    def _all(self, doing: str, *, write: bool) -> ImportReport:
        """Return the result for all images. Write it if `write` is set."""
        result = ImportReport(self._wanted, self._kind)
        total = len({target for target in self._targets if target})
        done = 0
        with ThreadPoolExecutor(_WRITING, "labeler-import") as pool:
            for some in batches(self._meant()):
                stored = dict(self._project.documents_of(target for _, target in some))
                work = [(found, target, stored.get(target), write) for found, target in some]
                for placed, problems in pool.map(self._one, work):
                    done += 1
                    self._progress(doing, done, total)
                    result.problems.add(problems)
                    result.images[placed.outcome] += 1
                    result.boxes.update(self._noted(rect.label) for rect in placed.boxes)
        return result

    def _one(self, work: _Work) -> tuple[PlacedDocument, Problems]:
        """Return one image's result and problems. Write the document if the work says so."""
        found, image_id, opened, write = work
        for _ in range(_MAX_TRIES):
            problems = Problems()
            try:
                opened = opened or self._opened(image_id)
                placed = self._place(found, image_id, opened, problems)
                if placed.outcome is PlacedStatus.IMPORTED:
                    check_not_approved(opened.document)
                    if write:
                        self._project.write_document(image_id, placed.document, opened, self._by)
                return placed, problems
            except VersionConflict:  # somebody else has just saved: start from that version
                opened = None
            except LabelerError as error:
                if isinstance(error, StoreError) and not isinstance(error, NotFound):
                    raise
                # The document or the original is damaged or gone. The other images are imported.
                problems.fault(found.file, found.place, error.message.rstrip("."))
                return PlacedDocument(PlacedStatus.LEFT_OUT, _NO_DOCUMENT), problems
        raise VersionConflict(f"{found.name} keeps being changed by others. Run the import again.")

    def _noted(self, label: str) -> str:
        """Return the label's name. A missing label is recorded; its first spelling counts."""
        if self._labels.find(label) is None:
            return self._new_labels.setdefault(label_key(label), label)
        return label

    def _opened(self, image_id: str) -> OpenedDocument:
        added = self._added.by_id.get(image_id)
        if self._wanted.dry_run and added is not None and added.created:
            document = AnnotationDocument(
                rects=(),
                image_path=added.image_path,
                image_width=added.width,
                image_height=added.height,
            )
            return OpenedDocument(document, ABSENT)
        return self._project.open_document(image_id)

    def _place(
        self, found: ImportedImage, image_id: str, opened: OpenedDocument, problems: Problems
    ) -> PlacedDocument:
        document = opened.document
        if document.image_width is None or document.image_height is None:
            info = self._project.image_info(image_id)
            document = with_image_facts(document, info.width, info.height, info.md5)
        orientation = 1
        stated = (found.width, found.height)
        size = (document.image_width, document.image_height)
        if stated != size and stated == size[::-1]:
            orientation = self._orientation(image_id)
        return place_boxes(
            found,
            document,
            self._wanted.existing,
            self._name,
            problems,
            orientation=orientation,
            status=self._wanted.status,
        )

    def _orientation(self, image_id: str) -> int:
        try:
            return self._project.image_info(image_id).orientation
        except NotFound:  # the original is not kept
            return 1

    def _name(self, text: str) -> str:
        """Return the project's label for a text in the file."""
        name = new_label(self._wanted.labels.get(text, text))
        return self._labels.shown(name)


def _unmatched(name: str, match: AmbiguousName | Elsewhere | None) -> str:
    if match is None:
        return f"there is no image {name} in the project"
    if isinstance(match, Elsewhere):
        return f"{name} is in no folder of the project that agrees: {', '.join(match.paths)}"
    return f"{name} may mean several images of the project: {', '.join(match.paths)}"
