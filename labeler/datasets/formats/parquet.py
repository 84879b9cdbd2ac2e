"""Parquet: one row per image, in row groups, with the images themselves on request.

Columns are typed for `datasets` too: with images, it reads `image` as a column of images. The same
data and the same version of pyarrow, which the file names, give the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from labeler.datasets.formats.byte_sink import ByteSink
from labeler.datasets.formats.croissant import Field, RecordSet
from labeler.datasets.formats.image_folder import objects_of, split_of
from labeler.datasets.formats.writing import Dataset, ExportedImage, Layout, SpooledWriter

if TYPE_CHECKING:
    import pyarrow

_ROWS: Final = 1000
"""The most rows in a group. A group has fewer if their originals are large."""
_GROUP_BYTES: Final = 2**24
"""Bytes of originals in memory until their group is written. One more original may be added."""


def _chunks(dataset: Dataset) -> Iterator[bytes]:
    # This import takes half a second. Only this format needs it.
    from pyarrow import parquet

    names = {label.number: label.name for label in dataset.labels.labels}
    schema = _schema(list(names.values()), with_originals=dataset.with_originals)
    sink = ByteSink()
    with parquet.ParquetWriter(sink, schema) as writer:
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
                _write(writer, rows, schema)
                rows, size = [], 0
                yield sink.taken()
        _write(writer, rows, schema)
    yield sink.taken()


def _write(writer: Any, rows: list[dict[str, Any]], schema: pyarrow.Schema) -> None:
    import pyarrow

    if rows:
        writer.write_table(pyarrow.Table.from_pylist(rows, schema))


def _row(image: ExportedImage, names: dict[int, str]) -> dict[str, Any]:
    return {
        "image_id": image.image_id,
        # Parquet rejects a name that is not valid UTF-8.
        "file_name": image.name.encode("utf-8", "replace").decode(),
        "width": image.width,
        "height": image.height,
        "split": split_of(image),
        "status": image.status,
        "objects": objects_of(image, names),
    }


def _schema(labels: list[str], *, with_originals: bool) -> pyarrow.Schema:
    """Return the columns, with the types that `datasets` uses in the metadata."""
    import pyarrow as pa

    text, number = pa.string(), pa.int32()
    objects = pa.struct([
        ("bbox", pa.list_(pa.list_(pa.float64(), 4))),
        ("categories", pa.list_(pa.int64())),
        ("labels", pa.list_(text)),
        ("attributes", pa.list_(text)),
    ])  # fmt: skip
    columns: list[tuple[str, Any]] = [
        ("image_id", text), ("file_name", text), ("width", number), ("height", number),
        ("split", text), ("status", text), ("objects", objects),
    ]  # fmt: skip
    plain = {"_type": "Value", "dtype": "string"}
    features: dict[str, Any] = {
        "image_id": plain, "file_name": plain,
        "width": {"_type": "Value", "dtype": "int32"},
        "height": {"_type": "Value", "dtype": "int32"},
        "split": plain, "status": plain,
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
        Field("bbox", "sc:Float", "objects", "$.bbox", shape="-1,4"),
        Field("categories", "sc:Integer", "objects", "$.categories", shape="-1"),
        Field("labels", "sc:Text", "objects", "$.labels", shape="-1"),
        Field("attributes", "sc:Text", "objects", "$.attributes", shape="-1"),
        Field("image", "sc:ImageObject", "image", "$.bytes", is_original=True),
    )),
)  # fmt: skip
