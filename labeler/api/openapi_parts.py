"""The parts of the OpenAPI document: schemas, parameters, answers."""

from __future__ import annotations

from typing import Any, Final

from labeler.api.authentication import CLIENT_HEADER
from labeler.datasets.formats.registry import IMPORTED
from labeler.datasets.imports.place import ExistingBoxes, PlacedStatus
from labeler.datasets.imports.report import IMPORT_STATUSES
from labeler.datasets.selection import Part
from labeler.model.document import AnnotationDocument, Status
from labeler.model.labels import LabelSet
from labeler.model.limits import MAX_COMMENTS, MAX_LABEL_LENGTH, MAX_LABELS, MAX_VALUES

Json = dict[str, Any]
TEXT: Final[Json] = {"type": "string"}
MAYBE: Final[Json] = {"type": ["string", "null"]}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}
_NUMBER: Final[Json] = {"type": "number"}
_PIXELS: Final[Json] = {"type": "integer", "minimum": 1}
ETAG: Final[Json] = {
    "description": "Names this state of the document.",
    "schema": {"type": "string", "pattern": '^"[^"]+"$'},
}


def schemas() -> Json:
    """The schemas of bodies and answers, by name."""
    return {
        **_document_schemas("AnnotationDocument", ""),
        **_document_schemas("WantedDocument", "Wanted"),
        "DocumentChange": _document_change(),
        **_label_schemas(),
        **_work_schemas(),
        **_dataset_schemas(),
        "Error": _object(
            error=_object(
                optional={"field": {**TEXT, "description": "What of the document is wrong."}},
                code=TEXT,
                message={**TEXT, "description": "For a person: what happened and what to do."},
            )
        ),
        **_image_schemas(),
    }


def _image_schemas() -> Json:
    """Of images, and of pages of images and of their boxes."""
    return {
        "AddedImage": _object(image_id=TEXT, image_path=TEXT, width=_PIXELS, height=_PIXELS),
        "Image": _object(
            optional={"problem": {**TEXT, "description": "Why its document can't be opened."}},
            image_id=TEXT,
            image_path=TEXT,
            status={"enum": list(Status)},
            rects=_COUNT,
            saved_at=MAYBE,
            saved_by=MAYBE,
            labeled_by={**MAYBE, "description": "Whose work it is, whoever saved it last."},
            assigned_to={**MAYBE, "description": "In whose queue it is; null for nobody's."},
            etag={**MAYBE, "description": "Of its document; null where none is stored."},
        ),
        "BoxPage": _object(
            optional={"total": _COUNT, "unread": _COUNT},
            images={
                "type": "array",
                "items": _object(
                    image_id=TEXT,
                    image_path=TEXT,
                    image_width={"type": ["integer", "null"]},
                    image_height={"type": ["integer", "null"]},
                    etag=TEXT,
                    rects={
                        "type": "array",
                        "items": _object(
                            id=TEXT,
                            left=_NUMBER,
                            top=_NUMBER,
                            width=_NUMBER,
                            height=_NUMBER,
                            label=TEXT,
                        ),
                    },
                ),
            },
        ),
        "ImagePage": _object(
            optional={
                "previous": MAYBE,
                "index": {
                    "type": ["integer", "null"],
                    "description": "The place of the first image among all; null if not known yet.",
                },
                "total": {
                    "type": ["integer", "null"],
                    "description": "How many images match; null if not known yet.",
                },
                "unread": {**_COUNT, "description": "How many were not looked at yet."},
                "found": {
                    **_COUNT,
                    "description": "How many images were found so far, where a large project is "
                    "being listed for the first time. This page has the first images then.",
                },
            },
            images={"type": "array", "items": ref("Image")},
            next=MAYBE,
        ),
    }


def _work_schemas() -> Json:
    """Of claims, history, the trash and statistics."""
    return {
        "Versions": _object(
            versions={
                "type": "array",
                "items": _object(
                    version=TEXT,
                    saved_at=MAYBE,
                    saved_by=MAYBE,
                    status={"enum": list(Status)},
                    rects=_COUNT,
                    assigned_to=MAYBE,
                ),
            }
        ),
        "RestoredImage": _object(image_id=TEXT, image_path=TEXT),
        "Statistics": _object(
            images=_COUNT,
            rects=_COUNT,
            by={"type": "array", "items": TEXT},
            counts={
                "type": "array",
                "items": _object(
                    optional=dict.fromkeys(("label", "person", "day", "status", "warning"), MAYBE),
                    images=_COUNT,
                    rects=_COUNT,
                ),
            },
            uncounted=_COUNT,
        ),
        "Claim": _object(
            image_id=TEXT, until={**TEXT, "format": "date-time"}, lease_s={"type": "integer"}
        ),
    }


def _dataset_schemas() -> Json:
    """Of exports and imports."""
    return {
        "ImportReport": _import_report(),
        "Choice": {
            "type": "object",
            "additionalProperties": False,
            "properties": _selection_fields(),
        },
        "Export": _object(
            optional={
                "files": {
                    "type": "array",
                    "items": _object(object=TEXT, images=_COUNT, annotations=_COUNT),
                    "description": "A file for each part of a split; the counts beside it are "
                    "those of all.",
                }
            },
            object=TEXT,
            images=_COUNT,
            annotations=_COUNT,
        ),
    }


def _import_report() -> Json:
    problem = _object(file=TEXT, place=TEXT, reason=TEXT, fault={"type": "boolean"})
    return _object(
        format={"enum": [kind.name for kind in IMPORTED]},
        existing={"enum": list(ExistingBoxes)},
        status={"enum": list(IMPORT_STATUSES)},
        dry_run={"type": "boolean"},
        added_images=_COUNT,
        images=_object(**{outcome.value: _COUNT for outcome in PlacedStatus}),
        boxes={"type": "object", "additionalProperties": _COUNT},
        new_labels={"type": "array", "items": TEXT},
        problem_count=_COUNT,
        faults=_COUNT,
        problems={"type": "array", "items": problem},
    )


def _document_schemas(name: str, prefix: str) -> Json:
    """The schemas of the document and its parts, each name with `prefix` in front.

    More rules apply to a document to store than to a stored one, which is read in any case.
    """
    template = f"#/components/schemas/{prefix}{{model}}"
    document = AnnotationDocument.model_json_schema(ref_template=template)
    parts = document.pop("$defs")
    if prefix:
        rect, metadata = parts["Rect"]["properties"], parts["Metadata"]["properties"]
        rect["left"]["minimum"] = rect["top"]["minimum"] = 0
        rect["label"] |= {"minLength": 1, "maxLength": MAX_LABEL_LENGTH}
        document["properties"]["comments"] = {"maxItems": MAX_COMMENTS}
        metadata["status"] = {"enum": [*Status, None]}
    return {**{f"{prefix}{part}": schema for part, schema in parts.items()}, name: document}


def _document_change() -> Json:
    by_id = {
        "type": "object",
        "description": "By ID: null removes, an object changes what it names. New IDs go to the "
        "end.",
        "additionalProperties": {"type": ["object", "null"]},
    }
    return {
        "type": "object",
        "description": "A merge patch (RFC 7396) of the document in which the lists of rects and "
        "comments are objects by ID. The result has to be a WantedDocument.",
        "properties": {
            "rects": by_id,
            "comments": {**by_id, "type": ["object", "null"]},
            "metadata": {"type": "object"},
        },
    }


def _label_schemas() -> Json:
    labels = LabelSet.model_json_schema(ref_template="#/components/schemas/{model}")
    label = labels.pop("$defs")["Label"]
    label["properties"]["name"] |= {"minLength": 1, "maxLength": MAX_LABEL_LENGTH}
    labels["properties"]["labels"]["maxItems"] = MAX_LABELS
    return {"Label": label, "LabelSet": labels}


_WORDS: Final = {
    400: "A parameter or header is not well formed.",
    401: "The token is wrong or has expired.",
    403: "The call may come from another site's page.",
    404: "There is no such thing.",
    408: "The body arrived too slowly.",
    410: "The image was deleted. It is in the trash.",
    409: "Something else is in the way; `code` and `message` say what.",
    413: "Too many bytes or pixels.",
    415: "Not an image of a supported type.",
    422: "Damaged, or against the format: `field` says where.",
    428: "No condition: neither If-Match nor If-None-Match: *.",
    429: "The caller makes more calls than x-rate allows. Nothing was changed; Retry-After says "
    "when to call again.",
    500: "What is stored is damaged, or newer than this program; or a fault.",
    503: "The store can't be used now, or too much is being done at once.",
}


def errors(*statuses: int) -> Json:
    """The error answers, by status."""
    return {str(status): answered(_WORDS[status], ref("Error")) for status in statuses}


def answered(description: str, schema: Json, **headers: Json) -> Json:
    """A JSON answer."""
    found: Json = {
        "description": description,
        "content": {"application/json": {"schema": schema}},
    }
    return found | {"headers": headers} if headers else found


def _object(optional: Json | None = None, **required: Json) -> Json:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **(optional or {})},
    }


def ref(name: str) -> Json:
    """The schema of that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def link(operation: str, parameters: Json, **more: Any) -> Json:
    """A link to a possible next call, and the values of this call that it uses."""
    return {"operationId": operation, "parameters": parameters, **more}


def added(description: str) -> Json:
    """The answer about an image of the project."""
    image_id = {"image_id": "$response.body#/image_id"}
    return {
        **answered(description, ref("AddedImage"), Location=LOCATION),
        "links": {
            "picture": link("showImage", image_id),
            "document": link("getDocument", image_id),
        },
    }


def query(name: str, schema: Json, description: str) -> Json:
    """A parameter in the address."""
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _selection_fields() -> Json:
    def some(of: Json, description: str) -> Json:
        return {"type": "array", "items": of, "maxItems": MAX_VALUES, "description": description}

    return {
        "status": some({"enum": list(Status)}, "Only images in these; else all with a result."),
        "label": some(TEXT, "Only boxes of these labels, and images that have one."),
        "name": some(TEXT, "Only images whose file name matches one of these: `street/*.jpg`."),
        "image": some(IMAGE_ID["schema"], "Only the images with these IDs."),
        "split": {
            "type": "string",
            "pattern": "^([0-9]{1,4}(/[0-9]{1,4}){1,2})?$",
            "description": "Shares of train, val and test, such as 80/10/10.",
        },
        "seed": {**TEXT, "description": "Draws another split of the same shares."},
        "part": {"enum": list(Part), "description": "Only this part of the split."},
    }


def selection() -> list[Json]:
    """The parameters in the address that select images and boxes of an export."""
    return [
        query(name, {key: value for key, value in schema.items() if key != "description"}, text)
        for name, schema in _selection_fields().items()
        for text in [schema["description"]]
    ]


def condition(name: str, description: str) -> Json:
    """A header with `*` or ETags."""
    schema = {"type": "string", "pattern": f"^([*]|{_TAG}(, *{_TAG})*)?$"}
    return {"name": name, "in": "header", "description": description, "schema": schema}


_TAG: Final = '(W/)?"[!#-~]*"'
SAVE: Final = link(
    "putDocument",
    {"path.image_id": "$request.path.image_id", "header.If-Match": "$response.header.ETag"},
    requestBody="$response.body",
    description="The document, changed, over the state that was read.",
)
LOCATION: Final[Json] = {"description": "Where it is.", "schema": TEXT}
IF_NONE_MATCH: Final = condition("If-None-Match", "ETags of what the caller has.")
IMAGE_ID: Final[Json] = {
    "name": "image_id",
    "in": "path",
    "required": True,
    "description": "The image's ID.",
    "schema": {"type": "string", "pattern": "^[0-9a-z][0-9a-z_-]{0,127}$"},
}
CLIENT: Final[Json] = {
    "name": CLIENT_HEADER,
    "in": "header",
    "required": True,
    "description": "Any value. No page of another site can send it.",
    "schema": TEXT,
    "example": "curl",
}
PREFER: Final[Json] = {
    "name": "Prefer",
    "in": "header",
    "description": "return=minimal asks for no body (RFC 7240). It is applied only if the stored "
    "document is the one that was sent, apart from saved_at and saved_by.",
    "schema": TEXT,
}
PREFERENCE_APPLIED: Final[Json] = {
    "description": "return=minimal if there is no body.",
    "schema": {"const": "return=minimal"},
}
IN_THE_WAY: Final = answered(
    "Another state is stored. Nothing was saved.",
    {
        "allOf": [ref("Error")],
        "required": ["document", "etag"],
        "properties": {
            "document": {"anyOf": [ref("AnnotationDocument"), {"type": "null"}]},
            "etag": MAYBE,
        },
    },
)
