"""Calls that add, list and show images."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.backpressure import SendBudget
from labeler.api.caching import BytesCache, SharedCalls
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
from labeler.errors import InvalidRequest, NotFound
from labeler.model.document import Status
from labeler.model.labels import label_key
from labeler.model.people import Person
from labeler.project.image_index import ImageEntry
from labeler.project.project import Project

MAX_WIDTH: Final = 8192
MAX_LIMIT: Final = 1000
DEFAULT_LIMIT: Final = 100
MAX_DOCUMENTS: Final = 2000
"""How many documents one call reads in search of a label."""

_COPIES_BYTES: Final = 64 * 2**20
_AT_ONCE: Final = 4
"""Pictures being read, and uploads, each: a picture has up to 30 MB, and saves need threads too."""
_SENT_BYTES: Final = 192 * 2**20
"""Of all large pictures that are on their way to callers."""


class Images:
    """The calls about images of one project."""

    def __init__(self, project: Project, body_reader: BodyReader, max_upload_bytes: int) -> None:
        self._project = project
        self._body_reader = body_reader
        self._max_upload_bytes = max_upload_bytes
        self._adding = asyncio.Semaphore(_AT_ONCE)
        self._showing = asyncio.Semaphore(_AT_ONCE)
        self._copies = BytesCache(_COPIES_BYTES)
        self._shared_calls = SharedCalls[tuple[bytes, str]]()
        self._budget = SendBudget(_SENT_BYTES)

    async def add(self, request: Request, person: Person) -> Response:
        """POST /api/images"""
        name = file_name(request)
        async with (
            self._body_reader.body(request, self._max_upload_bytes, name, person) as data,
            self._adding,
        ):
            check_is_file(request, data[:HEAD_BYTES], name)
            added = await run_in_threadpool(self._project.add_image, name, data, person.email)
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

    async def find(self, request: Request, _: Person) -> Response:
        """GET /api/images"""
        status = _status(request.query_params.get("status"))
        after = _after(request.query_params.get("after"))
        limit = number_parameter(request, "limit", MAX_LIMIT) or DEFAULT_LIMIT
        label = request.query_params.get("label")
        page = await run_in_threadpool(self._page, status, label, after, limit)
        return json_answer(page, cache=ASK_AGAIN)

    def _page(
        self, status: Status | None, label: str | None, after: tuple[str, str], limit: int
    ) -> dict[str, Any]:
        entries = (
            entry
            for entry in self._project.list_without_waiting()
            if _place(entry) > after and (status is None or entry.status is status)
        )
        if label is None:
            found = list(islice(entries, limit + 1))
            more = found[limit - 1] if len(found) > limit else None
            return _shown_page(found[:limit], more)
        candidates = list(islice((e for e in entries if e.rects), MAX_DOCUMENTS + 1))
        matching: list[ImageEntry] = []
        for entry in self._with_label(candidates[:MAX_DOCUMENTS], label):
            matching.append(entry)
            if len(matching) == limit:
                return _shown_page(matching, entry if entry is not candidates[-1] else None)
        more = candidates[MAX_DOCUMENTS - 1] if len(candidates) > MAX_DOCUMENTS else None
        return _shown_page(matching, more)

    def _with_label(self, candidates: list[ImageEntry], label: str) -> Iterator[ImageEntry]:
        labels = self._project.labels.read()
        wanted = label_key(labels.shown(label))
        by_id = {entry.image_id: entry for entry in candidates}
        for image_id, opened in self._project.documents_of(by_id):
            if any(label_key(labels.shown(rect.label)) == wanted for rect in opened.document.rects):
                yield by_id[image_id]

    async def show(self, request: Request, _: Person) -> Response:
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
        data, media_type = await self._display_image(image_id, width)
        return self._budget.answer(data, media_type, more)

    async def _display_image(self, image_id: str, width: int | None) -> tuple[bytes, str]:
        kept = self._copies.get((image_id, width))
        if kept is not None:
            return kept

        async def make() -> tuple[bytes, str]:
            async with self._showing:
                data, media_type = await run_in_threadpool(
                    self._project.display_image, image_id, width
                )
            if len(data) <= _COPIES_BYTES // 8:
                self._copies.put((image_id, width), data, media_type)
            return data, media_type

        return await self._shared_calls.run((image_id, width), make)


def _status(text: str | None) -> Status | None:
    if text is None:
        return None
    if text not in set(Status):
        raise InvalidRequest(f"status={text!r} is not one of {', '.join(Status)}.")
    return Status(text)


def _place(entry: ImageEntry) -> tuple[str, str]:
    """The entry's position in the list, which stays valid when other entries come and go."""
    return entry.image_path, entry.image_id


def _after(text: str | None) -> tuple[str, str]:
    """The position in the `next` of another page; without one, before the first entry."""
    if not text:
        return "", ""
    try:
        image_id, slash, path = urlsafe_b64decode(text).decode().partition("/")
    except ValueError:
        slash = ""
    if not slash:
        raise InvalidRequest(f"after={text!r} is not what `next` said. List again from the start.")
    return path, image_id


def _shown_page(entries: list[ImageEntry], more_after: ImageEntry | None) -> dict[str, Any]:
    after = None
    if more_after is not None:
        place = f"{more_after.image_id}/{more_after.image_path}"
        after = urlsafe_b64encode(place.encode()).decode()
    return {"images": [_shown(entry) for entry in entries], "next": after}


def _shown(entry: ImageEntry) -> dict[str, Any]:
    shown = {
        "image_id": entry.image_id,
        "image_path": entry.image_path,
        "status": entry.status,
        "rects": entry.rects,
        "saved_at": entry.saved_at or None,
        "saved_by": entry.saved_by or None,
    }
    return shown | {"problem": entry.problem} if entry.problem else shown
