"""Counts images by status and boxes by label, from the documents, shard by shard."""

from __future__ import annotations

import json
from collections import Counter

from labeler.datasets.exports.distributed.plan import find_json, put_once, read_shard
from labeler.datasets.exports.read import read_documents
from labeler.model.document import Status
from labeler.storage import Store

DAMAGED = "damaged"
"""Stands for the status of an image whose document can't be opened."""


def counted_key(prefix: str, index: int) -> str:
    """Return the key of a shard's counts."""
    return f"{prefix}counted-{index:06d}.json"


def count_shard(store: Store, prefix: str, index: int) -> None:
    """Count the shard unless that is done. Any number of attempts give one result."""
    key = counted_key(prefix, index)
    if find_json(store, key) is not None:
        return
    statuses: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    listed = [one for _, one in read_shard(store, prefix, index)]
    documents = read_documents(store, [one for one in listed if one.version])
    for one in listed:
        read = next(documents) if one.version else None
        if read is None:
            statuses[Status.UNLABELED] += one.original is not None  # else it was deleted just now
        elif read.document is None:
            statuses[DAMAGED] += 1
        else:
            statuses[read.document.status] += 1
            labels.update(rect.label for rect in read.document.rects)
    put_once(store, key, json.dumps([statuses, labels]).encode())


def sum_counts(store: Store, prefix: str, shards: int) -> tuple[Counter[str], Counter[str]]:
    """Return the images by status and the boxes by the label in the document, of all shards."""
    statuses: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    for index in range(shards):
        found = find_json(store, counted_key(prefix, index))
        statuses.update(found[0])
        labels.update(found[1])
    return statuses, labels
