"""The images that the queue looks for among all: what came back, and what is assigned to people."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from labeler.model.document import Status
from labeler.project.image_entry import ImageEntry

_RETURNED: Final = Status.RETURNED


class QueueEntries:
    """Returned images by ID, and assigned ones by person; a RunningCount, but it keeps entries."""

    def __init__(self) -> None:
        self.returned: dict[str, ImageEntry] = {}
        self.assigned: defaultdict[str, dict[str, ImageEntry]] = defaultdict(dict)

    def is_sure_of(self, _: ImageEntry) -> bool:
        return True

    def add(self, entry: ImageEntry, times: int = 1) -> None:
        if entry.status is _RETURNED:
            _keep(self.returned, entry, times)
        if entry.assigned_to:
            _keep(self.assigned[entry.assigned_to], entry, times)


def _keep(kept: dict[str, ImageEntry], entry: ImageEntry, times: int) -> None:
    if times > 0:
        kept[entry.image_id] = entry
    else:
        kept.pop(entry.image_id, None)
