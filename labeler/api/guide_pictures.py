"""The guide's pictures: everybody sees them, and admins add them."""

from __future__ import annotations

from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import HEAD_BYTES, check_is_file
from labeler.api.responses import headers, json_answer
from labeler.model.layout import GUIDE_PICTURES, guide_picture_key
from labeler.model.limits import GUIDE_PICTURE_BYTES
from labeler.model.people import Person
from labeler.project.project import Project

MAX_BYTES: Final = GUIDE_PICTURE_BYTES
_BESIDE: Final = "private, max-age=300"
"""An image of the guide may be replaced, so it is requested again after five minutes."""


class GuidePictureCalls:
    """The calls about the pictures of one project's guide."""

    def __init__(self, project: Project, body_reader: BodyReader) -> None:
        self._project = project
        self._body_reader = body_reader

    async def show(self, request: Request, _: Person) -> Response:
        """GET /api/guide/{picture}"""
        name = request.path_params["picture"]
        data = await run_in_threadpool(self._project.guide.picture, name)
        media_type = GUIDE_PICTURES[name.rpartition(".")[2].lower()]
        more = headers(_BESIDE, Content_Security_Policy="default-src 'none'; sandbox")
        return Response(data, 200, more, media_type=media_type)

    async def add(self, request: Request, person: Person) -> Response:
        """PUT /api/guide/{picture}"""
        name = request.path_params["picture"]
        guide_picture_key(name)
        async with self._body_reader.body(request, MAX_BYTES, name, person) as data:
            check_is_file(request, data[:HEAD_BYTES], name)
            created = await run_in_threadpool(self._project.guide.add_picture, name, bytes(data))
        return json_answer({"picture": name}, 201 if created else 200)
