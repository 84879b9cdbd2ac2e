"""Checks whether the store still holds everything that an export was made from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final

from labeler.datasets.exports.previous import PreviousExport, is_unchanged
from labeler.datasets.exports.read import LISTING, DocumentReader, is_let_in
from labeler.datasets.exports.scan import ScannedImage
from labeler.datasets.manifest import label_spellings
from labeler.datasets.selection import parse_selection
from labeler.errors import NotFound
from labeler.model.labels import LabelSet
from labeler.runtime.jobs import Progress
from labeler.storage import Store

CHECKING: Final = "Checking the export itself"


@dataclass(frozen=True, slots=True)
class Verification:
    """What has changed since an export was made: images by file name, the rest in words.

    An image is changed if its document or the name of its original differs.
    """

    key: str
    looked_at: int
    changed: tuple[str, ...]
    added: tuple[str, ...]
    deleted: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        """Return whether nothing has changed."""
        return not (self.changed or self.added or self.deleted or self.problems)


def verify_export(
    store: Store,
    survey: DocumentReader,
    labels: LabelSet,
    export: PreviousExport,
    progress: Progress,
) -> Verification:
    """Compare the store with the export's manifest, and the export's file with its digest.

    A document with another version is read and compared by its MD5, because a copied store has
    other versions.
    """
    progress(CHECKING)
    problems = [*_file_problems(store, export), *_label_problems(labels, export)]
    progress(LISTING)
    selection = parse_selection(export.head.selection)
    listed = {one.image_id: one for one in survey.listed() if is_let_in(selection, one)}
    differing = []
    changed, deleted = [], []
    for record in export.records:
        now = listed.get(record.image_id)
        if now is None:
            deleted.append(record.file_name)
        elif not is_unchanged(record, now):
            if is_unchanged(replace(record, version=now.version), now) and now.version:
                differing.append((record, now))
            else:
                changed.append(record.file_name)
    reads = survey.read([now for _, now in differing])
    for (record, _), read in zip(differing, reads, strict=True):
        if read is None:
            deleted.append(record.file_name)
        elif hashlib.md5(read.data).hexdigest() != record.md5:
            changed.append(record.file_name)
    added = [_shown(one) for one in listed.values() if export.find(one.image_id) is None]
    return Verification(
        export.key,
        export.head.looked_at,
        tuple(sorted(changed)),
        tuple(sorted(added)),
        tuple(sorted(deleted)),
        tuple(problems),
    )


def _shown(listed: ScannedImage) -> str:
    return listed.file_name or listed.image_id


def _file_problems(store: Store, export: PreviousExport) -> list[str]:
    digest, size = hashlib.md5(), 0
    try:
        with store.open(export.key) as chunks:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
    except NotFound:
        return [f"{export.key} is not there any more."]
    if (digest.hexdigest(), size) != (export.head.md5, export.head.size):
        return [f"{export.key} itself was changed since it was written."]
    return []


def _label_problems(labels: LabelSet, export: PreviousExport) -> list[str]:
    now, then = [label.name for label in labels.labels], export.head.categories
    problems = []
    for number, (name, before) in enumerate(zip(now, then, strict=False), start=1):
        if name != before:
            problems.append(f"Label {number} was {before!r} and is {name!r} now.")
    if len(now) > len(then):
        problems.append(f"Labels were added: {', '.join(now[len(then) :])}.")
    if len(now) < len(then):
        problems.append(f"Labels are missing: {', '.join(then[len(now) :])}.")
    counts = label_spellings(labels)
    moved = [name for name, number in export.head.names.items() if counts.get(name) != number]
    if moved and len(now) >= len(then):
        problems.append(f"Boxes count as other labels now: {', '.join(moved)}.")
    return problems
