"""Exports: the project as one file, made now or kept under exports/."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from labeler import coco
from labeler.catalogue import ImageEntry
from labeler.errors import NotFound, VersionConflict
from labeler.models import AnnotationDocument
from labeler.storage import ABSENT, Store

EXPORTS: Final = "exports/"
_NAME: Final = re.compile(r"dataset_coco_\d{8}_\d{6}\.json")


@dataclass(frozen=True, slots=True)
class Export:
    """A COCO file under exports/ and what went into it."""

    key: str
    summary: coco.Summary


def coco_images(
    survey: Iterable[tuple[ImageEntry, AnnotationDocument | None]], prefix: str
) -> Iterator[coco.CocoImage]:
    """The images of a survey, numbered in its order, named by their originals below `prefix`."""
    for number, (entry, stored) in enumerate(survey, 1):
        document = stored
        if stored is None and not entry.problem:
            document = AnnotationDocument(rects=(), image_path=entry.image_path)
        name = entry.original.removeprefix(prefix) if entry.original else entry.image_path
        yield coco.CocoImage(number, document, name)


class Exports:
    """The exports that are kept in a store, write-once."""

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def keep(self, file: coco.CocoFile) -> Export:
        """Write the file under exports/, named by the time in UTC."""
        with tempfile.TemporaryFile() as spool:
            for chunk in file.chunks():
                spool.write(chunk)
            moment = self._clock().astimezone(UTC)
            while True:
                key = f"{EXPORTS}dataset_coco_{moment:%Y%m%d_%H%M%S}.json"
                try:
                    self._store.write(key, spool, replaces=ABSENT, content_type="application/json")
                    return Export(key, file.summary)
                except VersionConflict:
                    moment += timedelta(seconds=1)  # two exports in one second

    def chunks(self, name: str) -> Generator[bytes, None, None]:
        """The bytes of an export, by its file name; NotFound for anything else."""
        if not _NAME.fullmatch(name):
            raise NotFound(f"There is no export {name!r}.")
        opened = self._store.open(EXPORTS + name)
        chunks = opened.__enter__()

        def stream() -> Generator[bytes, None, None]:
            try:
                yield from chunks
            finally:
                opened.__exit__(None, None, None)

        return stream()
