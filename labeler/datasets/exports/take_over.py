"""Takes over the unchanged lines of the previous export."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter

from labeler.datasets.exports.previous import PreviousExport
from labeler.datasets.formats.coco_writer import AnnotationLines
from labeler.datasets.formats.writing import IncrementalWriter
from labeler.datasets.manifest import ManifestRecord, ManifestWriter, dump_record

_by_number = attrgetter("number")


class TakeOver:
    """Walks through the previous export, one image after another, in the order of numbers.

    Images that no call names are taken over in long runs, with the lines of their boxes.
    """

    def __init__(
        self,
        previous: PreviousExport,
        boxes: AnnotationLines,
        writer: IncrementalWriter,
        manifest: ManifestWriter,
    ) -> None:
        self._previous = previous
        self._boxes = boxes
        self._writer = writer
        self._manifest = manifest
        self._at = 0
        """The index of the next image."""

    def leave_out(self, number: int) -> None:
        """Leave out the image of that number, if the previous export has it."""
        records = self._previous.records
        self._take_up_to(bisect_left(records, number, self._at, key=_by_number))
        if self._at < len(records) and records[self._at].number == number:
            for lines in self._boxes.take(records[self._at].result.boxes):
                self._writer.leave_out_lines(lines)
            self._at += 1

    def keep(self, record: ManifestRecord) -> None:
        """Take over an image under a new record that gives the same lines."""
        records = self._previous.records
        self._take_up_to(bisect_left(records, record.number, self._at, key=_by_number))
        self._add([record], [dump_record(record)])
        self._at += 1

    def finish(self) -> None:
        """Take over everything after the last named image."""
        self._take_up_to(len(self._previous.records))

    def _take_up_to(self, end: int) -> None:
        start, self._at = self._at, end
        if start != end:
            self._add(self._previous.records[start:end], self._previous.lines[start:end])

    def _add(self, records: Sequence[ManifestRecord], lines: Sequence[bytes]) -> None:
        self._manifest.add(lines)
        self._writer.add_records(records)
        for boxes in self._boxes.take(sum(record.result.boxes for record in records)):
            self._writer.add_lines(boxes)
