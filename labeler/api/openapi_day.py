"""The calls of daily work: claims, reviews, history, trash and statistics."""

from __future__ import annotations

from labeler.api.claims import MOST_NEXT
from labeler.api.openapi_parts import (
    CLIENT,
    ETAG,
    IMAGE_ID,
    IN_THE_WAY,
    MAYBE,
    TEXT,
    Json,
    answered,
    condition,
    errors,
    query,
    ref,
)  # fmt: skip
from labeler.model.assignments import MAX_NAME
from labeler.model.document import Status
from labeler.model.limits import MAX_COMMENT_LENGTH
from labeler.model.reviews import Verdict
from labeler.project.claims import Order
from labeler.project.statistics import Dimension

_STATUS: Json = {"enum": list(Status)}
_ID: Json = {"type": "string", "pattern": IMAGE_ID["schema"]["pattern"]}
_ASKER: Json = {
    **CLIENT,
    "required": False,
    "description": "What the caller claims with: tells its own claims apart.",
}


def look_ahead() -> Json:
    """GET /api/claims"""
    images = {"type": "array", "items": TEXT, "maxItems": MOST_NEXT}
    answer = {"type": "object", "required": ["images"], "properties": {"images": images}}
    return {
        "operationId": "lookAhead",
        "summary": "The images that the caller would be given next, without claiming any",
        "description": "A page fetches them ahead, and prefers them when it claims the next one.",
        "parameters": [
            _ASKER,
            query("after", _ID, "Begin behind this image."),
            query("status", {"type": "array", "items": _STATUS}, "As in claimNext."),
            query("order", {"enum": list(Order)}, "As in claimNext."),
            query("person", {"type": "string", "maxLength": MAX_NAME}, "As in claimNext."),
            query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST_NEXT},
                "1 if not given.",
            ),
        ],
        "responses": {
            "200": answered("Their IDs, the next one first.", answer),
            **errors(400, 401, 403, 503),
        },
    }


def claim_next() -> Json:
    """POST /api/claims"""
    fields = {
        "after": {
            **_ID,
            "type": ["string", "null"],
            "description": "Begin behind this image. The order goes round; this image itself is "
            "not given.",
        },
        "status": {
            "anyOf": [_STATUS, {"type": "array", "items": _STATUS}, {"type": "null"}],
            "description": "Only images in these. Without it those that need work: unlabeled, "
            "in_progress, returned.",
        },
        "order": {
            "enum": [*Order, None],
            "description": "returned (the default): what came back to the caller, then by name.",
        },
        "prefer": {
            "type": ["array", "null"],
            "items": _ID,
            "maxItems": MOST_NEXT,
            "description": "Images that come first, as far as they are free and need work: what "
            "the caller has fetched ahead. With the order returned, what came back to the caller "
            "comes before them.",
        },
    }
    fields["person"] = {
        **MAYBE,
        "maxLength": MAX_NAME,
        "description": "Whose queue it is, where nobody signs in; otherwise it is the caller's.",
    }
    body = {"type": "object", "additionalProperties": False, "properties": fields}
    return {
        "operationId": "claimNext",
        "summary": "The next image that needs work and that nobody else has",
        "description": "It belongs to the caller (the person, and the value of X-Labeler-Client) "
        "until the time in the answer. Who asks the same again gets the same image, while it is "
        "still to be given. Images that are assigned to the caller come first; those that are "
        "assigned to others are not given.",
        "parameters": [CLIENT],
        "requestBody": {"content": {"application/json": {"schema": body}}},
        "responses": {
            "200": answered("The image, and until when it is the caller's.", ref("Claim")),
            "204": {"description": "Nothing is left."},
            **errors(400, 401, 403, 408, 413, 503),
        },
    }


def look_at_claim() -> Json:
    """GET /api/claims/{image_id}"""
    claim = {
        "type": "object",
        "required": ["image_id", "by", "until", "own"],
        "properties": {
            "image_id": TEXT,
            "by": {**MAYBE, "description": "Empty where nobody signs in, null if it is free."},
            "until": MAYBE,
            "own": {"type": "boolean", "description": "Whether it is the caller's own."},
        },
    }
    return {
        "operationId": "lookAtClaim",
        "summary": "Who has the image",
        "parameters": [_ASKER, IMAGE_ID],
        "responses": {
            "200": answered("Who has it, and until when.", claim),
            **errors(400, 401, 403, 404, 503),
        },
    }


def renew_claim() -> Json:
    """PUT /api/claims/{image_id}"""
    return {
        "operationId": "renewClaim",
        "summary": "Have the lease begin anew; claims the image where nobody has it",
        "parameters": [CLIENT, IMAGE_ID],
        "responses": {
            "200": answered("Until when the image is the caller's.", ref("Claim")),
            **errors(400, 401, 403, 404, 408, 409, 413, 503),
        },
    }


def release_claim() -> Json:
    """DELETE /api/claims/{image_id}"""
    return {
        "operationId": "releaseClaim",
        "summary": "Give the image back",
        "parameters": [CLIENT, IMAGE_ID],
        "responses": {
            "204": {"description": "Nobody has it now."},
            **errors(400, 401, 403, 404, 408, 409, 413, 503),
        },
    }


def review_document() -> Json:
    """POST /api/annotations/{image_id}/review"""
    text = {"type": "string", "minLength": 1, "maxLength": MAX_COMMENT_LENGTH}
    comment = {
        "type": "object",
        "additionalProperties": False,
        "required": ["text"],
        "properties": {
            "text": text,
            "rect": {**TEXT, "description": "The id of the box that it is about."},
            "x": {"type": "number", "minimum": 0},
            "y": {"type": "number", "minimum": 0},
        },
        "description": "x and y, in pixels of the image, go together.",
    }
    fields = {"verdict": {"enum": list(Verdict)}, "comment": {"anyOf": [text, comment]}}
    body = {
        "type": "object",
        "additionalProperties": False,
        "required": ["verdict"],
        "properties": fields,
    }
    return {
        "operationId": "reviewDocument",
        "summary": "Approve the image's document, send it back, or reopen it",
        "description": "Needs the reviewer role. An approved document answers every other "
        "change with 409 until it is reopened; then it is done. Who labeled the image and when "
        "(saved_by, saved_at) stays; metadata.review says who decided.",
        "parameters": [CLIENT, IMAGE_ID, STATE],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": answered("The document as stored.", ref("AnnotationDocument"), ETag=ETAG),
            "412": IN_THE_WAY,
            **errors(400, 401, 403, 404, 408, 409, 413, 422, 428, 500, 503),
        },
    }


def assign_image() -> Json:
    """POST /api/annotations/{image_id}/assign"""
    person = {**MAYBE, "minLength": 1, "maxLength": MAX_NAME, "description": "Null for nobody."}
    body = {
        "type": "object",
        "additionalProperties": False,
        "required": ["person"],
        "properties": {"person": person},
    }
    return {
        "operationId": "assignImage",
        "summary": "Put the image into a person's queue, or take it out",
        "description": "For admins. The queue gives a person their own images first, and never "
        "one of somebody else's; anybody can still open it. The person is an e-mail address, or "
        "any name where nobody signs in. If-Match names the document's state; * also takes an "
        "image without a document. Who labeled the image and when stays.",
        "parameters": [CLIENT, IMAGE_ID, STATE],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": answered("So it is stored now.", ref("AnnotationDocument"), ETag=ETAG),
            "412": IN_THE_WAY,
            **errors(400, 401, 403, 404, 408, 409, 410, 413, 422, 428, 500, 503),
        },
    }


def list_versions() -> Json:
    """GET /api/annotations/{image_id}/versions"""
    return {
        "operationId": "listVersions",
        "summary": "The states of the image's document that are kept, the newest first",
        "description": "The first one is the document as it is now. A bucket keeps its versions, a "
        "folder the last 50 states for 90 days. saved_at and saved_by tell of a review if that is "
        "what made the state.",
        "parameters": [IMAGE_ID],
        "responses": {
            "200": answered("The states.", ref("Versions")),
            **errors(400, 401, 403, 404, 503),
        },
    }


def restore_document() -> Json:
    """POST /api/annotations/{image_id}/restore"""
    body = {
        "type": "object",
        "additionalProperties": False,
        "required": ["version"],
        "properties": {"version": TEXT},
    }
    return {
        "operationId": "restoreDocument",
        "summary": "Bring the image's document back to what it was, byte for byte",
        "description": "It becomes a new version. An approved or returned state needs the "
        "reviewer role.",
        "parameters": [CLIENT, IMAGE_ID, STATE],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": answered("The document as stored.", ref("AnnotationDocument"), ETag=ETAG),
            "412": IN_THE_WAY,
            **errors(400, 401, 403, 404, 408, 409, 413, 428, 500, 503),
        },
    }


def delete_image() -> Json:
    """DELETE /api/images/{image_id}"""
    return {
        "operationId": "deleteImage",
        "summary": "Move the image and its document into the trash",
        "description": "For admins. It can be restored for 30 days. Until then calls that read or "
        "change it answer 410. If-Match names the document's state; an image without a document "
        "takes *.",
        "parameters": [CLIENT, IMAGE_ID, STATE],
        "responses": {
            "204": {"description": "It is in the trash."},
            "412": IN_THE_WAY,
            **errors(400, 401, 403, 404, 408, 409, 410, 413, 428, 500, 503),
        },
    }


def restore_image() -> Json:
    """POST /api/images/{image_id}/restore"""
    return {
        "operationId": "restoreImage",
        "summary": "Bring an image back from the trash, as it was",
        "description": "For admins. An image that is in the project already stays as it is.",
        "parameters": [CLIENT, IMAGE_ID],
        "responses": {
            "200": answered("It is in the project again.", ref("RestoredImage")),
            **errors(400, 401, 403, 404, 408, 409, 413, 500, 503),
        },
    }


def count_images() -> Json:
    """GET /api/statistics"""
    names = "|".join(Dimension)
    return {
        "operationId": "countImages",
        "summary": "How many images and boxes there are, by label, person and more",
        "description": "Each row counts one combination of what `by` names. Person and day are who "
        "labeled the image and when, in UTC, and null for images that nobody has worked on; a "
        "reviewer's correction changes neither. `assigned` is in whose queue it is. By label, "
        "an image counts once for each of its labels; by warning, once for each of its warnings; "
        "never by both. `uncounted` images have labels or warnings that were not looked at yet: "
        "the next call goes on with them.",
        "parameters": [
            query(
                "by",
                {"type": "string", "pattern": f"^(({names})(,({names}))*)?$"},
                "What is told apart, with commas between. Without it there is one row for all.",
            )
        ],
        "responses": {
            "200": answered("The counts.", ref("Statistics")),
            **errors(400, 401, 403, 500, 503),
        },
    }


STATE: Json = condition("If-Match", "The ETag of the state that is meant; * for whichever it is.")
