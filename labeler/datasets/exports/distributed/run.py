"""One export by several machines. It reads from top to bottom: plan, parts, join.

It writes the same bytes as an export by one machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from labeler.datasets.exports.distributed.engines import Engine, ExportStep
from labeler.datasets.exports.distributed.join import (
    Part,
    join_coco,
    lines_of,
    read_names,
    write_repairs,
)
from labeler.datasets.exports.distributed.part import finished_key, load_image, part_key
from labeler.datasets.exports.distributed.plan import (
    ExportPlan,
    find_json,
    find_plan,
    write_plan,
)
from labeler.datasets.exports.numbering import KnownNumbers
from labeler.datasets.exports.read import LISTING, READING, DocumentReader
from labeler.datasets.exports.run import MadeExport, export_targets
from labeler.datasets.formats.writing import DatasetFile, DatasetWriter
from labeler.datasets.manifest import ManifestWriter
from labeler.datasets.rules import ExportRules, ExportSummary
from labeler.errors import NotFound, UnknownLabels
from labeler.runtime.garbage_collection import paused_collection
from labeler.runtime.jobs import Progress
from labeler.storage import Store

JOINING: Final = "Joining the parts"


@dataclass(frozen=True, slots=True)
class Output:
    """What becomes of the parts.

    A COCO file is composed and `written` is called with its summary. For any other format, the
    writer takes the images, and calls it.
    """

    writer: DatasetWriter
    manifest: ManifestWriter
    progress: Progress
    written: Callable[[ExportSummary], None]
    is_coco: bool


@dataclass(frozen=True, slots=True)
class DistributedRun:
    """One export in progress. Everything it works with is handed in once. Use it once.

    All of its objects have keys that begin with `prefix`. They are deleted with the engine's run.
    """

    store: Store
    reader: DocumentReader
    rules: ExportRules
    known: KnownNumbers
    output: Output
    engine: Engine
    prefix: str

    def make(self) -> MadeExport:
        """Make the file. Raises UnknownLabels if documents use labels that the label set lacks."""
        with ExitStack() as made:
            made.enter_context(self.output.manifest)
            made.enter_context(self.output.writer)
            plan = self._plan()
            self.output.progress(READING)
            self.engine.run(ExportStep(self.engine.place, self.prefix, "part"), plan.shards)
            parts = [Part.of(self._result(part_key(self.prefix, at))) for at in range(plan.shards)]
            unknown = {name for part in parts for name in part.unknown}
            if unknown:
                raise UnknownLabels(sorted(unknown))
            self.output.progress(JOINING)
            if self.output.is_coco:
                return self._join(plan, parts)
            file = self._write(parts)
            made.pop_all()
        rules = ExportRules(plan.labels, plan.selection)
        return MadeExport(file, rules, self.output.manifest, plan.highest)

    def _plan(self) -> ExportPlan:
        """Return the stored plan of an earlier attempt, or list and number the images."""
        found = find_plan(self.store, self.prefix)
        if found is not None:
            return found
        self.output.progress(LISTING)
        selection = self.rules.selection
        with paused_collection():
            listed = self.reader.scan(None, self.known.numbers)
            numbers, highest = self.reader.number(listed.values(), self.known)
            targets = [
                (target.number, target.listed)
                for target in export_targets(listed, numbers, selection, None)
                if target.listed
            ]
        return write_plan(
            self.store,
            self.prefix,
            targets,
            labels=self.rules.labels,
            selection=selection,
            keeps_records=not self.output.is_coco,
            highest=highest,
        )

    def _join(self, plan: ExportPlan, parts: Sequence[Part]) -> MadeExport:
        names = read_names(self.store, parts)
        write_repairs(self.store, self.prefix, parts, names)
        self.engine.run(ExportStep(self.engine.place, self.prefix, "finish"), plan.shards)
        finished = [self._result(finished_key(self.prefix, at)) for at in range(plan.shards)]
        file, manifest = join_coco(self.store, self.prefix, finished, parts, names, plan.labels)
        self.output.written(file.summary)
        return MadeExport(file, ExportRules(plan.labels, plan.selection), manifest, plan.highest)

    def _write(self, parts: Sequence[Part]) -> DatasetFile:
        """Hand the records of all parts to the format's writer, one after another."""
        for part in parts:
            key = part.objects.get("records")
            for line in lines_of(self.store, key) if key else ():
                one = load_image(line, key or "")
                self.output.writer.add_image(one.record, one.boxes, one.facts)
        return self.output.writer.finished()

    def _result(self, key: str) -> Any:
        found = find_json(self.store, key)
        if found is None:
            raise NotFound(f"{key} is missing: a worker of the export has not finished.")
        return found
