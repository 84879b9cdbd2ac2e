"""Earlier states of documents: listed, and restored."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.document_answers import (
    Replaced,
    changed_answer,
    document_answer,
    state_in_the_way,
)
from labeler.api.preconditions import Condition, etag, match_condition
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import image_id_of, json_fields
from labeler.api.responses import json_answer
from labeler.errors import DamagedDocument, InvalidRequest, NewerDocument, VersionConflict
from labeler.model.document import dump_document, parse_document
from labeler.model.layout import document_key
from labeler.model.limits import SMALL_BYTES
from labeler.model.people import Person, Role, Roles
from labeler.model.reviews import REVIEWED, check_not_approved
from labeler.project.project import Project

MAX_BYTES: Final = SMALL_BYTES


class HistoryCalls:
    """The calls about earlier states of one project's documents."""

    def __init__(self, project: Project, body_reader: BodyReader, roles: Roles) -> None:
        self._project = project
        self._body_reader = body_reader
        self._roles = roles

    async def versions(self, request: Request, _: Person) -> Response:
        """GET /api/annotations/{image_id}/versions"""
        versions = await run_in_threadpool(self._versions, image_id_of(request))
        return json_answer({"versions": versions})

    async def restore(self, request: Request, person: Person) -> Response:
        """POST /api/annotations/{image_id}/restore"""
        condition = match_condition(request.headers.getlist("If-Match"), "replaced")
        image_id = image_id_of(request)
        async with self._body_reader.body(request, MAX_BYTES, "The body", person) as body:
            version = json_fields(body, ("version",)).get("version")
        if not isinstance(version, str):
            raise InvalidRequest("version is missing: name one that /versions lists.")
        done = await run_in_threadpool(self._restore, image_id, condition, version, person)
        if done.status == 412:
            return changed_answer(done)
        return document_answer(done.status, done.body, done.tag)

    def _versions(self, image_id: str) -> list[dict[str, Any]]:
        self._project.stored_version(image_id)
        return [
            {
                "version": one.version,
                "saved_at": one.saved_at or None,
                "saved_by": one.saved_by or None,
                "status": one.status,
                "rects": one.rects,
                "assigned_to": one.assigned_to or None,
            }
            for one in self._project.history.versions(image_id)
        ]

    def _restore(
        self, image_id: str, condition: Condition, version: str, person: Person
    ) -> Replaced:
        """A damaged document can be replaced by an earlier state; one of a newer Labeler can't."""
        project = self._project
        present = project.stored_version(image_id)
        if not condition.holds(etag(present)):
            return state_in_the_way(project, image_id)
        try:
            check_not_approved(project.stored_document(image_id).document)
        except NewerDocument:
            raise
        except DamagedDocument:
            pass
        data = project.history.read(image_id, version)
        document = parse_document(data, document_key(image_id))
        if document.status in REVIEWED:
            self._roles.require(person, Role.REVIEWER)
        if version != present:
            try:
                present = project.put_document(image_id, document, present, data).version
            except VersionConflict:
                return state_in_the_way(project, image_id)
        return Replaced(200, etag(present), dump_document(document))
