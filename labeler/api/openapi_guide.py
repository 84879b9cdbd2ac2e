"""The calls about the labeling guide."""

from __future__ import annotations

from labeler.api.openapi_parts import (
    CLIENT,
    ETAG,
    MAYBE,
    TEXT,
    Json,
    answered,
    condition,
    errors,
    ref,
)  # fmt: skip
from labeler.model.layout import GUIDE_PICTURES

_GUIDE: Json = {"type": "object", "required": ["text"], "properties": {"text": TEXT}}


def get_guide() -> Json:
    """GET /api/guide"""
    return {
        "operationId": "getGuide",
        "summary": "The labeling guide, as Markdown",
        "description": "Empty and without an ETag where nobody has written one.",
        "responses": {
            "200": answered("The guide.", _GUIDE, ETag=ETAG),
            **errors(400, 401, 403, 500, 503),
        },
    }


def put_guide() -> Json:
    """PUT /api/guide"""
    return {
        "operationId": "putGuide",
        "summary": "Replace the guide in the state that the condition names",
        "parameters": [
            CLIENT,
            condition("If-Match", "The ETag of the state that is replaced; * for whichever it is."),
            condition("If-None-Match", "* stores the first guide."),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {**_GUIDE, "additionalProperties": False}}},
        },
        "responses": {
            "200": answered("Replaced.", _GUIDE, ETag=ETAG),
            "201": answered("Stored for the first time.", _GUIDE, ETag=ETAG),
            "412": answered(
                "Another state is stored. Nothing was saved.",
                {
                    "allOf": [ref("Error")],
                    "required": ["text", "etag"],
                    "properties": {"text": TEXT, "etag": MAYBE},
                },
            ),
            **errors(400, 401, 403, 408, 413, 422, 428, 500, 503),
        },
    }


_NAME: Json = {
    "name": "picture",
    "in": "path",
    "required": True,
    "description": "The file's name in guide/.",
    "schema": TEXT,
}


def add_guide_picture() -> Json:
    """PUT /api/guide/{picture}"""
    answer = {"type": "object", "required": ["picture"], "properties": {"picture": TEXT}}
    bodies: Json = {media_type: {} for media_type in sorted(set(GUIDE_PICTURES.values()))}
    return {
        "operationId": "addGuidePicture",
        "summary": "Add a picture to the guide, which names it as ![](name)",
        "description": "For admins. A picture is never replaced: another one needs another name.",
        "parameters": [CLIENT, _NAME],
        "requestBody": {"required": True, "content": bodies},
        "responses": {
            "200": answered("It was there already.", answer),
            "201": answered("Added.", answer),
            **errors(400, 401, 403, 404, 408, 409, 413, 415, 422, 500, 503),
        },
    }


def show_guide_picture() -> Json:
    """GET /api/guide/{picture}"""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {
        "operationId": "showGuidePicture",
        "summary": "A picture of the guide",
        "parameters": [_NAME],
        "responses": {
            "200": {
                "description": "The picture.",
                "content": dict.fromkeys(sorted(set(GUIDE_PICTURES.values())), binary),
            },
            **errors(400, 401, 403, 404, 503),
        },
    }
