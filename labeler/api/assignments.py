"""Assignments: POST /api/annotations/{image_id}/assign."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.access.policy import AccessPolicy
from labeler.api.document_answers import (
    Replaced,
    changed_answer,
    current_state,
    document_answer,
    state_in_the_way,
    tag_of,
)
from labeler.api.preconditions import Condition, etag, match_condition
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import image_id_of, json_fields
from labeler.errors import InvalidRequest, VersionConflict
from labeler.model.assignments import assigned, read_person
from labeler.model.document import dump_document
from labeler.model.limits import SMALL_BYTES
from labeler.model.people import Person, SignIn, clean_email
from labeler.model.reviews import check_not_approved
from labeler.project.project import Project
from labeler.runtime.audit import Action
from labeler.storage import ABSENT

MAX_BYTES: Final = SMALL_BYTES


class AssignmentCalls:
    """The call that puts an image of one project into a person's queue."""

    def __init__(self, project: Project, body_reader: BodyReader, access: AccessPolicy) -> None:
        self._project = project
        self._body_reader = body_reader
        self._access = access

    async def assign(self, request: Request, person: Person) -> Response:
        """POST /api/annotations/{image_id}/assign"""
        condition = match_condition(request.headers.getlist("If-Match"), "assigned")
        image_id = image_id_of(request)
        async with self._body_reader.body(request, MAX_BYTES, "The body", person) as body:
            given = json_fields(body, ("person",))
        if "person" not in given:
            raise InvalidRequest("person is missing: name one, or null for nobody.")
        to = self._name(read_person(given["person"]))
        done = await run_in_threadpool(self._assign, image_id, condition, to, person.name)
        if done.status == 412:
            return changed_answer(done)
        return document_answer(done.status, done.body, done.tag)

    def _name(self, given: str) -> str:
        """How the person is named in what is stored; raises InvalidRequest."""
        if not given or self._access.sign_in is SignIn.NONE:
            return given
        email, alias = clean_email(given), self._access.alias
        if alias is None:
            if not email:
                raise InvalidRequest(f"person={given!r} is not an e-mail address.")
            return email
        name = alias(email) if email else given
        if not name or not alias("a@b"):
            raise InvalidRequest(
                "Images can't be assigned here: LABELER_SAVED_BY=off keeps no names of people."
            )
        return name

    def _assign(self, image_id: str, condition: Condition, to: str, by: str) -> Replaced:
        """An image without a document gets one, with `*` as the state that is meant."""
        opened = self._project.open_document(image_id)
        is_any = condition.match is not None and condition.match.star
        if not is_any and not condition.holds(tag_of(opened)):
            return current_state(opened)
        check_not_approved(opened.document)
        wanted = assigned(opened.document, to, by, self._project.clock())
        if wanted is opened.document and opened.version is not ABSENT:
            return Replaced(200, tag_of(opened), dump_document(wanted))
        try:
            saved = self._project.put_document(
                image_id, wanted, opened.version, action=Action.ASSIGN
            )
        except VersionConflict:
            return state_in_the_way(self._project, image_id)
        return Replaced(200, etag(saved.version), dump_document(saved.document))
