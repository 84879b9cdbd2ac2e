"""Keeps a finished export and its companion files under exports/, named by the time in UTC."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from labeler.datasets.exports.distributed.join import JoinedExport, JoinedManifest
from labeler.datasets.exports.previous import CHOICE, SOURCES_MD5, selection_digest
from labeler.datasets.exports.run import MadeExport
from labeler.datasets.formats.registry import DatasetFormat, media_type_of_export
from labeler.datasets.manifest import ManifestHead, label_spellings
from labeler.errors import VersionConflict
from labeler.model.layout import EXPORTS, croissant_name, export_key, manifest_key
from labeler.storage import ABSENT, Store, Version


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that lie in the store already, under another key."""

    key: str


Content = bytes | BinaryIO | Stored


@dataclass(frozen=True, slots=True)
class Keeping:
    """An export to keep, with or without originals. `writer` names the program."""

    kind: DatasetFormat
    made: MadeExport
    with_originals: bool
    writer: str


def keep_export(store: Store, keeping: Keeping, moment: datetime) -> tuple[str, datetime]:
    """Write the file and its companion files. Return its key and the time in its name.

    The manifest is for the next export of the same selection. The Croissant description is for
    other programs; a zip contains its own description.
    """
    kind, made = keeping.kind, keeping.made
    file: Content = (
        Stored(made.file.key) if isinstance(made.file, JoinedExport) else made.file.stream()
    )
    part = made.rules.selection.part if kind.is_incremental else None
    ending = f"_{part}{kind.suffix}" if part else kind.suffix
    while True:
        key = export_key(kind.name, moment, ending)
        beside, metadata = _beside(store, keeping, key, file)
        try:
            _write_all(store, [*beside, _Object(key, file, kind.media_type, metadata)])
        except VersionConflict:
            moment += timedelta(seconds=1)  # another export has this second
        else:
            return key, moment


@dataclass(frozen=True, slots=True)
class Digests:
    """The digests that identify a file."""

    md5: str
    sha256: str
    size: int

    @classmethod
    def of(cls, store: Store, content: Content) -> Digests:
        """Compute the digests. The content is read once, in chunks."""
        if isinstance(content, Stored):
            with store.open(content.key) as chunks:
                return cls._of(chunks)
        if isinstance(content, bytes):
            return cls._of([content])
        content.seek(0)
        return cls._of(iter(lambda: content.read(2**20), b""))

    @classmethod
    def _of(cls, chunks: Iterable[bytes]) -> Digests:
        md5, sha256, size = hashlib.md5(), hashlib.sha256(), 0
        for chunk in chunks:
            md5.update(chunk)
            sha256.update(chunk)
            size += len(chunk)
        return cls(md5.hexdigest(), sha256.hexdigest(), size)


@dataclass(frozen=True, slots=True)
class _Object:
    """An object to be written."""

    key: str
    data: Content
    media_type: str
    metadata: Mapping[str, str] | None = None


def _beside(
    store: Store, keeping: Keeping, key: str, file: Content
) -> tuple[list[_Object], Mapping[str, str]]:
    """Return the objects that lie beside the export, and the export's own metadata."""
    if keeping.kind.holds_description:
        return [], {}
    digests = Digests.of(store, file)
    name = key.removeprefix(EXPORTS)
    described = croissant_name(name)
    data = keeping.kind.describe(
        name,
        digests.sha256,
        keeping.made.file.summary,
        with_originals=keeping.with_originals,
    )
    beside = [_Object(EXPORTS + described, data, media_type_of_export(described))]
    if not keeping.kind.is_incremental:
        return beside, {}
    manifest, metadata = _manifest(store, keeping, digests)
    return [*beside, _Object(manifest_key(key), manifest, "application/jsonl")], metadata


def _manifest(store: Store, keeping: Keeping, file: Digests) -> tuple[Content, dict[str, str]]:
    """Return the manifest, and the metadata by which the next export finds this one."""
    made = keeping.made
    selection, labels, summary = made.rules.selection, made.rules.labels, made.file.summary
    head = ManifestHead(
        writer=keeping.writer,
        selection=selection.fields(),
        asked=sorted(made.rules.asked or ()),
        categories=[label.name for label in labels.labels],
        names=label_spellings(labels),
        highest=made.highest,
        looked_at=made.manifest.looked_at,
        images=summary.images,
        annotations=summary.annotations,
        boxes=list(summary.boxes.values()),
        md5=file.md5,
        size=file.size,
        told=summary.lines(),
    )
    manifest: Content = (
        Stored(made.manifest.compose(head))
        if isinstance(made.manifest, JoinedManifest)
        else made.manifest.stream(head)
    )
    return manifest, {
        CHOICE: selection_digest(selection, keeping.writer),
        SOURCES_MD5: Digests.of(store, manifest).md5,
        "images": str(summary.images),
        "annotations": str(summary.annotations),
    }


def _write_all(store: Store, objects: Sequence[_Object]) -> None:
    """Write all objects or none. The export comes last, so its companions always exist."""
    written = []
    try:
        for one in objects:
            version = _write(store, one)
            written.append((one.key, version))
    except VersionConflict:  # another export of this second, or an older program
        for key, version in written:
            store.delete(key, version=version)
        raise


def _write(store: Store, one: _Object) -> Version:
    if isinstance(one.data, Stored):
        return store.compose(
            one.key,
            [one.data.key],
            replaces=ABSENT,
            metadata=one.metadata,
            content_type=one.media_type,
        )
    return store.write(
        one.key,
        one.data,
        replaces=ABSENT,
        metadata=one.metadata,
        content_type=one.media_type,
    )
