"""Writes COCO: the project's boxes as one file that every COCO reader accepts.

The same images, label set and selection give the same bytes. No clock is involved. The file is
strict ASCII JSON. Image numbers come from the registry and ascend with gaps. Categories have the
numbers of their labels, 1 to N. Annotations are numbered 1 to M. Boxes have 2 decimals, lie inside
the image as computed in doubles, and are at least 1 px wide and high. No image has the same box
twice (rules.py). Boxes and images that break a rule are left out and reported.

`file_name` is the object's name below uploads/. Two images whose names differ only in case or
extension keep their names, because a reader could not find a renamed file. They are reported, since
some readers take them for one image. If two names are equal (the originals were not kept), the
image ID is put in front to tell them apart.

Each image and each annotation has a line of its own, so the next export can take over unchanged
lines. An export by several machines makes these lines in its parts (exports/distributed/), and a
split export zips such files (coco_zip.py).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import BufferedReader, BytesIO
from json.encoder import encode_basestring_ascii as _text
from typing import IO, BinaryIO, Final, Self

from labeler.datasets.formats.croissant import Field, RecordSet
from labeler.datasets.formats.file_names import UniqueNames
from labeler.datasets.formats.writing import NO_FACTS, ImageFacts, WriteRequest
from labeler.datasets.manifest import ManifestRecord
from labeler.datasets.rules import ExportBox, ExportSummary, SummaryBuilder
from labeler.errors import DamagedExport
from labeler.model.labels import LabelSet
from labeler.runtime.spools import JoinedFile, Spool, open_spool

MAX_NUMBER: Final = 2**31 - 1
REVISION: Final = "2"
"""Names the output format. It changes whenever the same data would give other bytes."""

_CHUNK_BYTES: Final = 2**18
_BATCH: Final = 2000
_IMAGES: Final = b'"images":['
_ANNOTATIONS: Final = b'"annotations":['
_END: Final = b"],"
_CATEGORY: Final = re.compile(
    rb'^\{"id":[0-9]+,"image_id":[0-9]+,"category_id":([0-9]+)', re.MULTILINE
)
_ID: Final = b'{"id":'


class CocoFile:
    """A finished COCO file and the summary of its contents."""

    def __init__(self, parts: Sequence[IO[bytes]], summary: ExportSummary) -> None:
        self._parts = parts
        self.summary = summary
        self.without_original: Sequence[str] = ()

    def stream(self) -> BinaryIO:
        """Return the whole file for reading and seeking."""
        return BufferedReader(JoinedFile(self._parts), _CHUNK_BYTES)

    def chunks(self) -> Generator[bytes]:
        """Yield the file's bytes from the beginning, in chunks of at most 256 KiB."""
        stream = self.stream()
        while chunk := stream.read(_CHUNK_BYTES):
            yield chunk

    def close(self) -> None:
        """Release the bytes. Calling it twice is harmless."""
        for part in self._parts:
            part.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class CocoWriter:
    """Takes one image after another. Its memory grows only by the images' names.

    If the request counts the boxes of a previous file, each of that file's lines is added or left
    out here. Use the writer in a `with`; an unfinished file is then discarded.
    """

    def __init__(self, request: WriteRequest) -> None:
        self.counter = SummaryBuilder()
        self._labels = request.labels
        self._written = request.written
        self._names = UniqueNames(self.counter)
        self._images = _Array()
        self._annotations = _Array()
        self._number = 0
        self._boxes = Counter(dict(enumerate(request.earlier_boxes, start=1)))
        self._is_finished = False

    def add_image(
        self, record: ManifestRecord, boxes: Sequence[ExportBox], facts: ImageFacts = NO_FACTS
    ) -> None:
        """Add the next image, by ascending numbers, with its boxes.

        An image that was left out is only counted.
        """
        self.add_records([record])
        self._add_boxes(record.number, boxes)

    def add_records(self, records: Iterable[ManifestRecord]) -> None:
        """Add the next images, by ascending numbers. The lines of their boxes follow."""
        last = self._number
        lines = []
        for record in records:
            number, result = record.number, record.result
            if not last < number <= MAX_NUMBER:
                raise ValueError(f"image number {number} after {last}")
            last = number
            if not result.left_out_by:
                name = self._names.unique(record.file_name, record.image_id or str(number), number)
                lines.append(image_line(number, name, result.width, result.height) + ",\n")
            self.counter.add(record.file_name, result)
        self._number = last
        self._images.add(lines)

    def add_lines(self, lines: Sequence[bytes]) -> None:
        """Add boxes of the latest images, as lines of the previous file in its order."""
        array = self._annotations
        first = array.count + 1
        lines = renumbered(lines, first)
        array.add_text(b"\n".join(lines) + b"\n", len(lines))

    def leave_out_lines(self, lines: Iterable[bytes]) -> None:
        """Leave out boxes of the previous file that are not in this file."""
        self._boxes.subtract(int(category) for category in _CATEGORY.findall(b"\n".join(lines)))

    def finished(self) -> CocoFile:
        """Return the finished file."""
        head, middle, tail = coco_frame(self.counter.newest, self._labels)
        parts: list[IO[bytes]] = [
            BytesIO(head), self._images.finished(), BytesIO(middle), self._annotations.finished(),
            BytesIO(tail),
        ]  # fmt: skip
        self._is_finished = True
        boxes = {label.name: self._boxes[label.number] for label in self._labels.labels}
        file = CocoFile(parts, self.counter.summary(boxes))
        self._written(file.summary)
        return file

    def _add_boxes(self, image: int, boxes: Sequence[ExportBox]) -> None:
        array, counts = self._annotations, self._boxes
        number = array.count
        lines = []
        for box in boxes:
            number += 1
            counts[box.category] += 1
            lines.append(annotation_line(number, image, box) + ",\n")
        array.add(lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_finished:
            self._images.spool.close()
            self._annotations.spool.close()


def coco_frame(newest: int, labels: LabelSet) -> tuple[bytes, bytes, bytes]:
    """Return the text before the images, between images and annotations, and after those.

    `newest` is the time of the newest save in whole seconds since 1970.
    """
    info = {
        "description": "Labeled boxes, exported by Labeler",
        "version": "1.0",
        "date_created": datetime.fromtimestamp(newest, UTC).isoformat(),
    }
    head = f'{{"info":{json.dumps(info)},\n"licenses":[],\n'
    return (
        head.encode("ascii") + _IMAGES + b"\n",
        b"\n],\n" + _ANNOTATIONS + b"\n",
        b"\n],\n" + categories(labels) + b"}\n",
    )


def renumbered(lines: Sequence[bytes], first: int) -> Sequence[bytes]:
    """Return lines of annotations whose numbers are consecutive, with numbers from `first` on."""
    if lines[0].startswith(b"%b%d," % (_ID, first)):
        return lines
    # If the first and last number have equal length, all have.
    cut, last = lines[0].index(b","), lines[-1].index(b",")
    return [
        b"%b%d%b" % (_ID, number, line[cut if cut == last else line.index(b",") :])
        for number, line in enumerate(lines, first)
    ]


def image_line(number: int, name: str, width: int, height: int) -> str:
    """Return the element of `images` for one image."""
    return f'{{"id":{number},"file_name":{_text(name)},"width":{width},"height":{height}}}'


def annotation_line(number: int, image: int, box: ExportBox) -> str:
    """Return the element of `annotations` for one box. `number` is its ID, `image` the image's."""
    category, left, top, right, bottom, said = box
    width, height = (right - left) / 100, (bottom - top) / 100
    crowd, attributes = _said(said) if said else (0, "")
    return (
        f'{{"id":{number},"image_id":{image},"category_id":{category},'
        f'"bbox":[{left / 100!r},{top / 100!r},{width!r},{height!r}],'
        f'"area":{width * height!r},"iscrowd":{crowd},"segmentation":[]{attributes}}}'
    )


def categories(labels: LabelSet) -> bytes:
    """Return the member `categories`."""
    lines = ",\n".join(
        f'{{"id":{label.number},"name":{json.dumps(label.name)},"supercategory":""}}'
        for label in labels.labels
    )
    return f'"categories":[\n{lines}\n]'.encode("ascii")


def _said(attributes: str) -> tuple[int, str]:
    """Return COCO's crowd flag, and the member for all other attributes; see ExportBox."""
    found = json.loads(attributes)
    crowd = int(found.pop("iscrowd", 0) in (1, True))
    if not found:
        return crowd, ""
    return crowd, f',"attributes":{json.dumps(found, separators=(",", ":"))}'


class _Array:
    """The elements of a JSON array that is being written. A few elements stay in memory."""

    def __init__(self) -> None:
        self.spool = open_spool()
        self.count = 0
        self._batch: list[str] = []

    def add(self, elements: Sequence[str]) -> None:
        """Add elements, each followed by `,` and a line end."""
        self._batch += elements
        self.count += len(elements)
        if len(self._batch) >= _BATCH:
            self._flush()

    def add_text(self, text: bytes, count: int) -> None:
        """Add `count` elements, each followed by `,` and a line end."""
        self._flush()
        self.spool.write(text)
        self.count += count

    def finished(self) -> Spool:
        """Return the text of all elements, without anything after the last one."""
        self._flush()
        if self.count:
            self.spool.truncate(self.spool.tell() - len(",\n"))
        return self.spool

    def _flush(self) -> None:
        self.spool.write("".join(self._batch).encode("ascii"))
        self._batch.clear()


WRITER: Final = CocoWriter
RECORD_SETS: Final = (
    RecordSet("images", (
        Field("id", "sc:Integer", "$.images[*].id"),
        Field("file_name", "sc:Text", "$.images[*].file_name"),
        Field("width", "sc:Integer", "$.images[*].width"),
        Field("height", "sc:Integer", "$.images[*].height"),
    )),
    RecordSet("boxes", (
        Field("id", "sc:Integer", "$.annotations[*].id"),
        Field("image_id", "sc:Integer", "$.annotations[*].image_id"),
        Field("category_id", "sc:Integer", "$.annotations[*].category_id"),
        Field("bbox", "cr:BoundingBox", "$.annotations[*].bbox", box="XYWH"),
        Field("iscrowd", "sc:Integer", "$.annotations[*].iscrowd"),
    )),
    RecordSet("categories", (
        Field("id", "sc:Integer", "$.categories[*].id"),
        Field("name", "sc:Text", "$.categories[*].name"),
    )),
)  # fmt: skip


# --- reading a file of ours ---------------------------------------------------------------


class AnnotationLines:
    """The annotations of a file that CocoWriter made, one per line, read from the beginning."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._blocks = _section(chunks, _ANNOTATIONS)
        self._lines: list[bytes] = []
        self._at = 0

    def take(self, count: int) -> Iterator[Sequence[bytes]]:
        """Yield the next `count` lines, in blocks.

        Each line includes its `,`. Raises DamagedExport if fewer lines are left.
        """
        while count:
            if self._at >= len(self._lines):
                self._lines, self._at = next(self._blocks, []), 0
                if not self._lines:
                    raise DamagedExport("The export has fewer boxes than it was made of.")
            lines = self._lines[self._at : self._at + count]
            if not lines[-1].endswith(b","):
                lines[-1] += b","
            self._at += len(lines)
            count -= len(lines)
            yield lines


def image_names(chunks: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """Yield the number and file name of each image in a file that CocoWriter made.

    Raises DamagedExport if CocoWriter did not make the file.
    """
    for lines in _section(chunks, _IMAGES):
        for line in lines:
            try:
                image = json.loads(line.removesuffix(b","))
                yield int(image["id"]), str(image["file_name"])
            except (ValueError, KeyError, TypeError) as error:
                raise DamagedExport("This is not an export that Labeler made.") from error


def _section(chunks: Iterable[bytes], begin: bytes) -> Iterator[list[bytes]]:
    """Yield the lines from `begin` to the end of its array, in blocks."""
    inside = False
    for lines in _blocks(chunks):
        found = lines
        if not inside:
            if begin not in lines:
                continue
            inside = True
            found = lines[lines.index(begin) + 1 :]
        ended = _END in found
        found = found[: found.index(_END)] if ended else found
        if found and found != [b""]:
            yield found
        if ended:
            return


def _blocks(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    for chunk in chunks:
        lines = (rest + chunk).split(b"\n")
        rest = lines.pop()
        if lines:
            yield lines
    if rest:
        yield [rest]
