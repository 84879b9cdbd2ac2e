"""Croissant 1.1: describes a dataset to programs that load or list datasets.

A zip contains the description as `croissant.json`. Any other file has the description beside it,
see layout.croissant_key. Labeler does not know the license or the citation; the publisher of the
dataset adds them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from labeler.datasets.formats.zip_manifest import CROISSANT, MANIFEST
from labeler.datasets.rules import ExportSummary

_VERSION: Final = "http://mlcommons.org/croissant/1.1"
_TERMS: Final = (
    "arrayShape", "citeAs", "column", "containedIn", "excludes", "extract", "field", "fileObject",
    "fileProperty", "fileSet", "format", "includes", "isArray", "jsonPath", "key", "md5",
    "recordSet", "references", "regex", "repeated", "replace", "separator", "source",
    "subField", "transform",
)  # fmt: skip
_CONTEXT: Final[dict[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    **{name: f"cr:{name}" for name in _TERMS},
}
_MEDIA_TYPES: Final = {
    "json": "application/json", "jsonl": "application/jsonlines", "md": "text/markdown",
    "txt": "text/plain", "xml": "application/xml", "yaml": "application/yaml",
}  # fmt: skip
_CROISSANT_NAMES: Final = {
    "application/vnd.apache.parquet": "application/x-parquet",
    "application/x-ndjson": "application/jsonlines",
}
"""Media types that Croissant's own tools use beside the registered ones."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a record set, its type, and its location in the file.

    `where` is a column, or a JSONPath that begins with `$`. `inner` is a JSONPath within the value
    there. `shape` is the shape of a list in numpy's notation: `-1` is any length. `box` names the
    order of the four numbers of a bounding box. `is_original` marks a field that only datasets with
    originals have.
    """

    name: str
    data_type: str
    where: str
    inner: str = ""
    shape: str = ""
    box: str = ""
    is_original: bool = False


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Records of one kind in a file, such as its boxes."""

    name: str
    fields: Sequence[Field]


@dataclass(frozen=True, slots=True)
class DescribedFile:
    """A dataset in a single file."""

    name: str
    media_type: str
    sha256: str


def describe_file(
    file: DescribedFile,
    record_sets: Iterable[RecordSet],
    summary: ExportSummary,
    *,
    with_originals: bool,
) -> bytes:
    """Return the description of a single-file dataset, which lies beside it under that name.

    The file is described once per record set, because mlcroissant joins all records that it reads
    from one description as columns of one table.
    """
    media_types = [file.media_type]
    if file.media_type in _CROISSANT_NAMES:
        media_types.append(_CROISSANT_NAMES[file.media_type])
    sets = list(record_sets)
    distribution = [
        {
            "@type": "cr:FileObject", "@id": f"file-{one.name}", "name": file.name,
            "contentUrl": file.name, "encodingFormat": media_types, "sha256": file.sha256,
        }
        for one in sets
    ]  # fmt: skip
    return _dump(summary, distribution, [_record_set(one, with_originals) for one in sets])


def describe_zip(
    files: Iterable[str], originals: Iterable[tuple[str, str]], summary: ExportSummary
) -> bytes:
    """Return the description of an unpacked zip, at its root.

    `files` are the patterns of its texts, see `pattern_of`. `originals` are the patterns of its
    images, each with its media type.
    """
    texts = [(one, _MEDIA_TYPES.get(one.rpartition(".")[2], "text/plain")) for one in files]
    distribution = [
        _file_set(pattern, media_type) for pattern, media_type in sorted({*texts, *originals})
    ]
    return _dump(summary, distribution, [])


def pattern_of(name: str) -> str:
    """Return a pattern for this file and all of its kind in its outermost folder of the zip."""
    top = name.rpartition("/")[0].partition("/")[0]
    folder = f"{top}/" if top else ""
    return f"{folder}*.{name.rpartition('.')[2]}"


def _file_set(pattern: str, media_type: str) -> dict[str, Any]:
    includes = [pattern]
    if "*" in pattern:  # also match the folders below
        folder, slash, files = pattern.rpartition("/")
        includes.append(f"{folder}{slash}**/{files}")
    found: dict[str, Any] = {
        "@type": "cr:FileSet", "@id": pattern, "name": pattern, "includes": includes,
        "encodingFormat": [media_type],
    }  # fmt: skip
    if pattern == "*.json":
        found["excludes"] = [CROISSANT, MANIFEST]
    return found


def _dump(summary: ExportSummary, distribution: Collection[Any], records: Collection[Any]) -> bytes:
    content = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _VERSION,
        "name": "labeler-dataset",
        "description": f"Labeled boxes, exported by Labeler: {summary.images} images, "
        f"{summary.annotations} boxes.",
        "keywords": list(summary.boxes),
        "distribution": distribution,
    }
    if records:
        content["recordSet"] = records
    return json.dumps(content, indent=1).encode() + b"\n"


def _record_set(records: RecordSet, with_originals: bool) -> dict[str, Any]:
    fields = []
    for field in records.fields:
        if field.is_original and not with_originals:
            continue
        by = "jsonPath" if field.where.startswith("$") else "column"
        source: dict[str, Any] = {
            "fileObject": {"@id": f"file-{records.name}"},
            "extract": {by: field.where},
        }
        if field.inner:
            source["transform"] = {"jsonPath": field.inner}
        if field.box:
            source["format"] = field.box
        described: dict[str, Any] = {
            "@type": "cr:Field", "@id": f"{records.name}/{field.name}", "name": field.name,
            "dataType": field.data_type, "source": source,
        }  # fmt: skip
        if field.shape:
            described |= {"isArray": True, "arrayShape": field.shape}
        fields.append(described)
    return {"@type": "cr:RecordSet", "@id": records.name, "name": records.name, "field": fields}
