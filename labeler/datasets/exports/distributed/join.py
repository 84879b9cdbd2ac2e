"""Joins the parts of an export to one file, by composing objects.

The joining process reads the lines of the manifest, one after another, and no box. Its memory grows
only by the images' names, as that of an export by one machine.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, Self

from labeler.datasets.exports.distributed.part import join_key
from labeler.datasets.exports.distributed.plan import put_named, put_once
from labeler.datasets.formats.coco_writer import coco_frame
from labeler.datasets.formats.file_names import UniqueNames
from labeler.datasets.manifest import ManifestHead, ManifestRecord, dump_head, parse_records
from labeler.datasets.rules import ExportSummary, SummaryBuilder
from labeler.errors import VersionConflict
from labeler.model.labels import LabelSet
from labeler.storage import ABSENT, MAX_PARTS, Store


@dataclass(frozen=True, slots=True)
class Part:
    """The result of one part: how many images and boxes it has, and its objects by kind."""

    images: int
    boxes: Mapping[int, int]
    unknown: Sequence[str]
    objects: Mapping[str, str]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Part:
        """Return the result as it was stored."""
        boxes = {int(label): count for label, count in found["boxes"].items()}
        return cls(found["images"], boxes, found["unknown"], found["objects"])


@dataclass(slots=True)
class JoinedExport:
    """A COCO file that lies in the store as parts; see DatasetFile."""

    store: Store
    key: str
    summary: ExportSummary
    without_original: Sequence[str] = ()

    def chunks(self) -> Generator[bytes, None, None]:
        """Yield the bytes from the beginning."""
        with self.store.open(self.key) as chunks:
            yield from chunks

    def stream(self) -> BinaryIO:
        """Not needed: the file is composed where it lies."""
        raise TypeError("a joined export is composed, not copied")

    def close(self) -> None:
        """Nothing is held; the parts are deleted at the end of the engine's run."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class JoinedManifest:
    """A manifest that lies in the store as parts; see ManifestWriter."""

    store: Store
    prefix: str
    sources: Sequence[str]
    looked_at: int

    def compose(self, head: ManifestHead) -> str:
        """Return the key of the whole manifest."""
        first = put_named(self.store, f"{self.prefix}head", dump_head(head))
        return compose_all(self.store, f"{self.prefix}manifest", [first, *self.sources])

    def close(self) -> None:
        """Nothing is held; the parts are deleted with the export."""


@dataclass(slots=True)
class Names:
    """What the manifest's lines tell of the whole file: the summary, and names to be changed."""

    counter: SummaryBuilder
    changed: list[dict[str, str]]
    looked_at: int = 0


def read_names(store: Store, parts: Sequence[Part]) -> Names:
    """Read the records of all parts in their order."""
    names = Names(SummaryBuilder(), [{} for _ in parts])
    unique = UniqueNames(names.counter)
    for changed, part in zip(names.changed, parts, strict=True):
        for record in _records(store, part):
            names.looked_at += 1
            number, result = record.number, record.result
            if not result.left_out_by:
                name = unique.unique(record.file_name, record.image_id or str(number), number)
                if name != record.file_name:
                    changed[str(number)] = name
            names.counter.add(record.file_name, result)
    return names


def write_repairs(store: Store, prefix: str, parts: Sequence[Part], names: Names) -> None:
    """Store what each part's lines need; see finish_part."""
    last_images = max((at for at, part in enumerate(parts) if part.images), default=-1)
    last_boxes = max((at for at, part in enumerate(parts) if part.boxes), default=-1)
    repairs, first = [], 1
    for at, part in enumerate(parts):
        repairs.append([first, names.changed[at], at == last_images, at == last_boxes])
        first += sum(part.boxes.values())
    put_once(store, join_key(prefix), json.dumps(repairs).encode())


def join_coco(
    store: Store,
    prefix: str,
    finished: Sequence[Mapping[str, str]],
    parts: Sequence[Part],
    names: Names,
    labels: LabelSet,
) -> tuple[JoinedExport, JoinedManifest]:
    """Compose the file of finished parts. The bytes are those of CocoWriter."""
    counts = sum((Counter(part.boxes) for part in parts), Counter[int]())
    boxes = {label.name: counts[label.number] for label in labels.labels}
    frame = [
        put_named(store, f"{prefix}frame-{place}", text)
        for place, text in enumerate(coco_frame(names.counter.newest, labels))
    ]
    keys = [
        frame[0],
        *(one["images"] for one in finished if "images" in one),
        frame[1],
        *(one["lines"] for one in finished if "lines" in one),
        frame[2],
    ]
    whole = compose_all(store, f"{prefix}whole", keys)
    sources = [part.objects["sources"] for part in parts if "sources" in part.objects]
    summary = names.counter.summary(boxes)
    return (
        JoinedExport(store, whole, summary),
        JoinedManifest(store, prefix, sources, names.looked_at),
    )


def compose_all(store: Store, key: str, keys: Sequence[str]) -> str:
    """Join any number of objects, in rounds; return the key of the result."""
    level = 0
    while len(keys) > 1:
        groups = [keys[at : at + MAX_PARTS] for at in range(0, len(keys), MAX_PARTS)]
        keys = [
            group[0] if len(group) == 1 else _compose(store, f"{key}-{level}-{place:06d}", group)
            for place, group in enumerate(groups)
        ]
        level += 1
    return keys[0]


def _compose(store: Store, key: str, keys: Sequence[str]) -> str:
    try:
        store.compose(key, keys, replaces=ABSENT)
    except VersionConflict:  # an earlier attempt of this process, of other parts perhaps
        store.compose(key, keys, replaces=store.info(key).version)
    return key


def _records(store: Store, part: Part) -> Iterator[ManifestRecord]:
    key = part.objects.get("sources")
    if key is None:
        return
    with store.open(key) as chunks:
        for lines in _blocks(chunks):
            yield from parse_records(lines, key)


def lines_of(store: Store, key: str) -> Iterator[bytes]:
    """Yield the lines of an object, without their ends."""
    with store.open(key) as chunks:
        for lines in _blocks(chunks):
            yield from lines


def _blocks(chunks: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield lines
    if rest:
        yield [rest]
