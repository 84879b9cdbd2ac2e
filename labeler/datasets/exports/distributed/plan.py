"""The plan of an export by several machines: all images in the order of numbers, in shards.

    parts/<run>/<attempt>/plan.json          the labels, the selection, the number of shards
    parts/<run>/<attempt>/shard-<n>.jsonl    the images of one shard

Everything under parts/ is written once. A worker that is tried again finds the same names.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from labeler.datasets.exports.scan import ScannedImage
from labeler.datasets.selection import Selection, parse_selection
from labeler.errors import NotFound, VersionConflict
from labeler.model.labels import LabelSet, dump_label_set, parse_label_set
from labeler.storage import ABSENT, Store, list_all

SHARD_IMAGES: Final = 10_000
"""Images that one worker reads at a time; their boxes are in its memory."""

Target = tuple[int, ScannedImage]
"""An image and its number."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """What the workers of one export need to know. `highest` is the highest number given."""

    labels: LabelSet
    selection: Selection
    keeps_records: bool
    """Whether the parts hold records for any format, instead of the texts of a COCO file."""
    shards: int
    highest: int


def write_plan(
    store: Store,
    prefix: str,
    targets: Sequence[Target],
    *,
    labels: LabelSet,
    selection: Selection,
    keeps_records: bool,
    highest: int,
) -> ExportPlan:
    """Store the plan and return it; or return the one that is there already.

    The plan itself comes last, so its shards always exist. If somebody was faster, theirs holds.
    """
    plan = {
        "labels": dump_label_set(labels).decode(),
        "selection": selection.fields(),
        "records": keeps_records,
        "shards": write_shards(store, prefix, targets),
        "highest": highest,
    }
    put_once(store, plan_key(prefix), json.dumps(plan).encode())
    found = find_plan(store, prefix)
    if found is None:
        raise NotFound(f"{plan_key(prefix)} was deleted while the export was made. Export again.")
    return found


def write_shards(store: Store, prefix: str, targets: Sequence[Target]) -> int:
    """Store the images in shards, in this order; return how many shards there are."""
    starts = range(0, len(targets), SHARD_IMAGES)
    for index, start in enumerate(starts):
        lines = map(_dump_target, targets[start : start + SHARD_IMAGES])
        put_once(store, _shard_key(prefix, index), "".join(lines).encode())
    return len(starts)


def plan_key(prefix: str) -> str:
    """Return the key of an attempt's plan: workers begin once it is there."""
    return f"{prefix}plan.json"


def find_plan(store: Store, prefix: str) -> ExportPlan | None:
    """Return the stored plan, None if there is none yet."""
    found = find_json(store, plan_key(prefix))
    if found is None:
        return None
    return ExportPlan(
        parse_label_set(found["labels"].encode()),
        parse_selection(found["selection"]),
        found["records"],
        found["shards"],
        found["highest"],
    )


def read_shard(store: Store, prefix: str, index: int) -> list[Target]:
    """Return the images of that shard."""
    data, _ = store.read(_shard_key(prefix, index))
    return [_load_target(line) for line in data.splitlines()]


# --- objects under parts/ ------------------------------------------------------------------


def put_once(store: Store, key: str, data: bytes) -> None:
    """Write the object unless it is there already: the first worker's result holds."""
    with contextlib.suppress(VersionConflict):
        store.write(key, data, replaces=ABSENT)


def put_named(store: Store, stem: str, data: bytes) -> str:
    """Write the bytes under a name that holds their digest; return the key.

    A second attempt that reads other documents writes beside the first and never over it.
    """
    key = f"{stem}.{hashlib.md5(data).hexdigest()}"
    put_once(store, key, data)
    return key


def find_json(store: Store, key: str) -> Any:
    """Return the value in the object, None if it is not there yet."""
    try:
        return json.loads(store.read(key)[0])
    except NotFound:
        return None


def remove_parts(store: Store, prefix: str) -> None:
    """Delete everything below the prefix. What somebody else deletes meanwhile is not missed."""
    for info in list(list_all(store, prefix)):
        with contextlib.suppress(NotFound, VersionConflict):
            store.delete(info.key, version=info.version)


def _shard_key(prefix: str, index: int) -> str:
    return f"{prefix}shard-{index:06d}.jsonl"


def _dump_target(target: Target) -> str:
    number, one = target
    row = [number, one.image_id, one.version, one.original, one.original_version, one.file_name]
    return f"{json.dumps(row)}\n"


def _load_target(line: bytes) -> Target:
    number, image_id, version, original, original_version, file_name = json.loads(line)
    return number, ScannedImage(image_id, version, original, original_version, file_name)
