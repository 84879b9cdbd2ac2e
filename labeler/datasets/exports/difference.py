"""How two exports differ, found by comparing their manifests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from labeler.datasets.exports.previous import PreviousExport
from labeler.datasets.manifest import ManifestRecord


@dataclass(frozen=True, slots=True)
class ExportDifference:
    """Lists the images that differ, by file name, and the labels whose number of boxes differs.

    An image is changed if its document or its name differs. `boxes` maps a label's name to the
    earlier and the later count. A label is counted under its name in the later export.
    """

    earlier: str
    later: str
    changed: tuple[str, ...]
    added: tuple[str, ...]
    deleted: tuple[str, ...]
    boxes: dict[str, tuple[int, int]]

    @property
    def is_same(self) -> bool:
        """Return whether both exports hold the same."""
        return not (self.changed or self.added or self.deleted or self.boxes)


def compare_exports(earlier: PreviousExport, later: PreviousExport) -> ExportDifference:
    """Return the difference from the earlier to the later export."""
    before, after = _included(earlier), _included(later)
    return ExportDifference(
        earlier.key,
        later.key,
        changed=_names(
            after[one] for one in before.keys() & after.keys() if _differ(before[one], after[one])
        ),
        added=_names(after[one] for one in after.keys() - before.keys()),
        deleted=_names(before[one] for one in before.keys() - after.keys()),
        boxes=_boxes(earlier, later),
    )


def _included(export: PreviousExport) -> dict[str, ManifestRecord]:
    return {one.image_id: one for one in export.records if not one.result.left_out_by}


def _differ(before: ManifestRecord, after: ManifestRecord) -> bool:
    return (before.md5, before.file_name) != (after.md5, after.file_name)


def _names(records: Iterable[ManifestRecord]) -> tuple[str, ...]:
    return tuple(sorted(one.file_name for one in records))


def _boxes(earlier: PreviousExport, later: PreviousExport) -> dict[str, tuple[int, int]]:
    """Count by label number, because a label's number never changes and its name may."""
    names = {**dict(enumerate(earlier.head.categories)), **dict(enumerate(later.head.categories))}
    was, now = dict(enumerate(earlier.head.boxes)), dict(enumerate(later.head.boxes))
    return {
        name: (was.get(place, 0), now.get(place, 0))
        for place, name in names.items()
        if was.get(place, 0) != now.get(place, 0)
    }
