"""The calls that list images and their boxes."""

from __future__ import annotations

from labeler.api.box_pages import DEFAULT_LIMIT as DEFAULT_BOXES
from labeler.api.image_pages import DEFAULT_LIMIT
from labeler.api.openapi_parts import IMAGE_ID, TEXT, Json, answered, errors, link, query, ref
from labeler.model.box_warnings import BoxWarning
from labeler.model.document import Status
from labeler.model.limits import MAX_BOX_IMAGES, MAX_BOX_PAGE, MAX_FIND_LENGTH, MAX_PAGE
from labeler.model.review_sample import WHOLE
from labeler.project.image_search import Sort

_DAY: Json = {"type": "string", "format": "date"}
_OFFSET: Json = {"type": "integer", "minimum": 0, "maximum": 999_999_999}


def list_images() -> Json:
    """GET /api/images"""
    return {
        "operationId": "listImages",
        "summary": "The images in the order of their names, page by page",
        "parameters": [*_filters(), *_pages()],
        "responses": {
            "200": {
                **answered("A page of the list.", ref("ImagePage")),
                "links": {"next": link("listImages", {"after": "$response.body#/next"})},
            },
            **errors(400, 401, 403, 404, 503),
        },
    }


def _filters() -> list[Json]:
    """The parameters that say which images."""
    return [
        query("status", {"enum": list(Status)}, "Only images in this status."),
        query(
            "label",
            TEXT,
            "Only images with a box that counts as this label, by its name or a former one, "
            "ignoring case. A page may then hold fewer images than asked for, or none, and "
            "still have a next one.",
        ),
        query(
            "find",
            {"type": "string", "maxLength": MAX_FIND_LENGTH},
            "Only images with this text in their name, or whose name fits it as a whole "
            "if it has a * or ?. Case is ignored.",
        ),
        query(
            "person",
            {"type": "string", "maxLength": MAX_FIND_LENGTH},
            "Only images that this person saved last, or had finished before somebody else "
            "changed them. Case is ignored.",
        ),
        query(
            "assigned",
            {"type": "string", "maxLength": MAX_FIND_LENGTH},
            "Only images in this person's queue; * for anybody's, - for nobody's. Case is ignored.",
        ),
        query(
            "boxes",
            {"type": "string", "pattern": "^([0-9]{1,6}(-([0-9]{1,6})?)?)?$"},
            "Only images with so many boxes: 0, 1-5 or 10-.",
        ),
        query("since", _DAY, "Only images that were last saved on this day in UTC, or later."),
        query("until", _DAY, "Only images that were last saved on this day in UTC, or before."),
        query(
            "warning",
            {"enum": list(BoxWarning)},
            "Only images with a box that is worth a look, or that are worth one themselves.",
        ),
        query(
            "sample",
            {"type": "integer", "minimum": 1, "maximum": WHOLE},
            "Only about so many percent of the images. The IDs decide: it is the same sample "
            "for everybody at every time, and a larger one holds every smaller one.",
        ),
    ]


def _pages() -> list[Json]:
    """The parameters that say which of them, and in which order."""
    return [
        query("after", TEXT, "What `next` of another page said: the images after that one."),
        query("before", TEXT, "What `previous` of another page said: the images before that one."),
        query(
            "around",
            IMAGE_ID["schema"],
            "An image ID: that image, whether it matches or not, with half of `limit` before "
            "it and after it. Only one of after, before, around and offset can be given.",
        ),
        query(
            "offset",
            _OFFSET,
            "The place of the first image among all that match, of which the answer says the "
            "`total`. `unread` images have documents of an older Labeler that were not looked "
            "at yet: the next call goes on with them.",
        ),
        query(
            "sort",
            {"enum": list(Sort)},
            "The order, with offset only: by name, last save, number of boxes, or when the "
            "image came; with - the other way round.",
        ),
        query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MAX_PAGE, "default": DEFAULT_LIMIT},
            "How many images at most.",
        ),
    ]


def find_boxes() -> Json:
    """GET /api/boxes"""
    image_id = IMAGE_ID["schema"]["pattern"].strip("^$")
    pattern = f"^({image_id}(,{image_id}){{0,{MAX_BOX_IMAGES - 1}}})?$"
    return {
        "operationId": "findBoxes",
        "summary": "The boxes of many images in one answer",
        "description": "Images without a document, and damaged ones, are left out.",
        "parameters": [
            _needed("images", {"type": "string", "pattern": pattern}, "Their IDs, with commas.")
        ],
        "responses": {
            "200": answered("The boxes, by image.", ref("BoxPage")),
            **errors(400, 401, 403, 500, 503),
        },
    }


def find_crops() -> Json:
    """GET /api/crops"""
    limit = {"type": "integer", "minimum": 1, "maximum": MAX_BOX_PAGE, "default": DEFAULT_BOXES}
    return {
        "operationId": "findCrops",
        "summary": "The boxes of one label, image by image in the order of names",
        "description": "Only those documents are read that these boxes are in.",
        "parameters": [
            _needed("label", TEXT, "A label, by its name or a former one, ignoring case."),
            query("offset", _OFFSET, "The place of the first box among those of the label."),
            query("limit", limit, "How many boxes at most."),
        ],
        "responses": {
            "200": answered("The boxes, by image.", ref("BoxPage")),
            **errors(400, 401, 403, 500, 503),
        },
    }


def _needed(name: str, schema: Json, description: str) -> Json:
    return {**query(name, schema, description), "required": True}
