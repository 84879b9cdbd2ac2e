"""Exports of the project, returned once or kept under exports/. An export is one ExportRun."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from contextvars import copy_context
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from labeler import __version__
from labeler.datasets.exports.difference import ExportDifference, compare_exports
from labeler.datasets.exports.distributed.count import sum_counts
from labeler.datasets.exports.distributed.engines import Engine, ExportStep, attempt_prefix
from labeler.datasets.exports.distributed.plan import write_shards
from labeler.datasets.exports.distributed.run import DistributedRun, Output
from labeler.datasets.exports.keep import Keeping, keep_export
from labeler.datasets.exports.numbering import ImageNumbers, KnownNumbers
from labeler.datasets.exports.previous import KeptExports, PreviousExport
from labeler.datasets.exports.read import DocumentReader
from labeler.datasets.exports.run import ExportRun, MadeExport
from labeler.datasets.exports.scan import ProjectScan
from labeler.datasets.exports.verify import Verification, verify_export
from labeler.datasets.formats.coco_writer import REVISION
from labeler.datasets.formats.registry import (
    DEFAULT,
    DatasetFormat,
    format_of_export,
    media_type_of_export,
)
from labeler.datasets.formats.writing import DatasetFile, WriteRequest
from labeler.datasets.manifest import ManifestWriter
from labeler.datasets.rules import ExportRules, ExportSummary
from labeler.datasets.selection import ALL, Selection
from labeler.errors import DamagedExport, InvalidRequest, NotFound, UnknownLabels
from labeler.model.labels import LabelSet
from labeler.model.layout import EXPORTS
from labeler.project.project import Project
from labeler.runtime import events
from labeler.runtime.audit import Action, audit
from labeler.runtime.garbage_collection import paused_collection
from labeler.runtime.jobs import Progress, no_progress
from labeler.runtime.webhook import Webhook
from labeler.storage import ObjectInfo, list_all

WRITING: Final = "Writing the file"


@dataclass(frozen=True, slots=True)
class Export:
    """A file under exports/, its summary, and the images whose original could not be packed."""

    key: str
    summary: ExportSummary
    without_original: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What the caller asks for: the format, the selection, and whether to pack the originals."""

    kind: DatasetFormat = DEFAULT
    selection: Selection = ALL
    originals: bool = False
    engine: Engine | None = None

    def files(self) -> tuple[Selection, ...]:
        """Return one selection per file. An incremental format gives each part its own file."""
        return self.selection.parts() if self.kind.is_incremental else (self.selection,)


class Exporter:
    """The exports of one project. Any number of them may run at the same time.

    `_program` names everything else that the bytes depend on: the program, and how image IDs are
    made.
    """

    def __init__(self, project: Project) -> None:
        store, uploads, image_index = project.store, project.uploads, project.image_index
        self._project = project
        self._store = store
        self._attempts = 0
        self._shelf = KeptExports(store, uploads.prefix if uploads else "")
        self._reader = DocumentReader(
            store,
            ProjectScan(store, uploads, image_index),
            image_index,
            ImageNumbers(store, lambda: self._shelf.numbers(self._ids_by_name)),
        )
        self._program = f"{__version__}/{REVISION}/{image_index.identified_by}"

    def write(
        self,
        selection: Selection = ALL,
        progress: Progress = no_progress,
        *,
        kind: DatasetFormat = DEFAULT,
        originals: bool = False,
        engine: Engine | None = None,
    ) -> tuple[Export, ...]:
        """Write the file under exports/, or several files if COCO is split and no part is named.

        Each file is named by the time in UTC. Nothing is written there until a whole file is ready.
        With an `engine`, the documents are read and the parts are written by other processes.
        """
        moment = self._project.clock().astimezone(UTC)
        request = ExportRequest(kind, selection, originals, engine)
        exports = []
        with ExitStack() as held:
            if engine is not None:
                held.push(lambda error, *_: engine.end(self._store, is_done=error is None))
            files = [
                held.enter_context(self._make(request, one, progress)) for one in request.files()
            ]
            for made in files:
                if made.rules.labels != files[-1].rules.labels:
                    # Another part had labels that were not in the set yet. All parts must have the
                    # same set.
                    made = held.enter_context(self._make(request, made.rules.selection, progress))
                progress(WRITING)
                keeping = Keeping(kind, made, originals, self._program)
                key, moment = keep_export(self._store, keeping, moment)
                exports.append(Export(key, made.file.summary, tuple(made.file.without_original)))
        return tuple(exports)

    def make(
        self,
        selection: Selection = ALL,
        progress: Progress = no_progress,
        *,
        kind: DatasetFormat = DEFAULT,
        originals: bool = False,
    ) -> DatasetFile:
        """Return the file as it is now, without keeping it. The caller closes it.

        Raises InvalidRequest if the selection has a split without a part and the format needs
        several files.
        """
        request = ExportRequest(kind, selection, originals)
        if len(request.files()) > 1:
            raise InvalidRequest(
                "A split is a file for each part: name one as the part, "
                f"{' or '.join(one.part for one in request.files() if one.part)}."
            )
        made = self._make(request, selection, progress, kept=False)
        return made.file

    def chunks(self, name: str) -> Generator[bytes, None, None]:
        """Yield the bytes of an export or its description, by file name; NotFound otherwise."""
        media_type_of_export(name)
        opened = self._store.open(EXPORTS + name)
        chunks = opened.__enter__()

        def stream() -> Generator[bytes, None, None]:
            try:
                yield from chunks
            finally:
                opened.__exit__(None, None, None)

        return stream()

    def kept(self) -> list[ObjectInfo]:
        """The COCO exports in the store, the newest first."""
        return [
            info for info in self._shelf.exports() if format_of_export(info.key[len(EXPORTS) :])
        ]

    def kept_in_any_format(self) -> list[ObjectInfo]:
        """All exports in the store, the newest first."""
        infos = list_all(self._store, EXPORTS)
        found = [info for info in infos if format_of_export(info.key[len(EXPORTS) :])]
        return sorted(found, key=lambda info: (info.updated, info.key), reverse=True)

    def compare(self, earlier: str, later: str) -> ExportDifference:
        """Return how one COCO export differs from another; each is given by its key or file name.

        Raises NotFound. Raises DamagedExport if the manifest of either export is missing or
        damaged.
        """
        return compare_exports(self._open(earlier), self._open(later))

    def any_kept(self) -> bool:
        """Return whether any export is kept. Kept exports refer to labels by their numbers."""
        return any(True for _ in list_all(self._store, EXPORTS))

    def count(self, engine: Engine) -> tuple[Counter[str], Counter[str]]:
        """Return the images by status and the boxes by the label in the document.

        An image whose document can't be opened counts as `damaged`.
        """
        with ExitStack() as held:
            held.push(lambda error, *_: engine.end(self._store, is_done=error is None))
            listed = sorted(self._reader.listed(), key=lambda one: one.image_id)
            prefix = attempt_prefix(engine.run_id, 1)
            shards = write_shards(self._store, prefix, [(0, one) for one in listed])
            engine.run(ExportStep(engine.place, prefix, "count"), shards)
            return sum_counts(self._store, prefix, shards)

    def verify(self, name: str, progress: Progress = no_progress) -> Verification:
        """Compare the store with the state that this export was made from.

        `name` is the export's key or file name. Raises NotFound. Raises DamagedExport if its
        manifest is missing or damaged.
        """
        export = self._open(name)
        labels = self._project.labels.read()
        return verify_export(self._store, self._reader, labels, export, progress)

    def _open(self, name: str) -> PreviousExport:
        """Return the COCO export of that key or file name, with its manifest."""
        key = EXPORTS + name.removeprefix(EXPORTS)
        kind = format_of_export(key[len(EXPORTS) :])
        if kind is None or not kind.is_incremental:
            raise NotFound(
                f"There is no export {name!r}. Name a COCO export of this project as it is called "
                f"under {EXPORTS}, without another folder."
            )
        return self._shelf.open(key)

    # --- making ---------------------------------------------------------------------------

    def _make(
        self, request: ExportRequest, selection: Selection, progress: Progress, *, kept: bool = True
    ) -> MadeExport:
        """Make one file. The label set is stored in any case.

        Labels that are in use and missing from the set are added first. Because the set is stored,
        later exports give each label the same number.
        """
        takes_over = request.kind.is_incremental and request.engine is None
        labels, known, previous = self._what_is_known(selection, takes_over=takes_over)
        written = _log_when_written(request.kind, self._project.webhook)
        while True:
            rules = ExportRules(labels, selection)
            if previous is not None and not previous.counts_as(labels, rules.asked):
                previous = None
            writer = request.kind.open_writer(
                WriteRequest(
                    labels=labels,
                    selection=selection,
                    originals=self._project,
                    with_originals=request.originals,
                    earlier_boxes=previous.head.boxes if previous else (),
                    progress=progress,
                    written=written,
                )
            )
            manifest = ManifestWriter(kept=kept and request.kind.is_incremental)
            run: ExportRun | DistributedRun
            if request.engine is None:
                run = ExportRun(self._reader, rules, known, previous, writer, manifest, progress)
            else:
                output = Output(
                    writer, manifest, progress, written, is_coco=request.kind.is_incremental
                )
                run = self._distributed(request.engine, rules, known, output)
            try:
                return run.make()
            except UnknownLabels as error:
                labels = self._project.labels.add(error.names)
            except DamagedExport:
                if previous is None:
                    raise
                previous = None
            known = self._reader.known()

    def _what_is_known(
        self, selection: Selection, *, takes_over: bool
    ) -> tuple[LabelSet, KnownNumbers, PreviousExport | None]:
        """Return the labels, the image numbers, and the export to take over from, if one fits."""
        with paused_collection(), ThreadPoolExecutor(2, "labeler-export") as pool:
            # All three wait for the store, so they run at the same time. The first label set is
            # created in the name of the person who exports.
            stored = pool.submit(copy_context().run, self._project.labels.add, ())
            numbers = pool.submit(self._reader.known)
            previous = self._shelf.newest(selection, self._program) if takes_over else None
            labels, known = stored.result(), numbers.result()
            if previous is not None and previous.head.highest > known.highest:
                known = self._reader.known(previous.head.highest)
            if previous is not None and not previous.agrees(known.numbers):
                previous = None
        return labels, known, previous

    def _distributed(
        self, engine: Engine, rules: ExportRules, known: KnownNumbers, output: Output
    ) -> DistributedRun:
        self._attempts += 1
        prefix = attempt_prefix(engine.run_id, self._attempts)
        return DistributedRun(self._store, self._reader, rules, known, output, engine, prefix)

    def _ids_by_name(self) -> dict[str, str]:
        uploads = self._project.uploads
        start = len(uploads.prefix) if uploads else 0
        return {
            entry.original[start:] if entry.original else entry.image_path: entry.image_id
            for entry in self._project.image_index.entries()
        }


def open_exporter(project: Project) -> Exporter:
    """Return the exports of the project. Nothing is read yet."""
    return Exporter(project)


def _log_when_written(kind: DatasetFormat, webhook: Webhook) -> Callable[[ExportSummary], None]:
    started = time.monotonic()

    def log(summary: ExportSummary) -> None:
        audit(Action.EXPORT, kind.name)
        counts = {"images": summary.images, "annotations": summary.annotations}
        webhook.tell("export", format=kind.name, **counts)
        events.log_event(
            events.Export(
                format=kind.name,
                duration_ms=round((time.monotonic() - started) * 1000, 1),
                images=summary.images,
                boxes=summary.annotations,
            )
        )

    return log
