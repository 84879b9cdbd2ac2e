"""Puts images together into a COCO file and its sources, read ones and those taken over alike."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Sequence
from operator import attrgetter
from typing import IO

from labeler.datasets.exports.coco import AnnotationLines, CocoWriter
from labeler.datasets.exports.previous import PreviousExport
from labeler.datasets.exports.read import ReadDocument, file_name_of, without_document
from labeler.datasets.exports.scan import ScannedImage
from labeler.datasets.manifest import ManifestRecord, dump_record
from labeler.datasets.rules import ExportRules


class IncrementalFile:
    """One file in the making; images come in the order of their numbers.

    What of the `earlier` export is not named is taken over as it is, in long pieces. `lines` are
    its boxes; the sources of the new one go to `sources`.
    """

    def __init__(
        self,
        writer: CocoWriter,
        rules: ExportRules,
        sources: IO[bytes],
        earlier: PreviousExport | None,
        lines: AnnotationLines,
    ) -> None:
        self.looked_at = 0
        self._writer = writer
        self._rules = rules
        self._sources = sources
        self._records: Sequence[ManifestRecord] = earlier.records if earlier else ()
        self._written: Sequence[bytes] = earlier.lines if earlier else ()
        self._lines = lines
        self._at = 0
        """The place of the earlier export's image that comes next."""

    def leave_out(self, number: int) -> None:
        """What the earlier export has of the image of that number."""
        self._carry(bisect_left(self._records, number, self._at, key=attrgetter("number")))
        if self._at < len(self._records) and self._records[self._at].number == number:
            for lines in self._lines.take(self._records[self._at].boxes):
                self._writer.leave_out_lines(lines)
            self._at += 1

    def keep(self, record: ManifestRecord) -> None:
        """An image of the earlier export, under another record that gives the same."""
        self._carry(bisect_left(self._records, record.number, self._at, key=attrgetter("number")))
        self._add([record], [dump_record(record)])
        for lines in self._lines.take(record.boxes):
            self._writer.add_lines(lines)
        self._at += 1

    def take(self, number: int, listed: ScannedImage, read: ReadDocument | None) -> None:
        """An image whose document was read; None where there is none."""
        self.leave_out(number)
        if read is None and listed.original is None:
            return  # it was deleted since it was listed
        document = read.document if read else without_document(listed)
        file_name = file_name_of(listed, document)
        outcome, boxes = self._rules.apply(document, file_name)
        record = ManifestRecord(
            number,
            listed.image_id,
            read.version if read else "",
            hashlib.md5(read.data).hexdigest() if read else "",
            listed.original_version,
            file_name,
            *outcome,
        )
        self._add([record], [dump_record(record)])
        self._writer.add_boxes(number, boxes)

    def end(self) -> None:
        """After the last image; raises UnknownLabels."""
        self._carry(len(self._records))
        self._rules.check()

    def _carry(self, end: int) -> None:
        """Take over the images of the earlier export up to a place, as they are."""
        start, self._at = self._at, end
        if start == end:
            return
        records = self._records[start:end]
        self._add(records, self._written[start:end])
        for lines in self._lines.take(sum(record.boxes for record in records)):
            self._writer.add_lines(lines)

    def _add(self, records: Sequence[ManifestRecord], written: Sequence[bytes]) -> None:
        self._writer.add(records)
        self._sources.write(b"\n".join(written) + b"\n")
        self.looked_at += len(records)
