"""The OpenAPI document of the calls, as /api/openapi.json tells it.

The documents' schema comes from the models; what no schema can say (a box lies inside its image, a
label is text that can be seen) stands in words.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from labeler import __version__
from labeler.api.answers import ASK_AGAIN, json_answer
from labeler.api.bodies import NAME_HEADER
from labeler.api.callers import CLIENT_HEADER
from labeler.api.images import DEFAULT_LIMIT, MAX_LIMIT, MAX_WIDTH
from labeler.images import MEDIA_TYPES
from labeler.models import AnnotationDocument, Status

_Json = dict[str, Any]
_TEXT: Final[_Json] = {"type": "string"}
_MAYBE: Final[_Json] = {"type": ["string", "null"]}
_COUNT: Final[_Json] = {"type": "integer", "minimum": 0}
_PIXELS: Final[_Json] = {"type": "integer", "minimum": 1}
_ETAG: Final[_Json] = {
    "description": "Names this state of the document.",
    "schema": {"type": "string", "pattern": '^"[^"]+"$'},
}


async def answer(_: Request) -> Response:
    """GET /api/openapi.json"""
    return json_answer(document(), cache=ASK_AGAIN)


@cache
def document() -> _Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Labeler",
            "version": __version__,
            "description": "Labelled boxes on images. A document is replaced only by naming the "
            "state that it replaces, so no call overwrites what it has not seen.",
        },
        "security": [{}, {"token": []}],
        "paths": {
            "/api/images": {"get": _list_images(), "post": _add_image()},
            "/api/images/{image_id}": {"get": _show_image()},
            "/api/annotations/{image_id}": {"get": _get_document(), "put": _put_document()},
            "/api/export/coco": {"get": _export_coco()},
            "/api/exports": {"post": _write_export()},
            "/api/exports/{name}": {"get": _fetch_export()},
            "/api/health": {"get": _probe("health", "Is this instance alive?", "ok")},
            "/api/ready": {"get": _ready()},
        },
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A short-lived token that a page of Labeler made.",
                }
            },
        },
    }


# --- calls --------------------------------------------------------------------------------


def _list_images() -> _Json:
    return {
        "operationId": "listImages",
        "summary": "The images in the order of their names, page by page",
        "parameters": [
            _query("status", {"enum": list(Status)}, "Only images in this status."),
            _query(
                "label",
                _TEXT,
                "Only images with a box of this label, ignoring case. A page may then hold fewer "
                "images than asked for, or none, and still have a next one.",
            ),
            _query("after", _TEXT, "What `next` of the page before said."),
            _query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
                "How many images at most.",
            ),
        ],
        "responses": {
            "200": _json("A page of the list.", _ref("ImagePage")),
            **_errors(400, 401, 503),
        },
    }


def _add_image() -> _Json:
    return {
        "operationId": "addImage",
        "summary": "Take an image into the project; the same one again changes nothing",
        "parameters": [
            _CLIENT,
            {
                "name": NAME_HEADER,
                "in": "header",
                "required": True,
                "description": "The file's name, percent-encoded as UTF-8.",
                "schema": {
                    "type": "string",
                    "pattern": "^([!-$&-~]|%[2-7][0-9A-Fa-f])+$",
                    "maxLength": 1000,
                },
                "example": "street_scene_001.jpg",
            },
        ],
        "requestBody": {
            "required": True,
            "description": "The picture's bytes as they are in the file.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ["application/octet-stream", *sorted(set(MEDIA_TYPES.values()))]
            },
        },
        "responses": {
            "200": _json("It was there already.", _ref("AddedImage"), Location=_LOCATION),
            "201": _json("It is in the project now.", _ref("AddedImage"), Location=_LOCATION),
            **_errors(400, 401, 403, 408, 409, 413, 415, 422, 503),
        },
    }


def _show_image() -> _Json:
    return {
        "operationId": "showImage",
        "summary": "The picture, or a smaller copy of it",
        "security": [{}, {"token": []}, {"picture": []}],
        "parameters": [
            _IMAGE_ID,
            _query(
                "width",
                {"type": "integer", "minimum": 1, "maximum": MAX_WIDTH},
                "At most so many pixels wide. Without it the picture is as it was uploaded, "
                "where browsers can show it.",
            ),
            _query("token", _TEXT, "A token for this one picture."),
            _IF_NONE_MATCH,
        ],
        "responses": {
            "200": {
                "description": "The picture; it never changes.",
                "headers": {"ETag": _ETAG},
                "content": {kind: {} for kind in sorted(set(MEDIA_TYPES.values()))},
            },
            "304": {"description": "The caller has it.", "headers": {"ETag": _ETAG}},
            **_errors(400, 401, 404, 409, 422, 503),
        },
    }


def _get_document() -> _Json:
    return {
        "operationId": "getDocument",
        "summary": "The image's document; 404 where none is stored yet",
        "parameters": [_IMAGE_ID, _IF_NONE_MATCH],
        "responses": {
            "200": _json("The document.", _ref("AnnotationDocument"), ETag=_ETAG),
            "304": {"description": "The caller has it.", "headers": {"ETag": _ETAG}},
            **_errors(400, 401, 404, 500, 503),
        },
    }


def _put_document() -> _Json:
    return {
        "operationId": "putDocument",
        "summary": "Replace the image's document in the state that the condition names",
        "description": "One of If-Match and If-None-Match: * is needed. Labels are text that can "
        "be seen, boxes lie inside the image, and what the document says about its picture "
        "(image_path, image_width, image_height, metadata.content_md5) is what is stored, or "
        "left out and filled in. metadata.image_id, saved_at and saved_by are set here.",
        "parameters": [
            _CLIENT,
            _IMAGE_ID,
            _header("If-Match", "The ETag of the state that is replaced; * for whichever it is."),
            _header("If-None-Match", "* creates the document where none is stored yet."),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref("AnnotationDocument")}},
        },
        "responses": {
            "200": _json("Replaced: as it is stored now.", _ref("AnnotationDocument"), ETag=_ETAG),
            "201": _json("Created: as it is stored now.", _ref("AnnotationDocument"), ETag=_ETAG),
            "412": _json(
                "Another state is stored. Nothing was saved.",
                {
                    "allOf": [_ref("Error")],
                    "required": ["document", "etag"],
                    "properties": {
                        "document": {"anyOf": [_ref("AnnotationDocument"), {"type": "null"}]},
                        "etag": _MAYBE,
                    },
                },
            ),
            **_errors(400, 401, 403, 404, 408, 413, 422, 428, 500, 503),
        },
    }


def _export_coco() -> _Json:
    return {
        "operationId": "exportCoco",
        "summary": "The project as a COCO file, made now",
        "responses": {
            "200": _json("The COCO file.", {"type": "object"}),
            **_errors(401, 500, 503),
        },
    }


def _write_export() -> _Json:
    return {
        "operationId": "writeExport",
        "summary": "Write the project's COCO file under exports/",
        "parameters": [_CLIENT],
        "responses": {
            "201": _json("Written.", _ref("Export"), Location=_LOCATION),
            **_errors(401, 403, 500, 503),
        },
    }


def _fetch_export() -> _Json:
    name = "The file's name, as in `object` after exports/."
    return {
        "operationId": "fetchExport",
        "summary": "A file that was written under exports/",
        "parameters": [
            {"name": "name", "in": "path", "required": True, "schema": _TEXT, "description": name}
        ],
        "responses": {
            "200": _json("The COCO file; it never changes.", {"type": "object"}),
            **_errors(401, 404, 503),
        },
    }


def _probe(name: str, summary: str, word: str) -> _Json:
    schema = {
        "type": "object",
        "required": ["status"],
        "properties": {"status": {"const": word}},
    }
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": _json("Yes.", schema)},
    }


def _ready() -> _Json:
    call = _probe("ready", "Can the store be reached?", "ready")
    call["responses"] |= _errors(503)
    return call


# --- parts --------------------------------------------------------------------------------


def _schemas() -> _Json:
    found = AnnotationDocument.model_json_schema(ref_template="#/components/schemas/{model}")
    return {
        **found.pop("$defs"),
        "AnnotationDocument": found,
        "Error": _object(
            error=_object(
                optional={"field": {**_TEXT, "description": "What of the document is wrong."}},
                code=_TEXT,
                message={**_TEXT, "description": "For a person: what happened and what to do."},
            )
        ),
        "AddedImage": _object(image_id=_TEXT, image_path=_TEXT, width=_PIXELS, height=_PIXELS),
        "Image": _object(
            optional={"problem": {**_TEXT, "description": "Why its document can't be opened."}},
            image_id=_TEXT,
            image_path=_TEXT,
            status={"enum": list(Status)},
            rects=_COUNT,
            saved_at=_MAYBE,
            saved_by=_MAYBE,
        ),
        "ImagePage": _object(images={"type": "array", "items": _ref("Image")}, next=_MAYBE),
        "Export": _object(object=_TEXT, images=_COUNT, annotations=_COUNT),
    }


_WORDS: Final = {
    400: "A parameter or header is not well formed.",
    401: "The token is wrong or has run out.",
    403: "The call may come from another site's page.",
    404: "There is no such thing.",
    408: "The body stopped arriving.",
    409: "Another picture has this image ID.",
    413: "Too many bytes or pixels.",
    415: "Not a picture of a type that is taken.",
    422: "Damaged, or against the format: `field` says where.",
    428: "No condition: neither If-Match nor If-None-Match: *.",
    500: "What is stored is damaged, or newer than this program; or a fault.",
    503: "The store can't be used now, or too much is being done at once.",
}


def _errors(*statuses: int) -> _Json:
    return {str(status): _json(_WORDS[status], _ref("Error")) for status in statuses}


def _json(description: str, schema: _Json, **headers: _Json) -> _Json:
    found: _Json = {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
    return found | {"headers": headers} if headers else found


def _object(optional: _Json | None = None, **required: _Json) -> _Json:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def _ref(name: str) -> _Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _query(name: str, schema: _Json, description: str) -> _Json:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _header(name: str, description: str) -> _Json:
    return {"name": name, "in": "header", "description": description, "schema": _TEXT}


_LOCATION: Final[_Json] = {"description": "Where it is.", "schema": _TEXT}
_IF_NONE_MATCH: Final = _header("If-None-Match", "ETags of what the caller has.")
_IMAGE_ID: Final[_Json] = {
    "name": "image_id",
    "in": "path",
    "required": True,
    "description": "The image's ID.",
    "schema": {"type": "string", "pattern": "^[0-9a-z][0-9a-z_-]{0,127}$"},
}
_CLIENT: Final[_Json] = {
    "name": CLIENT_HEADER,
    "in": "header",
    "required": True,
    "description": "Any value. No page of another site can send it.",
    "schema": _TEXT,
    "example": "curl",
}
