"""Numbers of boxes and images per label, for any label set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from labeler.model.document import AnnotationDocument
from labeler.model.labels import Label, LabelSet, label_key


class Count(NamedTuple):
    """The number of a label's boxes, and of images with at least one of them."""

    boxes: int = 0
    images: int = 0


class LabelCounts:
    """Counts the labels that are stored with boxes, so edits of the label set keep it right.

    Its memory grows by some 100 bytes for each distinct combination of labels in an image.
    """

    def __init__(self) -> None:
        self.images = 0
        self._boxes: Counter[str] = Counter()
        self._texts: dict[str, str] = {}
        self._bits: dict[str, int] = {}
        self._images: Counter[int] = Counter()
        """Numbers of images by their set of labels, one bit per label."""
        self._grouped: dict[str, tuple[LabelSet, dict[int, Count]]] = {}
        """The last results, because a page asks repeatedly."""

    def add(self, document: AnnotationDocument) -> None:
        """Count the boxes of one image."""
        found = 0
        for rect in document.rects:
            key = label_key(rect.label)
            self._boxes[key] += 1
            if key not in self._bits:
                self._bits[key] = len(self._bits)
                self._texts[key] = rect.label
            found |= 1 << self._bits[key]
        self._images[found] += 1
        self.images += 1
        self._grouped.clear()

    def counted(self, labels: LabelSet) -> dict[int, Count]:
        """Boxes and images by label number, merged labels and former names included."""
        return self._by_number("counted", labels, labels.find)

    def own(self, labels: LabelSet) -> dict[int, Count]:
        """Boxes and images by label number, as if no label were merged."""
        return self._by_number("own", labels, labels.named)

    def unknown(self, labels: LabelSet) -> dict[str, int]:
        """The boxes per label that the set lacks; the most frequent label first."""
        return {
            self._texts[key]: boxes
            for key, boxes in self._boxes.most_common()
            if labels.find(key) is None
        }

    def _by_number(
        self, kind: str, labels: LabelSet, owner: Callable[[str], Label | None]
    ) -> dict[int, Count]:
        last = self._grouped.get(kind)
        if last is not None and last[0] == labels:
            return last[1]
        numbers: dict[int, int] = {}
        boxes: Counter[int] = Counter()
        for key, bit in self._bits.items():
            label = owner(key)
            if label is not None:
                numbers[bit] = label.number
                boxes[label.number] += self._boxes[key]
        images: Counter[int] = Counter()
        for found, count in self._images.items():
            for number in {numbers[bit] for bit in _bits_of(found) if bit in numbers}:
                images[number] += count
        grouped = {number: Count(boxes[number], images[number]) for number in boxes}
        self._grouped[kind] = labels, grouped
        return grouped


def _bits_of(number: int) -> list[int]:
    bits = []
    while number:
        lowest = number & -number
        bits.append(lowest.bit_length() - 1)
        number ^= lowest
    return bits
