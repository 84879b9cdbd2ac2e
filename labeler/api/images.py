"""Calls that add, list and show images."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.authentication import caller_of
from labeler.api.fair_semaphore import FairSemaphore, run_while_there, while_there
from labeler.api.image_pages import find_page, read_query
from labeler.api.preconditions import parse_tags
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import (
    HEAD_BYTES,
    check_is_file,
    file_name,
    image_id_of,
    number_parameter,
)
from labeler.api.responses import ASK_AGAIN, FOR_GOOD, headers, json_answer
from labeler.api.shared_calls import SharedCalls
from labeler.errors import NotFound
from labeler.model.limits import IMAGES_AT_ONCE, MAX_WIDTH, UPLOADS_AT_ONCE
from labeler.model.people import Person
from labeler.project.project import Project
from labeler.runtime.bounded_cache import BoundedCache

_COPIES_BYTES: Final = 64 * 2**20


class Images:
    """The calls about images of one project."""

    def __init__(
        self,
        project: Project,
        body_reader: BodyReader,
        listing: FairSemaphore,
        max_upload_bytes: int,
    ) -> None:
        self._project = project
        self._listing = listing
        self._body_reader = body_reader
        self._max_upload_bytes = max_upload_bytes
        self._adding = FairSemaphore(UPLOADS_AT_ONCE)
        self._showing = FairSemaphore(IMAGES_AT_ONCE)
        self._copies = BoundedCache[tuple[str, int | None], tuple[bytes, str]](
            max_size=_COPIES_BYTES, size_of=lambda copy: len(copy[0])
        )
        self._shared_calls = SharedCalls[tuple[bytes, str]]()

    async def add(self, request: Request, person: Person) -> Response:
        """POST /api/images"""
        name = file_name(request)
        async with (
            self._body_reader.body(request, self._max_upload_bytes, name, person) as data,
            self._adding.turn(caller_of(request, person)),
        ):
            check_is_file(request, data[:HEAD_BYTES], name)
            added = await run_while_there(request, self._project.add_image, name, data, person.name)
        return json_answer(
            {
                "image_id": added.image_id,
                "image_path": added.image_path,
                "width": added.width,
                "height": added.height,
            },
            201 if added.created else 200,
            Location=f"/api/images/{added.image_id}",
        )

    async def find(self, request: Request, person: Person) -> Response:
        """GET /api/images"""
        query = read_query(request)
        page = await self._listing.run(request, person, find_page, self._project, query)
        return json_answer(page, cache=ASK_AGAIN)

    async def show(self, request: Request, person: Person) -> Response:
        """GET /api/images/{image_id}"""
        image_id = image_id_of(request)
        width = number_parameter(request, "width", MAX_WIDTH)
        tag = f'"{image_id}-{width or "full"}"'
        more = headers(FOR_GOOD, ETag=tag, Content_Security_Policy="default-src 'none'; sandbox")
        seen = parse_tags("If-None-Match", request.headers.getlist("If-None-Match"))
        if seen and seen.match_weakly(tag):
            # An image never changes, so a caller who has it needs no read if the image exists.
            with suppress(NotFound):
                await run_in_threadpool(self._project.find_image, image_id)
                return Response(status_code=304, headers=more)
        shown = self._display_image(image_id, width, caller_of(request, person))
        data, media_type = await while_there(request, shown)
        return Response(data, 200, more, media_type)

    async def _display_image(
        self, image_id: str, width: int | None, caller: str
    ) -> tuple[bytes, str]:
        kept = self._copies.get((image_id, width))
        if kept is not None:
            await run_in_threadpool(self._project.trash.check_not_deleted, image_id)
            return kept

        async def make() -> tuple[bytes, str]:
            async with self._showing.turn(caller):
                data, media_type = await run_in_threadpool(
                    self._project.display_image, image_id, width
                )
            if len(data) <= _COPIES_BYTES // 8:
                self._copies.put((image_id, width), (data, media_type))
            return data, media_type

        return await self._shared_calls.run((image_id, width), make)
