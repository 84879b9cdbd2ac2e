"""CSV: one row per box, and one row with empty box fields for each image without boxes.

A spreadsheet runs a text that begins with `=`, `+`, `-` or `@` as a formula. Such a text gets an
apostrophe in front. A text that begins with an apostrophe gets another one. A reader that removes
one leading apostrophe from each text therefore gets the original names back.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from labeler.datasets.formats.croissant import Field, RecordSet
from labeler.datasets.formats.writing import Dataset, ExportedImage, Layout, SpooledWriter
from labeler.datasets.rules import ExportBox

COLUMNS: Final = (
    "image_id", "file_name", "image_width", "image_height", "split", "status",
    "label_number", "label", "left", "top", "width", "height", "attributes",
)  # fmt: skip
_FORMULA: Final = tuple("=+-@\t\r\n'＝＋－＠")
_BATCH: Final = 1000


def guard(text: str) -> str:
    """Return the text in a form that no spreadsheet runs; see `unguard`."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def unguard(text: str) -> str:
    """Return the text that was given to `guard`."""
    return text.removeprefix("'")


def _chunks(dataset: Dataset) -> Iterator[bytes]:
    names = {label.number: label.name for label in dataset.labels.labels}
    out = io.StringIO()
    rows = csv.writer(out)  # \r\n and quotes, as RFC 4180 has them
    rows.writerow(COLUMNS)
    for place, image in enumerate(dataset.images()):
        rows.writerows(_rows(image, names))
        if place % _BATCH == _BATCH - 1:
            yield out.getvalue().encode("utf-8", "replace")
            out.seek(0)
            out.truncate()
    yield out.getvalue().encode("utf-8", "replace")


def _rows(image: ExportedImage, names: dict[int, str]) -> Iterable[tuple[object, ...]]:
    of_image = (
        image.image_id, guard(image.name), image.width, image.height, image.part, image.status,
    )  # fmt: skip
    if not image.boxes:
        return [(*of_image, *[""] * (len(COLUMNS) - len(of_image)))]
    return [(*of_image, *_of_box(box, names[box.category])) for box in image.boxes]


def _of_box(box: ExportBox, label: str) -> tuple[object, ...]:
    width, height = (box.right - box.left) / 100, (box.bottom - box.top) / 100
    return (
        box.category, guard(label), box.left / 100, box.top / 100, width, height, box.attributes,
    )  # fmt: skip


WRITER: Final = partial(SpooledWriter, Layout(_chunks))
_TYPES: Final = {
    **dict.fromkeys(("image_width", "image_height", "label_number"), "sc:Integer"),
    **dict.fromkeys(("left", "top", "width", "height"), "sc:Float"),
}
RECORD_SETS: Final = (
    RecordSet("boxes", [Field(one, _TYPES.get(one, "sc:Text"), one) for one in COLUMNS]),
)
