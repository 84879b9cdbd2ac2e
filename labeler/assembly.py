"""Puts images together into a COCO file and its sources, read ones and those taken over alike."""

from __future__ import annotations

import hashlib
from typing import IO, Final

from labeler.boxes import Rules
from labeler.coco import AnnotationLines, CocoWriter
from labeler.earlier import Carried
from labeler.sources import Record, dump_record
from labeler.survey import Read, Target, file_name_of, without_document

_BATCH: Final = 1000


class Assembly:
    """One file in the making; images come in the order of their numbers."""

    def __init__(
        self, writer: CocoWriter, rules: Rules, lines: AnnotationLines, records: IO[bytes]
    ) -> None:
        self.looked_at = 0
        self._writer = writer
        self._rules = rules
        self._lines = lines
        self._records = records
        self._batch: list[str] = []
        self._run = (0, 0)
        """The lines of the earlier file that come next, and are not copied yet."""

    def carry(self, carried: Carried) -> None:
        """An image as it is in the earlier export."""
        record, start = carried
        if record.outcome.boxes:
            if start != self._run[1]:
                self._copy()
                self._run = start, start
            self._run = self._run[0], start + record.outcome.boxes
        self._add(record)

    def take(self, target: Target, read: Read | None) -> None:
        """An image whose document was read; None where there is none."""
        number, listed = target
        if read is None and listed.original is None:
            return  # it was deleted since it was listed
        document = read.document if read else without_document(listed)
        file_name = file_name_of(listed, document)
        outcome, boxes = self._rules.apply(document, file_name)
        record = Record(
            number,
            listed.image_id,
            read.version if read else "",
            hashlib.md5(read.data).hexdigest() if read else "",
            file_name,
            listed.original is not None,
            outcome,
        )
        self._add(record)
        if boxes:
            self._copy()
            self._writer.add_boxes(number, boxes)

    def end(self) -> None:
        """After the last image; raises UnknownLabels."""
        self._copy()
        self._write()
        self._rules.check()

    def _add(self, record: Record) -> None:
        self._writer.add(record.number, record.image_id, record.file_name, record.outcome)
        self._batch.append(dump_record(record))
        if len(self._batch) >= _BATCH:
            self._write()
        self.looked_at += 1

    def _write(self) -> None:
        self._records.write("".join(self._batch).encode())
        self._batch.clear()

    def _copy(self) -> None:
        start, end = self._run
        for lines in self._lines.between(start, end):
            self._writer.add_lines(lines)
        self._run = end, end
