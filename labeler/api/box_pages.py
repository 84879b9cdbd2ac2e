"""Boxes of many images in one answer: those on a page of thumbnails, or all of one label."""

from __future__ import annotations

from itertools import islice
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from labeler.api.fair_semaphore import FairSemaphore
from labeler.api.preconditions import etag
from labeler.api.request_parameters import number_parameter, offset_parameter
from labeler.api.responses import ASK_AGAIN, json_answer
from labeler.errors import InvalidRequest
from labeler.model.document import AnnotationDocument
from labeler.model.labels import LabelSet, label_key
from labeler.model.layout import is_image_id
from labeler.model.limits import MAX_BOX_IMAGES, MAX_BOX_PAGE
from labeler.model.people import Person
from labeler.project.box_facts import LabelNames
from labeler.project.project import OpenedDocument, Project

DEFAULT_LIMIT: Final = 60


class BoxCalls:
    """The calls about boxes of many images of one project."""

    def __init__(self, project: Project, listing: FairSemaphore) -> None:
        self._project = project
        self._listing = listing

    async def of_images(self, request: Request, person: Person) -> Response:
        """GET /api/boxes"""
        given = request.query_params.get("images")
        ids = given.split(",") if given else []
        if given is None or len(ids) > MAX_BOX_IMAGES or not all(map(is_image_id, ids)):
            raise InvalidRequest(
                f"images must be up to {MAX_BOX_IMAGES} image IDs, with commas between."
            )
        told = await self._listing.run(request, person, self.boxes_of_images, ids)
        return json_answer(told, cache=ASK_AGAIN)

    async def of_label(self, request: Request, person: Person) -> Response:
        """GET /api/crops"""
        label = request.query_params.get("label")
        if label is None:
            raise InvalidRequest("label is missing: it says whose boxes are asked for.")
        limit = number_parameter(request, "limit", MAX_BOX_PAGE) or DEFAULT_LIMIT
        offset = offset_parameter(request) or 0
        told = await self._listing.run(request, person, self.boxes_of_label, label, offset, limit)
        return json_answer(told, cache=ASK_AGAIN)

    def boxes_of_images(self, ids: list[str]) -> dict[str, Any]:
        """The boxes of these images, as the call answers them."""
        project = self._project
        found = [
            _shown(image_id, opened, opened.document)
            for image_id, opened in project.documents_of(dict.fromkeys(ids))
        ]
        return {"images": found}

    def boxes_of_label(self, label: str, offset: int, limit: int) -> dict[str, Any]:
        """The boxes of that label from the `offset`th on, image by image in the order of names.

        Reads only the documents that contain these boxes: the index says which ones.
        """
        project = self._project
        labels = project.labels.read()
        having, left = project.image_index.view().boxes_of(label, LabelNames(labels))
        total, wanted = 0, {}
        for image_id, boxes in having:
            first, last = max(0, offset - total), min(boxes, offset + limit - total)
            if first < last:
                wanted[image_id] = first, last
            total += boxes
        found = []
        for image_id, opened in project.documents_of(wanted):
            first, last = wanted[image_id]
            some = _of_label(opened.document, labels, label)
            found.append(_shown(image_id, opened, some, first, last))
        return {"images": found, "total": total, "unread": left}


def _of_label(document: AnnotationDocument, labels: LabelSet, label: str) -> AnnotationDocument:
    wanted = label_key(labels.shown(label))
    some = [rect for rect in document.rects if label_key(labels.shown(rect.label)) == wanted]
    return document.model_copy(update={"rects": tuple(some)})


def _shown(
    image_id: str,
    opened: OpenedDocument,
    document: AnnotationDocument,
    first: int = 0,
    last: int | None = None,
) -> dict[str, Any]:
    rects = islice(document.rects, first, MAX_BOX_PAGE if last is None else last)
    return {
        "image_id": image_id,
        "image_path": document.image_path,
        "image_width": document.image_width,
        "image_height": document.image_height,
        "etag": etag(str(opened.version)),
        "rects": [
            {
                "id": rect.id,
                "left": rect.left,
                "top": rect.top,
                "width": rect.width,
                "height": rect.height,
                "label": rect.label,
            }
            for rect in rects
        ],
    }
