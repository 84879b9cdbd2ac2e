"""Parquet: one row per image, in row groups, with the images themselves on request.

Columns are typed for `datasets` too: with images, it reads `image` as a column of images. Names and
types are those that BigQuery loads. The same data and the same version of pyarrow, which the file
names, give the same bytes. Memory is bounded by one row group.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from labeler.datasets.formats.byte_sink import ByteSink
from labeler.datasets.formats.croissant import Field, RecordSet
from labeler.datasets.formats.image_folder import objects_of, split_of
from labeler.datasets.formats.writing import Dataset, ExportedImage, Layout, SpooledWriter

if TYPE_CHECKING:
    import pyarrow

_ROWS: Final = 1000
"""The most rows that are Python objects at a time."""
_GROUP_ROWS: Final = 100_000
"""The most rows in a group. Readers skip and share out whole groups, so few large ones are best."""
_GROUP_BYTES: Final = 2**24
"""Bytes of columns in memory until their group is written. The rows of one step may be added."""


def _chunks(dataset: Dataset) -> Iterator[bytes]:
    # This import takes half a second. Only this format needs it.
    from pyarrow import parquet

    names = {label.number: label.name for label in dataset.labels.labels}
    schema = _schema(list(names.values()), with_originals=dataset.with_originals)
    sink = ByteSink()
    with parquet.ParquetWriter(sink, schema) as writer:
        for group in _groups(_tables(dataset, names, schema)):
            writer.write_table(group, _GROUP_ROWS)
            yield sink.taken()
    yield sink.taken()


def _groups(tables: Iterable[pyarrow.Table]) -> Iterator[pyarrow.Table]:
    """Yield the rows again, in tables that are row groups."""
    import pyarrow

    held: list[pyarrow.Table] = []
    for table in tables:
        if held and sum(one.num_rows for one in [*held, table]) > _GROUP_ROWS:
            yield pyarrow.concat_tables(held)
            held = []
        held.append(table)
        if sum(one.nbytes for one in held) >= _GROUP_BYTES:
            yield pyarrow.concat_tables(held)
            held = []
    if held:
        yield pyarrow.concat_tables(held)


def _tables(
    dataset: Dataset, names: dict[int, str], schema: pyarrow.Schema
) -> Iterator[pyarrow.Table]:
    """Yield the rows in small tables: as Python objects, they take many times their size."""
    import pyarrow

    rows: list[dict[str, Any]] = []
    size = 0
    for image in dataset.images():
        row = _row(image, names)
        if dataset.with_originals:
            original = dataset.original(image)
            row["image"] = (
                None if original is None else {"bytes": original, "path": row["file_name"]}
            )
            size += len(original or b"")
        rows.append(row)
        if len(rows) >= _ROWS or size >= _GROUP_BYTES:
            yield pyarrow.Table.from_pylist(rows, schema)
            rows, size = [], 0
    if rows:
        yield pyarrow.Table.from_pylist(rows, schema)


def _row(image: ExportedImage, names: dict[int, str]) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        "file_name": _text(image.name),
        "width": image.width,
        "height": image.height,
        "split": split_of(image),
        "status": image.status,
        "saved_at": _time(image.saved_at),
        "saved_by": _text(image.saved_by) or None,
        "labeled_at": _time(image.labeled_at),
        "labeled_by": _text(image.labeled_by) or None,
        "reviewed_by": _text(image.reviewed_by) or None,
        "verdict": _text(image.verdict) or None,
        "objects": objects_of(image, names),
    }


def _time(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _text(text: str) -> str:
    """Return the text in a form that Parquet takes: valid UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _schema(labels: list[str], *, with_originals: bool) -> pyarrow.Schema:
    """Return the columns, with the types that `datasets` uses in the metadata."""
    import pyarrow as pa

    text, number, time = pa.string(), pa.int32(), pa.timestamp("us", tz="UTC")
    objects = pa.struct([
        ("bbox", pa.list_(pa.list_(pa.float64(), 4))),
        ("categories", pa.list_(pa.int64())),
        ("labels", pa.list_(text)),
        ("attributes", pa.list_(text)),
    ])  # fmt: skip
    columns: list[tuple[str, Any]] = [
        ("image_id", text), ("file_name", text), ("width", number), ("height", number),
        ("split", text), ("status", text), ("saved_at", time), ("saved_by", text),
        ("labeled_at", time), ("labeled_by", text), ("reviewed_by", text), ("verdict", text),
        ("objects", objects),
    ]  # fmt: skip
    plain = {"_type": "Value", "dtype": "string"}
    moment = {"_type": "Value", "dtype": "timestamp[us, tz=UTC]"}
    features: dict[str, Any] = {
        "image_id": plain, "file_name": plain,
        "width": {"_type": "Value", "dtype": "int32"},
        "height": {"_type": "Value", "dtype": "int32"},
        "split": plain, "status": plain,
        "saved_at": moment, "saved_by": plain, "labeled_at": moment, "labeled_by": plain,
        "reviewed_by": plain, "verdict": plain,
        "objects": {
            "bbox": _listed({**_listed({"_type": "Value", "dtype": "float64"}), "length": 4}),
            "categories": _listed({"_type": "ClassLabel", "names": labels}),
            "labels": _listed(plain),
            "attributes": _listed(plain),
        },
    }  # fmt: skip
    if with_originals:
        columns.append(("image", pa.struct([("bytes", pa.binary()), ("path", text)])))
        features["image"] = {"_type": "Image"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(columns, metadata)


def _listed(feature: dict[str, Any]) -> dict[str, Any]:
    return {"_type": "Sequence", "feature": feature}


WRITER: Final = partial(SpooledWriter, Layout(_chunks))
RECORD_SETS: Final = (
    RecordSet("images", (
        Field("image_id", "sc:Text", "image_id"),
        Field("file_name", "sc:Text", "file_name"),
        Field("width", "sc:Integer", "width"),
        Field("height", "sc:Integer", "height"),
        Field("split", "sc:Text", "split"),
        Field("status", "sc:Text", "status"),
        Field("saved_at", "sc:DateTime", "saved_at"),
        Field("saved_by", "sc:Text", "saved_by"),
        Field("labeled_at", "sc:DateTime", "labeled_at"),
        Field("labeled_by", "sc:Text", "labeled_by"),
        Field("reviewed_by", "sc:Text", "reviewed_by"),
        Field("verdict", "sc:Text", "verdict"),
        Field("bbox", "sc:Float", "objects", "$.bbox", shape="-1,4"),
        Field("categories", "sc:Integer", "objects", "$.categories", shape="-1"),
        Field("labels", "sc:Text", "objects", "$.labels", shape="-1"),
        Field("attributes", "sc:Text", "objects", "$.attributes", shape="-1"),
        Field("image", "sc:ImageObject", "image", "$.bytes", is_original=True),
    )),
)  # fmt: skip
