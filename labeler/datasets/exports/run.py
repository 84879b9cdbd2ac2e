"""One export in any format, from the listing of the store to the finished file.

A repeated export takes over everything that has not changed since the previous export of the same
selection. It reads only the rest. The bytes are the same as if it had read everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Self

from labeler.datasets.exports.distributed.join import JoinedManifest
from labeler.datasets.exports.image import export_image
from labeler.datasets.exports.numbering import KnownNumbers
from labeler.datasets.exports.previous import PreviousExport
from labeler.datasets.exports.read import (
    LISTING,
    READING,
    DocumentReader,
    ReadDocument,
    is_let_in,
)
from labeler.datasets.exports.scan import ScannedImage
from labeler.datasets.exports.take_over import TakeOver
from labeler.datasets.formats.writing import DatasetFile, DatasetWriter, IncrementalWriter
from labeler.datasets.manifest import ManifestRecord, ManifestWriter, dump_record
from labeler.datasets.rules import ExportRules
from labeler.datasets.selection import Selection
from labeler.runtime.garbage_collection import paused_collection
from labeler.runtime.jobs import Progress

_TOLD_EACH: Final = 500


@dataclass(frozen=True, slots=True)
class MadeExport:
    """A finished file, its manifest, and the highest image number given. The caller closes it."""

    file: DatasetFile
    rules: ExportRules
    manifest: ManifestWriter | JoinedManifest
    highest: int

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.manifest.close()
        self.file.close()


@dataclass(slots=True)
class ExportTarget:
    """One image that may go into an export.

    `listed` is None if the image is gone or the selection excludes it. `unchanged` is its record in
    the previous export if that can be taken over.
    """

    number: int
    listed: ScannedImage | None
    unchanged: ManifestRecord | None


class ExportRun:
    """One export in progress. Everything it works with is handed in once. Use it once.

    `rules` hold the selection and the labels. `known` holds the image numbers, just read.
    `previous` is the export to take over from, if any.
    """

    def __init__(
        self,
        reader: DocumentReader,
        rules: ExportRules,
        known: KnownNumbers,
        previous: PreviousExport | None,
        writer: DatasetWriter,
        manifest: ManifestWriter,
        progress: Progress,
    ) -> None:
        self._reader = reader
        self._rules = rules
        self._known = known
        self._previous = previous
        self._writer = writer
        self._manifest = manifest
        self._progress = progress

    def make(self) -> MadeExport:
        """List and number the images, take over the unchanged ones, read the rest, and write.

        Raises UnknownLabels if documents use labels that the label set lacks. Raises DamagedExport
        if the previous export turns out to be unusable; the caller then makes the export anew
        without it.
        """
        with ExitStack() as made, ExitStack() as read:
            made.enter_context(self._manifest)
            made.enter_context(self._writer)
            with paused_collection():
                listed = self._list()
                numbers, highest = self._number(listed.values())
                selection = self._rules.selection
                targets = export_targets(listed, numbers, selection, self._previous)
            previous = self._open_previous(read)
            documents = self._read(targets)
            for place, target in enumerate(targets):
                self._tell(place, len(targets))
                if previous and target.unchanged:
                    previous.keep(target.unchanged)
                    continue
                if previous:
                    previous.leave_out(target.number)
                if target.listed:
                    document = next(documents) if target.listed.version else None
                    self._write(target.number, target.listed, document)
            if previous:
                previous.finish()
            self._rules.check()
            file = self._writer.finished()
            made.pop_all()
            return MadeExport(file, self._rules, self._manifest, highest)

    def _list(self) -> dict[str, ScannedImage]:
        """Return every image by its ID, or with a previous export only the images that changed."""
        self._progress(LISTING)
        before = self._previous.scan() if self._previous else None
        return self._reader.scan(before, self._known.numbers)

    def _number(self, listed: Iterable[ScannedImage]) -> tuple[dict[str, int], int]:
        """Return each image's number and the highest given. New images get the next numbers."""
        return self._reader.number(listed, self._known)

    def _open_previous(self, read: ExitStack) -> TakeOver | None:
        """Open the previous export at its first box. Raises DamagedExport if its file is gone."""
        if self._previous is None:
            return None
        if not isinstance(self._writer, IncrementalWriter):
            raise TypeError("only an incremental format has a previous export")
        boxes = read.enter_context(self._previous.boxes())
        return TakeOver(self._previous, boxes, self._writer, self._manifest)

    def _read(self, targets: Iterable[ExportTarget]) -> Iterator[ReadDocument | None]:
        """Yield the documents of the targets that have one and cannot be taken over."""
        return self._reader.read(
            target.listed
            for target in targets
            if target.listed and target.listed.version and not target.unchanged
        )

    def _write(self, number: int, listed: ScannedImage, read: ReadDocument | None) -> None:
        """Write one image from its document, or from its original if it has no document."""
        one = export_image(self._rules, number, listed, read)
        if one is not None:
            self._manifest.add([dump_record(one.record)])
            self._writer.add_image(one.record, one.boxes, one.facts)

    def _tell(self, place: int, count: int) -> None:
        if place % _TOLD_EACH == 0:
            self._progress(READING, place, count)


def export_targets(
    listed: Mapping[str, ScannedImage],
    numbers: Mapping[str, int],
    selection: Selection,
    previous: PreviousExport | None,
) -> list[ExportTarget]:
    """Return the listed images in the order of their numbers."""
    targets = []
    for image_id, one in listed.items():
        if image_id in numbers:
            let_in = one if is_let_in(selection, one) else None
            unchanged = previous.unchanged(let_in) if previous and let_in else None
            targets.append(ExportTarget(numbers[image_id], let_in, unchanged))
    targets.sort(key=lambda target: target.number)
    return targets
