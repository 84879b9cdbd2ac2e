"""Images deleted into the trash, and restored from it."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.document_answers import Replaced, changed_answer, state_in_the_way
from labeler.api.preconditions import Condition, etag, match_condition
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import image_id_of
from labeler.api.responses import NEVER, headers, json_answer
from labeler.errors import DamagedDocument, Deleted, NotFound, VersionConflict
from labeler.model.people import Person
from labeler.model.reviews import check_not_approved
from labeler.project.project import Project

MAX_BYTES: Final = 2**16


class TrashCalls:
    """The calls that delete and restore images of one project."""

    def __init__(self, project: Project, body_reader: BodyReader) -> None:
        self._project = project
        self._body_reader = body_reader

    async def delete(self, request: Request, person: Person) -> Response:
        """DELETE /api/images/{image_id}"""
        condition = match_condition(request.headers.getlist("If-Match"), "deleted")
        image_id = await self._named(request, person)
        in_the_way = await run_in_threadpool(self._delete, image_id, condition)
        if in_the_way is not None:
            return changed_answer(in_the_way)
        tidy = BackgroundTask(self._project.trash.tidy)
        return Response(status_code=204, headers=headers(NEVER), background=tidy)

    async def restore(self, request: Request, person: Person) -> Response:
        """POST /api/images/{image_id}/restore"""
        image_id = await self._named(request, person)
        await run_in_threadpool(self._project.trash.restore, image_id)
        entry = await run_in_threadpool(self._project.find_image, image_id)
        return json_answer({"image_id": image_id, "image_path": entry.image_path})

    def _delete(self, image_id: str, condition: Condition) -> Replaced | None:
        """None if the image is deleted; otherwise the document in the way."""
        project = self._project
        try:
            version = project.stored_version(image_id)
        except Deleted:
            raise
        except NotFound:
            project.find_image(image_id)
            if not (condition.match and condition.match.star):
                return Replaced(412, None)
            project.trash.delete(image_id, None)
            return None
        if not condition.holds(etag(version)):
            return state_in_the_way(project, image_id)
        with suppress(DamagedDocument):  # it goes into the trash as it is
            check_not_approved(project.stored_document(image_id).document)
        try:
            project.trash.delete(image_id, version)
        except VersionConflict:
            return state_in_the_way(project, image_id)
        return None

    async def _named(self, request: Request, person: Person) -> str:
        """The image in the path. A body has no meaning here, but its size is limited."""
        async with self._body_reader.body(request, MAX_BYTES, "The body", person):
            return image_id_of(request)
