"""Exports: the project as files, made now, or kept under exports/.

An export is a function of the data and the choice. Made again, it takes over from the newest one
of the same choice what has not changed since, and reads only the rest; the bytes are the same as
if it had read everything. Where anything of the earlier one does not fit, it reads everything.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BufferedReader, BytesIO
from typing import IO, BinaryIO, Final, Self, cast

from labeler import __version__
from labeler.datasets.exports.coco import WRITER, AnnotationLines, CocoFile, CocoWriter
from labeler.datasets.exports.incremental import IncrementalFile
from labeler.datasets.exports.joined_file import JoinedFile
from labeler.datasets.exports.numbering import ImageNumbers, KnownNumbers
from labeler.datasets.exports.previous import (
    CHOICE,
    SOURCES_MD5,
    KeptExports,
    PreviousExport,
    selection_digest,
)
from labeler.datasets.exports.read import READING, DocumentReader
from labeler.datasets.exports.scan import ProjectScan
from labeler.datasets.exports.verify import Verification, verify_export
from labeler.datasets.manifest import ManifestHead, dump_head, label_spellings
from labeler.datasets.rules import ExportRules, ExportSummary
from labeler.datasets.selection import ALL, SelectedImage, Selection
from labeler.errors import DamagedExport, InvalidRequest, NotFound, UnknownLabels, VersionConflict
from labeler.model.labels import LabelSet
from labeler.model.layout import EXPORTS, coco_export_key, manifest_key, zip_export_key
from labeler.project.label_store import LabelStore
from labeler.project.project import Project
from labeler.runtime import events
from labeler.runtime.garbage_collection import paused_collection
from labeler.runtime.jobs import Progress, no_progress
from labeler.storage import ABSENT, ObjectInfo, Store, list_all

WRITING: Final = "Writing the file"
_NAME: Final = re.compile(r"dataset_coco_\d{8}_\d{6}(_(train|val|test))?\.json")
_BUNDLE: Final = re.compile(r"dataset_(yolo|voc)_\d{8}_\d{6}\.zip")
_TOLD_EACH: Final = 500
_CHUNK_BYTES: Final = 2**18
_SPOOL_BYTES: Final = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Export:
    """A COCO file under exports/ and what went into it."""

    key: str
    summary: ExportSummary


@dataclass(frozen=True, slots=True)
class _Made:
    """A finished file, with its sources but their head, and the highest number given."""

    file: CocoFile
    sources: IO[bytes]
    looked_at: int
    highest: int
    labels: LabelSet

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.sources.close()


class Exporter:
    """The exports of one project. Any number may be made at the same time.

    `writer` names what else the bytes depend on: the program, and how images are identified.
    `uploads` is what the keys of originals begin with.
    """

    def __init__(
        self,
        store: Store,
        survey: DocumentReader,
        shelf: KeptExports,
        labels: LabelStore,
        clock: Callable[[], datetime],
        writer: str,
        uploads: str,
    ) -> None:
        self._store = store
        self._writer = writer
        self._uploads = uploads
        self._survey = survey
        self._labels = labels
        self._clock = clock
        self._shelf = shelf

    def write(
        self, selection: Selection = ALL, progress: Progress = no_progress
    ) -> tuple[Export, ...]:
        """Write the COCO file under exports/, or one for each part of a split that names none.

        Each is named by the time in UTC. Nothing is written before all of a file is there.
        """
        moment = self._clock().astimezone(UTC)
        exports = []
        with ExitStack() as held:
            files = [
                (one, held.enter_context(self._made(one, progress))) for one in selection.parts()
            ]
            for one, made in files:
                if made.labels != files[-1][1].labels:
                    # Another part had labels that were not in the set yet: all have the same.
                    made = held.enter_context(self._made(one, progress))
                progress(WRITING)
                key, moment = self._keep(one, made, moment)
                exports.append(Export(key, made.file.summary))
        return tuple(exports)

    def coco(self, selection: Selection = ALL, progress: Progress = no_progress) -> CocoFile:
        """The COCO file as it is now, kept nowhere; close it.

        Raises InvalidRequest for a split without a part: that is more than one file.
        """
        if len(selection.parts()) > 1:
            raise InvalidRequest(
                "A split is a file for each part: name one as the part, "
                f"{' or '.join(one.part for one in selection.parts() if one.part)}."
            )
        made = self._made(selection, progress)
        made.sources.close()
        return made.file

    def images(
        self, selection: Selection = ALL, progress: Progress = no_progress
    ) -> Iterator[SelectedImage]:
        """The images that name and part let in, by ascending numbers: for other formats.

        What of each goes in, boxes.Rules tells.
        """
        return self._survey.images(selection, progress)

    def keep_bundle(self, kind: str, file: BinaryIO) -> str:
        """Write a zip of that kind under exports/, named by the time in UTC; its key."""
        moment = self._clock().astimezone(UTC)
        while True:
            key = zip_export_key(kind, moment)
            try:
                self._store.write(key, file, replaces=ABSENT, content_type="application/zip")
                return key
            except VersionConflict:
                moment += timedelta(seconds=1)  # two exports in one second

    def chunks(self, name: str) -> Generator[bytes, None, None]:
        """The bytes of an export, by its file name; NotFound for anything else."""
        if not (_NAME.fullmatch(name) or _BUNDLE.fullmatch(name)):
            raise NotFound(f"There is no export {name!r}.")
        opened = self._store.open(EXPORTS + name)
        chunks = opened.__enter__()

        def stream() -> Generator[bytes, None, None]:
            try:
                yield from chunks
            finally:
                opened.__exit__(None, None, None)

        return stream()

    def kept(self) -> list[ObjectInfo]:
        """The exports in the store, the newest first."""
        return [info for info in self._shelf.exports() if _NAME.fullmatch(info.key[len(EXPORTS) :])]

    def any_kept(self) -> bool:
        """Whether an export of any format is kept: it holds the labels under their numbers."""
        return any(True for _ in list_all(self._store, EXPORTS))

    def verify(self, name: str, progress: Progress = no_progress) -> Verification:
        """Whether the store holds what that export was made from, by its key or file name.

        Raises NotFound, and DamagedExport where it is not known what it was made from.
        """
        key = EXPORTS + name.removeprefix(EXPORTS)
        if not _NAME.fullmatch(key[len(EXPORTS) :]):
            raise NotFound(
                f"There is no export {name!r}. Name a COCO export of this project as it is called "
                f"under {EXPORTS}, without another folder."
            )
        return verify_export(
            self._store, self._survey, self._labels.read(), self._shelf.open(key), progress
        )

    # --- making ---------------------------------------------------------------------------

    def _made(self, selection: Selection, progress: Progress) -> _Made:
        """Labels that are in use and in no label set are added to it first.

        The label set is stored in any case, so that later exports give each label the same number.
        """
        started = time.monotonic()
        with paused_collection(), ThreadPoolExecutor(2, "labeler-export") as pool:
            # All three wait for the store: at the same time.
            stored = pool.submit(self._labels.add, ())
            numbers = pool.submit(self._survey.known)
            earlier = self._shelf.newest(selection, self._writer)
            labels, known = stored.result(), numbers.result()
            if earlier is not None and not earlier.agrees(known.numbers):
                earlier = None
        while True:
            rules = ExportRules(labels, selection)
            if earlier is not None and not earlier.counts_as(labels, rules.asked):
                earlier = None
            try:
                made = self._assembled(labels, rules, earlier, known, progress)
            except UnknownLabels as error:
                labels = self._labels.add(error.names)
            except DamagedExport:
                if earlier is None:
                    raise
                earlier = None
            else:
                _tell(made.file.summary, started)
                return made
            known = self._survey.known()

    def _assembled(
        self,
        labels: LabelSet,
        rules: ExportRules,
        earlier: PreviousExport | None,
        known: KnownNumbers,
        progress: Progress,
    ) -> _Made:
        with ExitStack() as held, ExitStack() as read:
            with paused_collection():
                targets, highest = self._survey.targets(
                    rules.selection,
                    progress,
                    known,
                    earlier.before(self._uploads) if earlier else None,
                )
            kept = [earlier.kept(one) if earlier and one else None for _, one in targets]
            sources = held.enter_context(_spool())
            writer = held.enter_context(CocoWriter(labels, earlier.head.boxes if earlier else ()))
            lines = read.enter_context(earlier.boxes()) if earlier else AnnotationLines(())
            assembly = IncrementalFile(writer, rules, sources, earlier, lines)
            documents = self._survey.read(
                listed
                for (_, listed), record in zip(targets, kept, strict=True)
                if listed and listed.version and not record
            )
            for place, ((number, listed), record) in enumerate(zip(targets, kept, strict=True)):
                if place % _TOLD_EACH == 0:
                    progress(READING, place, len(targets))
                if listed is None:
                    assembly.leave_out(number)
                elif record:
                    assembly.keep(record)
                else:
                    assembly.take(number, listed, next(documents) if listed.version else None)
            assembly.end()
            made = _Made(writer.finished(), sources, assembly.looked_at, highest, labels)
            held.pop_all()
        return made

    # --- keeping --------------------------------------------------------------------------

    def _keep(self, selection: Selection, made: _Made, moment: datetime) -> tuple[str, datetime]:
        """Write the file and its sources under exports/; its key and the time in its name."""
        ending = f"_{selection.part}.json" if selection.part else ".json"
        summary, file = made.file.summary, made.file.stream()
        md5 = _md5(file)
        head = ManifestHead(
            writer=self._writer,
            selection=selection.fields(),
            asked=sorted(selection.numbers(made.labels) or ()),
            categories=[label.name for label in made.labels.labels],
            names=label_spellings(made.labels),
            highest=made.highest,
            looked_at=made.looked_at,
            images=summary.images,
            annotations=summary.annotations,
            boxes=list(summary.boxes.values()),
            md5=md5,
            size=file.tell(),
            told=summary.lines(),
        )
        sources = BufferedReader(JoinedFile([BytesIO(dump_head(head)), made.sources]), _CHUNK_BYTES)
        metadata = {
            CHOICE: selection_digest(selection, self._writer),
            SOURCES_MD5: _md5(sources),
            "images": str(summary.images),
            "annotations": str(summary.annotations),
        }
        while True:
            key = coco_export_key(moment, ending)
            try:
                self._put(key, file, sources, metadata)
                return key, moment
            except VersionConflict:
                moment += timedelta(seconds=1)  # two exports in one second

    def _put(
        self, key: str, file: BinaryIO, sources: BinaryIO, metadata: Mapping[str, str]
    ) -> None:
        """The sources first: an export is never there without what it was made from."""
        beside = manifest_key(key)
        version = self._store.write(
            beside, sources, replaces=ABSENT, content_type="application/jsonl"
        )
        try:
            self._store.write(
                key, file, replaces=ABSENT, metadata=metadata, content_type="application/json"
            )
        except VersionConflict:  # by a program that writes no sources
            self._store.delete(beside, version=version)
            raise


def open_exporter(project: Project) -> Exporter:
    """The exports of the project; nothing is read yet."""
    store, uploads, image_index = project.store, project.uploads, project.image_index
    shelf = KeptExports(store)
    start = len(uploads.prefix) if uploads else 0

    def ids_by_name() -> dict[str, str]:
        return {
            entry.original[start:] if entry.original else entry.image_path: entry.image_id
            for entry in image_index.entries()
        }

    registry = ImageNumbers(store, lambda: shelf.numbers(ids_by_name))
    survey = DocumentReader(store, ProjectScan(store, uploads, image_index), image_index, registry)
    writer = f"{__version__}/{WRITER}/{image_index.identified_by}"
    return Exporter(
        store,
        survey,
        shelf,
        project.labels,
        project.clock,
        writer,
        uploads.prefix if uploads else "",
    )


def _tell(summary: ExportSummary, started: float) -> None:
    events.log_event(
        events.Export(
            format="coco",
            duration_ms=round((time.monotonic() - started) * 1000, 1),
            images=summary.images,
            boxes=summary.annotations,
        )
    )


def _md5(file: BinaryIO) -> str:
    digest = hashlib.md5()
    file.seek(0)
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()


def _spool() -> BinaryIO:
    """A file in memory while it is small: a container may have no place to write a real one."""
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(_SPOOL_BYTES))
