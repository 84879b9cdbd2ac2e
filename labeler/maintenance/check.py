"""Check a project's consistency, and repair what is safe to repair.

A check changes nothing. A repair never touches a document that can't be opened, and changes no box.
It deletes nothing but what the trash or the project holds as well. It writes a document's metadata
anew and leaves the document as it is, adds missing labels of boxes to the label set, and stores a
rebuilt label set.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from labeler.datasets.exports.numbering import ImageNumbers
from labeler.datasets.exports.previous import KeptExports
from labeler.errors import DamagedDocument, InvalidDocument, NotFound, VersionConflict
from labeler.maintenance.check_trash import trash_problems
from labeler.maintenance.index import index_problems
from labeler.maintenance.problems import Problem
from labeler.model.document import AnnotationDocument, parse_document
from labeler.model.labels import LabelSet, clean_label
from labeler.model.layout import (
    ANNOTATIONS,
    LABELS_KEY,
    REGISTRY_KEY,
    document_key,
    is_image_id,
    registry_shard_key,
)
from labeler.project.image_entry import document_metadata, metadata_for, sealed_entry
from labeler.project.label_store import LabelStore
from labeler.project.originals import Uploads, own_place
from labeler.project.store_index import StoreIndex
from labeler.project.trash import Trash
from labeler.settings import Settings
from labeler.storage import ABSENT, ObjectInfo, Store, list_all

_BATCH: Final = 1000


class ConsistencyCheck:
    """One check of a project; `checked` counts the images so far."""

    def __init__(
        self, settings: Settings, store: Store, uploads: Uploads | None, secret: bytes
    ) -> None:
        self._settings = settings
        self._store = store
        self._uploads = uploads
        self._labels = LabelStore(store, settings.labels)
        self._image_index = StoreIndex(store, uploads, settings.image_id, secret)
        self._trash = Trash(store, uploads, self._image_index, lambda: datetime.now(UTC))
        self._originals: dict[str, list[ObjectInfo]] = {}
        self._by_key: dict[str, ObjectInfo] = {}
        self._names: set[str] = set()
        self.checked = 0

    def problems(self) -> Iterator[Problem]:
        """Every problem as it is found; StoreError if the store can't be read."""
        for image_id, info in self._image_index.originals():
            self._originals.setdefault(image_id, []).append(info)
            self._by_key[info.key] = info
        yield from self._documents()
        for image_id, found in self._originals.items():
            yield from self._doubled(image_id, found)
        yield from self._label_set()
        yield from self._numbers()
        yield from trash_problems(self._trash)
        yield from index_problems(self._settings)

    # --- documents ------------------------------------------------------------------------

    def _documents(self) -> Iterator[Problem]:
        seen: set[str] = set()
        batch: dict[str, ObjectInfo] = {}
        for info in list_all(self._store, ANNOTATIONS):
            name = info.key.removeprefix(ANNOTATIONS).removesuffix(".json")
            if not info.key.endswith(".json") or not is_image_id(name):
                yield Problem(info.key, "This is no document: nothing shows or exports it.", False)
                continue
            seen.add(name)
            batch[info.key] = info
            if len(batch) == _BATCH:
                yield from self._read(batch)
                batch = {}
        yield from self._read(batch)
        self.checked += sum(image_id not in seen for image_id in self._originals)

    def _read(self, batch: dict[str, ObjectInfo]) -> Iterator[Problem]:
        for key, data, version in self._store.read_many(list(batch)):
            self.checked += 1
            try:
                document = parse_document(data, key)
            except DamagedDocument as error:
                yield Problem(key, error.message)
                continue
            self._names.update(rect.label for rect in document.rects)
            yield from self._document(batch[key], document)
            if batch[key].version == version:  # otherwise it was saved after it was listed
                yield from self._metadata(batch[key], document)

    def _document(self, info: ObjectInfo, document: AnnotationDocument) -> Iterator[Problem]:
        image_id = info.key.removeprefix(ANNOTATIONS).removesuffix(".json")
        stated = document.metadata.image_id
        if stated and stated != image_id:
            also = document_key(stated) if is_image_id(stated) else stated
            yield Problem(
                info.key,
                f"It says that it is the document of {stated}. Was it copied from {also}? Show it, "
                "and delete the one that is wrong.",
            )
        if self._uploads is None:
            return
        original = self._original(image_id, document)
        if original is None:
            yield Problem(info.key, "The original is missing. Add the file again.")
            return
        drawn_on = document.metadata.content_md5
        if drawn_on and original.md5 and drawn_on != original.md5:
            yield Problem(
                info.key,
                f"{original.key} is not the image that the boxes were drawn on. Put the right "
                "file back, or give this one another name.",
            )

    def _original(self, image_id: str, document: AnnotationDocument) -> ObjectInfo | None:
        """The document's original: by its image ID, else under the key that the document names."""
        found = self._originals.get(image_id, [])
        drawn_on = document.metadata.content_md5
        for info in found:
            if info.md5 == drawn_on:
                return info
        if found:
            return found[-1]
        prefix = self._uploads.prefix if self._uploads else ""
        path = document.image_path
        places = (prefix + own_place(image_id, path), f"{prefix}{image_id}/{path}", prefix + path)
        return next((self._by_key[place] for place in places if place in self._by_key), None)

    def _metadata(self, info: ObjectInfo, document: AnnotationDocument) -> Iterator[Problem]:
        if info.md5 and dict(info.metadata) == metadata_for(document, info.md5):
            return
        sealed = "seal" in info.metadata
        if sealed_entry("", info) is not None:
            sealed, what = False, "An older Labeler wrote its metadata: statistics have to read it."
        elif sealed:
            what = "Its metadata is out of date: the list may not show it."
        else:
            what = "It has no metadata of Labeler's: each listing has to read it."
        yield Problem(info.key, what, sealed, lambda: self._write_metadata(info))

    def _write_metadata(self, info: ObjectInfo) -> str:
        try:
            data, current = self._store.read(info.key)
            document = parse_document(data, info.key)
            metadata = document_metadata(document, data)
            self._store.set_metadata(info.key, metadata, version=current.version)
        except (VersionConflict, NotFound):
            return "somebody has just saved it, metadata and all"
        return "the metadata was written anew; the document is the same"

    # --- originals and labels -------------------------------------------------------------

    def _doubled(self, image_id: str, found: list[ObjectInfo]) -> Iterator[Problem]:
        if len(found) < 2:
            return
        keys = ", ".join(info.key for info in found)
        if len({(info.size, info.md5) for info in found}) == 1:
            what = f"{keys} have the same bytes: they share the image {image_id}."
            yield Problem(found[0].key, what, False)
            return
        yield Problem(
            found[0].key,
            f"{keys} are different images with one image ID ({image_id}): only one of them is "
            "shown. Rename the others.",
        )

    def _label_set(self) -> Iterator[Problem]:
        labels, state = self._labels.looked_up()
        if state is ABSENT and self._names:
            yield Problem(
                LABELS_KEY,
                "It is not there; the labels are taken from the newest export, or the settings.",
                False,
                lambda: f"stored with {len(self._labels.edit(_same).labels)} labels",
            )
        missing = sorted(name for name in self._names if labels.find(name) is None)
        if missing:
            yield Problem(
                LABELS_KEY,
                f"It lacks labels that boxes have: {', '.join(missing)}.",
                False,
                lambda: self._add_labels(missing),
            )

    def _numbers(self) -> Iterator[Problem]:
        """Check that the image numbers can be read and none is missing; exports restore those."""
        exports = KeptExports(self._store, self._uploads.prefix if self._uploads else "")
        try:
            known = ImageNumbers(self._store, lambda: ({}, 0)).read()
        except DamagedDocument as error:
            yield Problem(REGISTRY_KEY, error.message)
            return
        lost = [(one.key, one.first, one.end - 1) for one in known.lost]
        highest = exports.highest_number()
        if known.highest < highest:
            first = known.highest + 1
            lost.append((registry_shard_key(first), first, highest))
        for key, first, last in lost:
            yield Problem(
                key,
                f"The image numbers {first} to {last} are missing. The next export takes them from "
                "the exports that are kept. If there is an old version, restore it.",
                False,
            )

    def _add_labels(self, names: list[str]) -> str:
        fit = [name for name in names if _is_label(name)]
        self._labels.add(fit)
        left = [name for name in names if name not in fit]
        done = f"added: {', '.join(fit)}" if fit else "nothing was added"
        return f"{done}; can't be labels: {', '.join(left)}" if left else done


def _same(labels: LabelSet) -> LabelSet:
    return labels


def _is_label(name: str) -> bool:
    try:
        clean_label(name)
    except InvalidDocument:
        return False
    return True
