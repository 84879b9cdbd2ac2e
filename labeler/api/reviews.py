"""Review: POST /api/annotations/{image_id}/review."""

from __future__ import annotations

from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.document_answers import (
    Replaced,
    change_stored,
    changed_answer,
    document_answer,
)
from labeler.api.preconditions import Condition, match_condition
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import image_id_of, json_fields
from labeler.errors import InvalidRequest
from labeler.model.document import AnnotationDocument
from labeler.model.limits import SMALL_BYTES
from labeler.model.people import Person
from labeler.model.reviews import Verdict, read_comment, reviewed
from labeler.project.project import Project

MAX_BYTES: Final = SMALL_BYTES


class Reviews:
    """The calls of reviewers over one project."""

    def __init__(self, project: Project, body_reader: BodyReader) -> None:
        self._project = project
        self._body_reader = body_reader

    async def decide(self, request: Request, person: Person) -> Response:
        """POST /api/annotations/{image_id}/review"""
        condition = match_condition(request.headers.getlist("If-Match"), "reviewed")
        image_id = image_id_of(request)
        async with self._body_reader.body(request, MAX_BYTES, "The body", person) as body:
            given = json_fields(body, ("verdict", "comment"))
        done = await run_in_threadpool(self._decide, image_id, condition, given, person.name)
        if done.status == 412:
            return changed_answer(done)
        return document_answer(done.status, done.body, done.tag)

    def _decide(
        self, image_id: str, condition: Condition, given: dict[str, Any], by: str
    ) -> Replaced:
        verdict = given.get("verdict")
        if verdict not in list(Verdict):
            raise InvalidRequest(f"verdict={verdict!r} is not one of {', '.join(Verdict)}.")

        def change(document: AnnotationDocument) -> tuple[AnnotationDocument, None]:
            comment = read_comment(given.get("comment"), document)
            now = self._project.clock()
            return reviewed(document, Verdict(verdict), by, now, comment), None

        return change_stored(self._project, image_id, condition, change)
