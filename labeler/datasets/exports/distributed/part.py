"""A part: what one worker makes of one shard. A function of the shard and of the documents.

For COCO, a part holds the lines of the images, of the boxes and of the manifest, as the whole file
has them, except that boxes are numbered from 1 within the part, and that names which several images
share are not made unique yet. The second step, `finish_part`, does both once all parts are known.
For other formats, a part holds one record per image, which a writer takes in place of the document.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from typing import Any

from labeler.datasets.exports.distributed.plan import (
    ExportPlan,
    find_json,
    find_plan,
    put_named,
    put_once,
    read_shard,
)
from labeler.datasets.exports.image import ImageExport, export_image
from labeler.datasets.exports.read import read_documents
from labeler.datasets.formats.coco_writer import annotation_line, image_line, renumbered
from labeler.datasets.formats.writing import ImageFacts
from labeler.datasets.manifest import dump_record, parse_records
from labeler.datasets.rules import ExportBox, ExportRules
from labeler.errors import NotFound, UnknownLabels
from labeler.storage import Store


def part_key(prefix: str, index: int) -> str:
    """Return the key of the part's result. It is written last and once."""
    return f"{prefix}part-{index:06d}.json"


def finished_key(prefix: str, index: int) -> str:
    """Return the key of the result of the part's second step."""
    return f"{prefix}finished-{index:06d}.json"


def make_part(store: Store, prefix: str, index: int) -> None:
    """Make the part unless it is there. Any number of attempts give one result."""
    key = part_key(prefix, index)
    if find_json(store, key) is not None:
        return
    plan = find_plan(store, prefix)
    if plan is None:
        raise NotFound(f"There is no {prefix}plan.json: the export has ended.")
    texts, boxes, unknown = _texts(store, plan, prefix, index)
    result: dict[str, Any] = {
        "images": len(texts["images"]),
        "boxes": boxes,
        "unknown": unknown,
        "objects": {
            name: put_named(store, f"{prefix}{name}-{index:06d}", b"".join(lines))
            for name, lines in texts.items()
            if lines
        },
    }
    put_once(store, key, json.dumps(result).encode())


def _texts(
    store: Store, plan: ExportPlan, prefix: str, index: int
) -> tuple[dict[str, list[bytes]], dict[int, int], list[str]]:
    """Return the lines of each kind, the boxes by label, and the labels that the set lacks."""
    rules = ExportRules(plan.labels, plan.selection)
    lines = _Lines(plan.keeps_records)
    for one in _images(store, rules, prefix, index):
        lines.add(one)
    try:
        rules.check()
    except UnknownLabels as error:
        return lines.texts, lines.boxes, list(error.names)
    return lines.texts, lines.boxes, []


def _images(store: Store, rules: ExportRules, prefix: str, index: int) -> Iterator[ImageExport]:
    targets = read_shard(store, prefix, index)
    documents = read_documents(store, [one for _, one in targets if one.version])
    for number, listed in targets:
        made = export_image(rules, number, listed, next(documents) if listed.version else None)
        if made is not None:
            yield made


@dataclass(slots=True)
class _Lines:
    """The lines of a part."""

    keeps_records: bool
    texts: dict[str, list[bytes]] = field(
        default_factory=lambda: {"images": [], "lines": [], "sources": [], "records": []}
    )
    boxes: Counter[int] = field(default_factory=Counter)
    number: int = 0

    def add(self, one: ImageExport) -> None:
        """Add an image as the whole file will hold it."""
        record = one.record
        if self.keeps_records:
            self.texts["records"].append(dump_image(one))
            return
        self.texts["sources"].append(dump_record(record) + b"\n")
        result = record.result
        if result.left_out_by:
            return
        line = image_line(record.number, record.file_name, result.width, result.height)
        self.texts["images"].append(f"{line},\n".encode("ascii"))
        for box in one.boxes:
            self.number += 1
            self.boxes[box.category] += 1
            self.texts["lines"].append(
                f"{annotation_line(self.number, record.number, box)},\n".encode("ascii")
            )


def dump_image(one: ImageExport) -> bytes:
    """Return an image as a line of a part."""
    beside = json.dumps([one.boxes, astuple(one.facts)])
    return dump_record(one.record) + b"\t" + beside.encode() + b"\n"


def load_image(line: bytes, key: str) -> ImageExport:
    """Return the image in a line of a part."""
    row, _, beside = line.rstrip(b"\n").partition(b"\t")
    boxes, facts = json.loads(beside)
    (record,) = parse_records([row], key)
    return ImageExport(record, [ExportBox(*box) for box in boxes], ImageFacts(*facts))


# --- the second step -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Repair:
    """What a part's lines need so that they fit the others.

    `first` is the number of the part's first box. `names` are the names of images that share theirs
    with an earlier image, by number. The last image and the last box of the file have no comma.
    """

    first: int
    names: dict[str, str]
    ends_images: bool
    ends_boxes: bool


def join_key(prefix: str) -> str:
    """Return the key of the repairs of all parts."""
    return f"{prefix}join.json"


def finish_part(store: Store, prefix: str, index: int) -> None:
    """Repair the part's lines unless that is done. Any number of attempts give one result."""
    key = finished_key(prefix, index)
    if find_json(store, key) is not None:
        return
    joined, part = find_json(store, join_key(prefix)), find_json(store, part_key(prefix, index))
    if joined is None or part is None:
        raise NotFound(f"There is no {join_key(prefix)}: the export has ended.")
    repair = Repair(*joined[index])
    objects: dict[str, str] = {
        name: one for name, one in part["objects"].items() if name in ("images", "lines")
    }
    if "images" in objects and (repair.names or repair.ends_images):
        data = _with_names(store.read(objects["images"])[0], repair)
        objects["images"] = put_named(store, f"{prefix}images-{index:06d}", data)
    if "lines" in objects and (repair.first != 1 or repair.ends_boxes):
        lines = store.read(objects["lines"])[0].removesuffix(b"\n").split(b"\n")
        text = b"\n".join(renumbered(lines, repair.first)) + b"\n"
        data = text.removesuffix(b",\n") if repair.ends_boxes else text
        objects["lines"] = put_named(store, f"{prefix}lines-{index:06d}", data)
    put_once(store, key, json.dumps(objects).encode())


def _with_names(data: bytes, repair: Repair) -> bytes:
    if repair.names:
        lines = data.splitlines(keepends=True)
        for place, line in enumerate(lines):
            image = json.loads(line.removesuffix(b",\n"))
            name = repair.names.get(str(image["id"]))
            if name is not None:
                text = image_line(image["id"], name, image["width"], image["height"])
                lines[place] = f"{text},\n".encode("ascii")
        data = b"".join(lines)
    return data.removesuffix(b",\n") if repair.ends_images else data
