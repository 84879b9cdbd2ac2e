"""The OpenAPI document of the calls, which /api/openapi.json returns.

The documents' schema comes from the models. Rules that no schema can express (a box lies inside its
image, a label has visible text) are descriptions.
"""

from __future__ import annotations

from dataclasses import asdict
from functools import cache

from starlette.requests import Request
from starlette.responses import Response

from labeler import __version__
from labeler.access.policy import ASSERTION_HEADER
from labeler.api.openapi_day import (
    assign_image,
    claim_next,
    count_images,
    delete_image,
    list_versions,
    look_ahead,
    look_at_claim,
    release_claim,
    renew_claim,
    restore_document,
    restore_image,
    review_document,
)
from labeler.api.openapi_guide import add_guide_picture, get_guide, put_guide, show_guide_picture
from labeler.api.openapi_lists import find_boxes, find_crops, list_images
from labeler.api.openapi_parts import (
    CLIENT,
    ETAG,
    IF_NONE_MATCH,
    IMAGE_ID,
    IN_THE_WAY,
    MAYBE,
    PREFER,
    PREFERENCE_APPLIED,
    SAVE,
    TEXT,
    Json,
    added,
    answered,
    condition,
    errors,
    query,
    ref,
    schemas,
)  # fmt: skip
from labeler.api.openapi_sets import (
    export_paths,
    fetch_export,
    run_import,
    write_export,
)
from labeler.api.request_parameters import NAME_HEADER
from labeler.api.responses import ASK_AGAIN, json_answer
from labeler.errors import TooManyCalls
from labeler.images import MEDIA_TYPES
from labeler.model.document_change import CHANGE_TYPE
from labeler.model.limits import (
    AT_ONCE,
    BURST_S,
    LIMITS,
    LONGEST_WAIT_S,
    MAX_CALLS_PER_S,
    MAX_WIDTH,
)


async def answer(_: Request) -> Response:
    """GET /api/openapi.json"""
    return json_answer(document(), cache=ASK_AGAIN)


@cache
def document() -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Labeler",
            "version": __version__,
            "description": "Labeled boxes on images. A document is replaced only by naming the "
            "state that it replaces, so no call overwrites what it has not seen. With "
            "LABELER_AUTH=none nobody needs a token; a wrong one is refused all the same. With "
            "iap, Identity-Aware Proxy's assertion does as well. 403 is for who lacks the role.",
        },
        "x-limits": [asdict(limit) for limit in LIMITS],
        "x-rate": {
            "calls_per_s": MAX_CALLS_PER_S,
            "setting": "LABELER_MAX_CALLS_PER_S",
            "burst_s": BURST_S,
            "longest_wait_s": LONGEST_WAIT_S,
            "status": TooManyCalls.status,
            "code": TooManyCalls.code,
        },
        "x-at-once": [asdict(kind) for kind in AT_ONCE],
        "security": [{}, {"token": []}, {"assertion": []}],
        "paths": _limited(_paths()),
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A short-lived token that a page made. X-Labeler-Token "
                    "takes it as well: Identity-Aware Proxy keeps Authorization for itself.",
                },
                "assertion": {
                    "type": "apiKey",
                    "in": "header",
                    "name": ASSERTION_HEADER,
                    "description": "What Identity-Aware Proxy signs, with LABELER_AUTH=iap.",
                },
                "link": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "token",
                    "description": "A token that opens one image or one export for some minutes.",
                },
            },
        },
    }


def _paths() -> Json:
    return {
        "/api/boxes": {"get": find_boxes()},
        "/api/crops": {"get": find_crops()},
        "/api/images": {"get": list_images(), "post": _add_image()},
        "/api/images/{image_id}": {"get": _show_image(), "delete": delete_image()},
        "/api/images/{image_id}/restore": {"post": restore_image()},
        "/api/annotations/{image_id}": {"get": _get_document(), "put": _put_document()},
        "/api/annotations/{image_id}/versions": {"get": list_versions()},
        "/api/annotations/{image_id}/restore": {"post": restore_document()},
        "/api/annotations/{image_id}/review": {"post": review_document()},
        "/api/annotations/{image_id}/assign": {"post": assign_image()},
        "/api/statistics": {"get": count_images()},
        "/api/claims": {"get": look_ahead(), "post": claim_next()},
        "/api/claims/{image_id}": {
            "get": look_at_claim(),
            "put": renew_claim(),
            "delete": release_claim(),
        },
        "/api/guide": {"get": get_guide(), "put": put_guide()},
        "/api/guide/{picture}": {
            "get": show_guide_picture(),
            "put": add_guide_picture(),
        },
        "/api/labels": {"get": _get_labels(), "put": _put_labels()},
        **export_paths(),
        "/api/exports": {"post": write_export()},
        "/api/exports/{name}": {"get": fetch_export()},
        "/api/imports": {"post": run_import()},
        "/api/health": {"get": _probe("health", "Is this instance alive?", "ok", version=TEXT)},
        "/api/ready": {"get": _ready()},
    }


def _limited(paths: Json) -> Json:
    """The paths; each call that needs a person has a rate."""
    for calls in paths.values():
        for call in calls.values():
            if call.get("security") != []:
                call["responses"] |= errors(TooManyCalls.status)
    return paths


# --- calls --------------------------------------------------------------------------------


def _add_image() -> Json:
    return {
        "operationId": "addImage",
        "summary": "Take an image into the project; the same one again changes nothing",
        "parameters": [
            CLIENT,
            {
                "name": NAME_HEADER,
                "in": "header",
                "required": True,
                "description": "The file's name, percent-encoded as UTF-8.",
                "schema": {
                    "type": "string",
                    "pattern": "^([!-$&-~]|%[2-7][0-9A-Fa-f])+$",
                },
                "example": "street_scene_001.jpg",
            },
        ],
        "requestBody": {
            "required": True,
            "description": "The image's bytes, exactly as in the file.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in ["application/octet-stream", *sorted(set(MEDIA_TYPES.values()))]
            },
        },
        "responses": {
            "200": added("It was there already."),
            "201": added("It is in the project now."),
            **errors(400, 401, 403, 408, 409, 413, 415, 422, 503),
        },
    }


def _show_image() -> Json:
    return {
        "operationId": "showImage",
        "summary": "The image, or a smaller copy of it",
        "security": [{}, {"token": []}, {"assertion": []}, {"link": []}],
        "parameters": [
            IMAGE_ID,
            query(
                "width",
                {"type": "integer", "minimum": 1, "maximum": MAX_WIDTH},
                "At most this many pixels wide. Without it the image is as it was uploaded, "
                "where browsers can show it.",
            ),
            IF_NONE_MATCH,
        ],
        "responses": {
            "200": {
                "description": "The image; it never changes.",
                "headers": {"ETag": ETAG},
                "content": {kind: {} for kind in sorted(set(MEDIA_TYPES.values()))},
            },
            "304": {"description": "The caller has it.", "headers": {"ETag": ETAG}},
            **errors(400, 401, 403, 404, 409, 422, 503),
        },
    }


def _get_document() -> Json:
    return {
        "operationId": "getDocument",
        "summary": "The image's document; 404 where none is stored yet",
        "parameters": [
            IMAGE_ID,
            query("version", TEXT, "What the document was in this version (see /versions)."),
            IF_NONE_MATCH,
        ],
        "responses": {
            "200": {
                **answered("The document.", ref("AnnotationDocument"), ETag=ETAG),
                "links": {"save": SAVE},
            },
            "304": {"description": "The caller has it.", "headers": {"ETag": ETAG}},
            **errors(400, 401, 403, 404, 500, 503),
        },
    }


def _put_document() -> Json:
    return {
        "operationId": "putDocument",
        "summary": "Replace the image's document in the state that the condition names",
        "description": "One of If-Match and If-None-Match: * is needed. Labels are text that can "
        "be seen, boxes lie inside the image, and what the document says about its image "
        "(image_path, image_width, image_height, metadata.content_md5) is what is stored, or "
        "left out and filled in. metadata.image_id, saved_at and saved_by are set here. "
        "Instead of the document, the body may be a change of the state that the condition names.",
        "parameters": [
            CLIENT,
            IMAGE_ID,
            condition("If-Match", "The ETag of the state that is replaced; * for whichever it is."),
            condition("If-None-Match", "* creates the document where none is stored yet."),
            PREFER,
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": ref("WantedDocument")},
                CHANGE_TYPE: {"schema": ref("DocumentChange")},
            },
        },
        "responses": {
            "200": {
                **_saved("Replaced: so it is stored now."),
                "links": {"save": SAVE},
            },
            "201": _saved("Created: so it is stored now."),
            "412": IN_THE_WAY,
            **errors(400, 401, 403, 404, 408, 409, 413, 415, 422, 428, 500, 503),
        },
    }


def _saved(description: str) -> Json:
    more = {"Preference-Applied": PREFERENCE_APPLIED}
    return answered(description, ref("AnnotationDocument"), ETag=ETAG, **more)


def _get_labels() -> Json:
    return {
        "operationId": "getLabels",
        "summary": "The project's labels",
        "description": "The first labels of a project are stored before they are answered. There "
        "is no ETag only where the store refuses writes, and where lost labels were taken from "
        "an export: none is stored then.",
        "parameters": [IF_NONE_MATCH],
        "responses": {
            "200": answered("The labels.", ref("LabelSet"), ETag=ETAG),
            "304": {"description": "The caller has it.", "headers": {"ETag": ETAG}},
            **errors(400, 401, 403, 500, 503),
        },
    }


def _put_labels() -> Json:
    return {
        "operationId": "putLabels",
        "summary": "Replace the project's labels in the state that the condition names",
        "description": "One of If-Match and If-None-Match: * is needed. Every number that there is "
        "stays: a label is archived (retired) or counts as another one (merged_into), it is never "
        "deleted. New numbers follow the highest one. Names and former names are unique ignoring "
        "case; a name that a label had becomes one of its former names.",
        "parameters": [
            CLIENT,
            condition("If-Match", "The ETag of the state that is replaced; * for whichever it is."),
            condition("If-None-Match", "* stores the first labels."),
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref("LabelSet")}},
        },
        "responses": {
            "200": answered("Replaced: so it is stored now.", ref("LabelSet"), ETag=ETAG),
            "201": answered("Stored for the first time.", ref("LabelSet"), ETag=ETAG),
            "412": answered(
                "Another state is stored. Nothing was saved.",
                {
                    "allOf": [ref("Error")],
                    "required": ["labels", "etag"],
                    "properties": {"labels": ref("LabelSet"), "etag": MAYBE},
                },
            ),
            **errors(400, 401, 403, 408, 413, 422, 428, 500, 503),
        },
    }


def _probe(name: str, summary: str, word: str, **more: Json) -> Json:
    schema = {
        "type": "object",
        "required": ["status", *more],
        "properties": {"status": {"const": word}, **more},
    }
    return {
        "operationId": name,
        "summary": summary,
        "security": [],
        "responses": {"200": answered("Yes.", schema)},
    }


def _ready() -> Json:
    count = {"type": "integer", "minimum": 0}
    descriptors = {
        "type": "object",
        "description": "File descriptors of this instance. It is not ready from nine tenths on.",
        "required": ["open", "limit"],
        "properties": {"open": count, "limit": count},
    }
    call = _probe("ready", "Can this instance work?", "ready", descriptors=descriptors)
    told = call["responses"]["200"]["content"]["application/json"]["schema"]["properties"]
    told["index"] = {
        "type": "string",
        "description": "That the database of LABELER_INDEX can't be used: the store answers.",
    }
    call["responses"] |= errors(503)
    return call
