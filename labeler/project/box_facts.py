"""What the index tells of the boxes of images: their labels, and what is suspicious about them.

A listing's metadata tells it. The documents of an older Labeler are read, once per version, and as
many in one call as the caller allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, NamedTuple

from labeler.errors import DamagedDocument
from labeler.model.box_warnings import DONE_OR_APPROVED, BoxWarning, count_warnings
from labeler.model.document import parse_document
from labeler.model.labels import LabelSet
from labeler.model.layout import document_key
from labeler.project.image_entry import ImageEntry
from labeler.project.originals import MAX_REMEMBERED
from labeler.runtime.bounded_cache import BoundedCache
from labeler.storage import Store

MAX_DOCUMENTS: Final = 5_000
"""How many documents one call reads, of those whose metadata does not tell enough."""


class _Read(NamedTuple):
    version: str
    labels: Mapping[str, int]
    warnings: Mapping[str, int]


class BoxFacts:
    """The facts of one project's boxes."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read = BoundedCache[str, _Read](max_items=MAX_REMEMBERED)

    def read(self, entries: Sequence[ImageEntry], most: int = MAX_DOCUMENTS) -> int:
        """Read what the metadata of these lacks; how many images are left."""
        unread = [entry for entry in entries if not self.knows(entry)]
        by_key = {document_key(entry.image_id): entry for entry in islice(unread, most)}
        self._read.make_room(2 * len(entries))
        for key, data, _ in self._store.read_many(by_key):
            entry = by_key[key]
            try:
                document = parse_document(data, key)
            except DamagedDocument:
                self._read.put(entry.image_id, _Read(entry.version, {}, {}))
                continue
            labels = Counter(rect.label for rect in document.rects)
            self._read.put(entry.image_id, _Read(entry.version, labels, count_warnings(document)))
        return max(0, len(unread) - most)

    def knows(self, entry: ImageEntry) -> bool:
        """Whether the facts of this image need no reading."""
        if not entry.rects or (entry.labels is not None and entry.warnings is not None):
            return True
        found = self._read.get(entry.image_id)
        return found is not None and found.version == entry.version

    def labels(self, entry: ImageEntry) -> Mapping[str, int]:
        """How many boxes have which stored label; none where that is not known yet."""
        counts = entry.label_counts
        return self._remembered(entry).labels if counts is None else counts

    def warnings(self, entry: ImageEntry, names: LabelNames) -> Mapping[BoxWarning, int]:
        """How many boxes have which warning; a warning about the whole image counts none."""
        if entry.problem:
            return {BoxWarning.DAMAGED: 0}
        if not entry.rects:
            return {BoxWarning.NO_BOXES: 0} if entry.status in DONE_OR_APPROVED else {}
        counts = entry.warning_counts
        told = self._remembered(entry).warnings if counts is None else counts
        found = {BoxWarning(name): count for name, count in told.items() if name in _TOLD}
        unknown = sum(
            boxes for text, boxes in self.labels(entry).items() if not names.is_known(text)
        )
        return found | ({BoxWarning.UNKNOWN_LABEL: unknown} if unknown else {})

    def _remembered(self, entry: ImageEntry) -> _Read:
        found = self._read.get(entry.image_id)
        return found if found is not None and found.version == entry.version else _NOTHING


_NOTHING: Final = _Read("", {}, {})
_TOLD: Final = frozenset({BoxWarning.TINY, BoxWarning.EDGE, BoxWarning.DUPLICATE})


class LabelNames:
    """The names under which labels are counted today, each looked up once."""

    def __init__(self, labels: LabelSet) -> None:
        self.labels = labels
        self._known: dict[str, tuple[str, bool]] = {}

    def name(self, text: str) -> str:
        """The name of the label that the stored text means."""
        return self._look_up(text)[0]

    def is_known(self, text: str) -> bool:
        """Whether the label is in the set."""
        return self._look_up(text)[1]

    def joined(self, counts: Mapping[str, int]) -> Iterator[tuple[str, int]]:
        """Each label of an image with its boxes; former names and merged labels are joined."""
        found: Counter[str] = Counter()
        for text, boxes in counts.items():
            found[self.name(text)] += boxes
        yield from found.items()

    def _look_up(self, text: str) -> tuple[str, bool]:
        found = self._known.get(text)
        if found is None:
            label = self.labels.find(text)
            found = self._known[text] = (label.name if label else text, label is not None)
        return found
