"""Earlier exports: finds them under exports/ and takes over everything that has not changed."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from labeler.datasets.exports.scan import PreviousScan, ScannedImage
from labeler.datasets.formats.coco_writer import AnnotationLines, image_names
from labeler.datasets.manifest import (
    ManifestHead,
    ManifestRecord,
    covers,
    label_spellings,
    parse_head,
    parse_records,
)
from labeler.datasets.selection import Selection
from labeler.errors import DamagedExport, NewerDocument, NotFound
from labeler.model.labels import LabelSet
from labeler.model.layout import ANNOTATIONS, COCO_EXPORTS, manifest_key
from labeler.storage import ObjectInfo, Store, Version, list_all

logger = logging.getLogger(__name__)

CHOICE: Final = "choice"
SOURCES_MD5: Final = "sources_md5"
"""Metadata key of an export. Its value is a digest of the request and the MD5 of its manifest."""


def selection_digest(selection: Selection, writer: str) -> str:
    """Return a digest that is equal for exports of the same selection by the same program."""
    text = json.dumps([writer, selection.fields()], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def is_unchanged(record: ManifestRecord, listed: ScannedImage) -> bool:
    """Return whether the listing shows the image in the state that the record describes."""
    if record.version != listed.version:
        return False
    if bool(record.original) is not (listed.original is not None):
        return False
    return not record.original or record.file_name == listed.file_name


class PreviousExport:
    """An earlier export and its manifest, which is already read.

    `records` are the manifest's records by ascending image number, and `lines` are the same records
    as written. `uploads` is the prefix of the keys of originals.
    """

    def __init__(
        self, store: Store, key: str, head: ManifestHead, lines: Sequence[bytes], uploads: str
    ) -> None:
        self.key = key
        self.head = head
        self.lines = lines
        self.records = parse_records(lines, manifest_key(key))
        self._store = store
        self._uploads = uploads
        self._places = {record.image_id: place for place, record in enumerate(self.records)}
        boxes = sum(record.result.boxes for record in self.records)
        if (len(self._places), len(lines), boxes) != (
            head.looked_at, head.looked_at, head.annotations,
        ):  # fmt: skip
            raise DamagedExport(f"{manifest_key(key)} is damaged: it does not name all images.")

    def find(self, image_id: str) -> ManifestRecord | None:
        """Return the record of that image, if there is one."""
        place = self._places.get(image_id)
        return None if place is None else self.records[place]

    def scan(self) -> PreviousScan:
        """Return the listing that this export was made from."""
        records, uploads = self.records, self._uploads
        kept = {uploads + one.file_name: one for one in records if one.original}

        def find(image_id: str) -> ScannedImage | None:
            record = self.find(image_id)
            if record is None:
                return None
            listed = ScannedImage(image_id, record.version)
            if record.original:
                listed.original = uploads + record.file_name
                listed.original_version = record.original
                listed.file_name = record.file_name
            return listed

        return PreviousScan(
            documents={
                f"{ANNOTATIONS}{one.image_id}.json": Version(one.version)
                for one in records
                if one.version
            },
            originals={key: Version(one.original) for key, one in kept.items()},
            image_of=lambda key: kept[key].image_id,
            find=find,
        )

    def counts_as(self, labels: LabelSet, asked: frozenset[int] | None) -> bool:
        """Return whether labels still have the same numbers and the same ones are asked for."""
        return sorted(asked or ()) == self.head.asked and covers(
            label_spellings(labels), self.head.names
        )

    def agrees(self, numbers: Mapping[str, int]) -> bool:
        """Return whether the images still have the same numbers."""
        return all(numbers.get(record.image_id) == record.number for record in self.records)

    def unchanged(self, listed: ScannedImage) -> ManifestRecord | None:
        """Return the image's record if it can be taken over, or None if the image must be read."""
        record = self.find(listed.image_id)
        if record is None or not is_unchanged(record, listed):
            return None
        # An original that was uploaded again is still the same image.
        return replace(record, original=listed.original_version)

    @contextlib.contextmanager
    def boxes(self) -> Iterator[AnnotationLines]:
        """Yield the lines of the boxes, one per box. Raises DamagedExport if the file is gone."""
        try:
            with self._store.open(self.key) as chunks:
                yield AnnotationLines(chunks)
        except NotFound as error:
            raise DamagedExport(f"{self.key} is gone.") from error


class KeptExports:
    """The COCO files under exports/ and the files written beside them."""

    def __init__(self, store: Store, uploads: str) -> None:
        self._store = store
        self._uploads = uploads

    def exports(self) -> list[ObjectInfo]:
        """Return all COCO files, the newest first."""
        infos = [one for one in list_all(self._store, COCO_EXPORTS) if one.key.endswith(".json")]
        return sorted(infos, key=lambda info: info.key, reverse=True)

    def newest(self, selection: Selection, writer: str) -> PreviousExport | None:
        """Return the newest intact export of that selection by that program."""
        digest = selection_digest(selection, writer)
        for info in self.exports():
            if info.metadata.get(CHOICE) != digest:
                continue
            try:
                return self._opened(info)
            except (DamagedExport, NewerDocument, NotFound) as error:
                logger.warning("%s is not taken over from: %s", info.key, error.message)
                return None
        return None

    def open(self, key: str) -> PreviousExport:
        """Open that export by its manifest. Raises NotFound, DamagedExport or NewerDocument."""
        head, lines = self._sources(key)
        return PreviousExport(self._store, key, head, lines, self._uploads)

    def highest_number(self) -> int:
        """Return the highest image number that the newest export with a manifest knows."""
        for info in self.exports():
            key = manifest_key(info.key)
            with (
                contextlib.suppress(DamagedExport, NewerDocument, NotFound),
                self._store.open(key) as chunks,
            ):
                return parse_head(_first_line(chunks), key).highest
        return 0

    def numbers(self, ids: Callable[[], Mapping[str, str]]) -> tuple[dict[str, int], int]:
        """Return the number of each image in the newest exports, and the highest number given.

        Exports are read, newest first, until one is found that covered all images. `ids` returns
        the image IDs by file name; it is needed for exports of an early program that wrote no
        manifest.
        """
        numbers: dict[str, int] = {}
        highest = 0
        for info in self.exports():
            try:
                found, most, looked_at_all = self._numbers(info.key, ids)
            except (DamagedExport, NewerDocument, NotFound) as error:
                logger.warning("Numbers can't be taken from %s: %s", info.key, error.message)
                continue
            taken = set(numbers.values())
            numbers.update(
                (image_id, number)
                for image_id, number in found.items()
                if image_id not in numbers and number not in taken
            )
            highest = max(highest, most)
            if looked_at_all:
                break
        return numbers, highest

    def _numbers(
        self, key: str, ids: Callable[[], Mapping[str, str]]
    ) -> tuple[dict[str, int], int, bool]:
        try:
            head, lines = self._sources(key)
        except NotFound:
            return *self._numbers_by_name(key, ids()), True
        records = parse_records(lines, manifest_key(key))
        looked_at_all = not {"part", "name", "image"} & set(head.selection)
        return {one.image_id: one.number for one in records}, head.highest, looked_at_all

    def _numbers_by_name(self, key: str, ids: Mapping[str, str]) -> tuple[dict[str, int], int]:
        known = set(ids.values())
        numbers: dict[str, int] = {}
        highest = 0
        with self._store.open(key) as chunks:
            for number, name in image_names(chunks):
                folder = name.partition("/")[0]
                image_id = ids.get(name) or (folder if folder in known else None)
                if image_id is not None:
                    numbers.setdefault(image_id, number)
                highest = max(highest, number)
        return numbers, highest

    def _opened(self, info: ObjectInfo) -> PreviousExport:
        head, lines = self._sources(info.key, info.metadata.get(SOURCES_MD5))
        # A composed object has no MD5. Whoever writes another one in its place leaves no metadata.
        if (info.md5 or head.md5, info.size) != (head.md5, head.size):
            raise DamagedExport("it was changed since it was written.")
        return PreviousExport(self._store, info.key, head, lines, self._uploads)

    def _sources(self, key: str, md5: str | None = None) -> tuple[ManifestHead, Sequence[bytes]]:
        beside = manifest_key(key)
        with self._store.open(beside) as chunks:
            data = b"".join(chunks)
        if md5 is not None and hashlib.md5(data).hexdigest() != md5:
            raise DamagedExport(f"{beside} was changed since it was written.")
        head, *lines = data.removesuffix(b"\n").split(b"\n")
        return parse_head(head, beside), lines


def _first_line(chunks: Iterable[bytes]) -> bytes:
    line = b""
    for chunk in chunks:
        start, end, _ = chunk.partition(b"\n")
        line += start
        if end:
            break
    return line
