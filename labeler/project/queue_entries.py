"""The images that the queue looks for among all: what came back, and what is assigned to people."""

from __future__ import annotations

from collections import defaultdict

from labeler.model.document import Status
from labeler.project.image_entry import ImageEntry


class QueueEntries:
    """Returned images by ID, and assigned ones by person; a RunningCount, but it keeps entries."""

    def __init__(self) -> None:
        self.returned: dict[str, ImageEntry] = {}
        self.assigned: defaultdict[str, dict[str, ImageEntry]] = defaultdict(dict)

    def is_sure_of(self, _: ImageEntry) -> bool:
        return True

    def add(self, entry: ImageEntry, times: int = 1) -> None:
        for kept in self._places(entry):
            if times > 0:
                kept[entry.image_id] = entry
            else:
                kept.pop(entry.image_id, None)

    def _places(self, entry: ImageEntry) -> list[dict[str, ImageEntry]]:
        places = [self.returned] if entry.status is Status.RETURNED else []
        return [*places, self.assigned[entry.assigned_to]] if entry.assigned_to else places
