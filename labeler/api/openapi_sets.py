"""The OpenAPI description of datasets: exports and imports."""

from __future__ import annotations

from typing import Final

from labeler.api.openapi_parts import (
    CLIENT,
    LOCATION,
    TEXT,
    Json,
    answered,
    errors,
    query,
    ref,
    selection,
)
from labeler.api.request_parameters import NAME_HEADER
from labeler.datasets.formats.registry import DEFAULT, DETECT, EXPORTED, IMPORTED, DatasetFormat
from labeler.datasets.formats.voc import Convention
from labeler.datasets.imports.place import ExistingBoxes
from labeler.datasets.imports.report import IMPORT_STATUSES
from labeler.model.document import Status

LINKED: Final[list[Json]] = [{}, {"token": []}, {"assertion": []}, {"link": []}]
"""A link sends no header: its token stands in the address."""


def export_paths() -> dict[str, Json]:
    """GET /api/export/{format}, for each format"""
    return {f"/api/export/{kind.name}": {"get": _export(kind)} for kind in EXPORTED}


def _export(kind: DatasetFormat) -> Json:
    made = "made now" if kind is DEFAULT else "made while it is sent"
    if kind is DEFAULT:
        file = answered(f"{kind.about}.".capitalize(), {"type": "object"})
    else:
        file = {"description": f"The {kind.suffix[1:]} file.", "content": {kind.media_type: {}}}
    flags = {"enum": ["0", "1", "false", "true"], "default": "0"}
    pictures = query("images", flags, "1: with the images themselves.")
    found: Json = {
        "operationId": f"export{kind.name.capitalize()}",
        "summary": f"The project as {kind.about}, {made}",
        "parameters": [*selection(), *([pictures] if kind.carries_images else [])],
        "responses": {"200": file, **errors(400, 401, 403, 500, 503)},
    }
    return found if kind is DEFAULT else {"security": LINKED, **found}


def write_export() -> Json:
    """POST /api/exports"""
    return {
        "operationId": "writeExport",
        "summary": "Write the project's COCO file under exports/",
        "description": "With a split that names no part, a file for each part is written.",
        "parameters": [CLIENT],
        "requestBody": {
            "required": False,
            "description": "Which images and boxes go in; nothing means all with a result.",
            "content": {"application/json": {"schema": ref("Choice")}},
        },
        "responses": {
            "201": answered("Written.", ref("Export"), Location=LOCATION),
            **errors(400, 401, 403, 408, 413, 500, 503),
        },
    }


def run_import() -> Json:
    """POST /api/imports"""
    flags = {"enum": ["0", "1", "false", "true"], "default": "0"}
    name = {"type": "string", "pattern": "^([!-$&-~]|%[2-7][0-9A-Fa-f])+$"}
    return {
        "operationId": "runImport",
        "summary": "Import a dataset of another program: a file, or a zip with or without images",
        "description": "What is left out is named in the report. An import that was cut off is "
        "sent again and ends the same. With `Accept: application/x-ndjson` the answer begins at "
        "once, with a line of progress (doing, done, total) twice a second; the last line holds "
        "`report`, or `error`.",
        "parameters": [
            CLIENT,
            {
                **query(
                    "format",
                    {"enum": [DETECT, *(kind.name for kind in IMPORTED)]},
                    "The file's format; `auto` has the files tell it.",
                ),
                "required": True,
            },
            query(
                "status",
                {"enum": list(IMPORT_STATUSES), "default": Status.DONE},
                "The status of images whose boxes are all imported; `in_progress` for boxes that "
                "somebody has to check.",
            ),
            query(
                "class_name",
                {"type": "array", "items": TEXT},
                "The names of YOLO's classes from number 0, where the file has none; may be "
                "repeated.",
            ),
            query(
                "existing",
                {"enum": list(ExistingBoxes), "default": ExistingBoxes.KEEP},
                "What happens to images that have boxes already.",
            ),
            query("dry_run", flags, "1: only report what would happen."),
            query(
                "voc",
                {"enum": list(Convention), "default": Convention.AUTO},
                "Whether VOC's numbers count from 0 (labelimg) or from 1 (official).",
            ),
            {
                "name": NAME_HEADER,
                "in": "header",
                "description": "The file's name, percent-encoded as UTF-8, for the report.",
                "schema": name,
                "example": "instances.json",
            },
        ],
        "requestBody": {
            "required": True,
            "description": "The file, a zip, or the file packed by gzip.",
            "content": {
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}
            },
        },
        "responses": {
            "200": answered("What was done, or would be.", ref("ImportReport")),
            **errors(400, 401, 403, 408, 413, 422, 500, 503),
        },
    }


def fetch_export() -> Json:
    """GET /api/exports/{name}"""
    name = (
        "The file's name, as in `object` after exports/; with `.croissant.jsonld` in the place of "
        "its extension, the Croissant description of a file that is no zip."
    )
    file = answered("The file; it never changes.", {"type": ["object", "array"]})
    for kind in EXPORTED:
        file["content"].setdefault(kind.media_type, {})
    file["content"]["application/ld+json"] = {}
    return {
        "operationId": "fetchExport",
        "summary": "A file that was written under exports/",
        "security": LINKED,
        "parameters": [
            {"name": "name", "in": "path", "required": True, "schema": TEXT, "description": name}
        ],
        "responses": {
            "200": file,
            **errors(401, 403, 404, 503),
        },
    }
