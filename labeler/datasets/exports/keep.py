"""Keeps a finished export under exports/, named by the time in UTC, with its manifest beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import BinaryIO

from labeler.datasets.exports.previous import CHOICE, SOURCES_MD5, selection_digest
from labeler.datasets.exports.run import MadeExport
from labeler.datasets.formats.registry import DatasetFormat
from labeler.datasets.manifest import ManifestHead, label_spellings
from labeler.errors import VersionConflict
from labeler.model.layout import export_key, manifest_key
from labeler.storage import ABSENT, Store


def keep_file(store: Store, kind: DatasetFormat, file: BinaryIO, moment: datetime) -> str:
    """Write the file of an export without a manifest; its key."""
    return _write_at_free_time(
        lambda key: store.write(key, file, replaces=ABSENT, content_type=kind.media_type),
        kind.name,
        moment,
        kind.suffix,
    )[0]


def keep_with_manifest(
    store: Store, kind: DatasetFormat, made: MadeExport, writer: str, moment: datetime
) -> tuple[str, datetime]:
    """Write the file and its manifest; its key and the time in its name."""
    selection, labels, summary = made.rules.selection, made.rules.labels, made.file.summary
    file = made.file.stream()
    md5 = _md5(file)
    head = ManifestHead(
        writer=writer,
        selection=selection.fields(),
        asked=sorted(made.rules.asked or ()),
        categories=[label.name for label in labels.labels],
        names=label_spellings(labels),
        highest=made.highest,
        looked_at=made.manifest.looked_at,
        images=summary.images,
        annotations=summary.annotations,
        boxes=list(summary.boxes.values()),
        md5=md5,
        size=file.tell(),
        told=summary.lines(),
    )
    manifest = made.manifest.stream(head)
    metadata = {
        CHOICE: selection_digest(selection, writer),
        SOURCES_MD5: _md5(manifest),
        "images": str(summary.images),
        "annotations": str(summary.annotations),
    }
    ending = f"_{selection.part}{kind.suffix}" if selection.part else kind.suffix
    return _write_at_free_time(
        lambda key: _write_both(store, kind, key, file, manifest, metadata),
        kind.name,
        moment,
        ending,
    )


def _write_at_free_time(
    write: Callable[[str], object], name: str, moment: datetime, ending: str
) -> tuple[str, datetime]:
    """Write under the first key that no other export has; the key and the time in it."""
    while True:
        key = export_key(name, moment, ending)
        try:
            write(key)
        except VersionConflict:
            moment += timedelta(seconds=1)  # two exports in one second
        else:
            return key, moment


def _write_both(
    store: Store,
    kind: DatasetFormat,
    key: str,
    file: BinaryIO,
    manifest: BinaryIO,
    metadata: Mapping[str, str],
) -> None:
    """The manifest first: an export is never there without what it was made from."""
    beside = manifest_key(key)
    version = store.write(beside, manifest, replaces=ABSENT, content_type="application/jsonl")
    try:
        store.write(key, file, replaces=ABSENT, metadata=metadata, content_type=kind.media_type)
    except VersionConflict:  # by a program that writes no manifest
        store.delete(beside, version=version)
        raise


def _md5(file: BinaryIO) -> str:
    digest = hashlib.md5()
    file.seek(0)
    while chunk := file.read(2**20):
        digest.update(chunk)
    return digest.hexdigest()
