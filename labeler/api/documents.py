"""Calls that read an annotation document, and that replace the version they name."""

from __future__ import annotations

import time
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.document_answers import (
    Replaced,
    changed_answer,
    current_state,
    document_answer,
    is_same_but_stamp,
    prefers_short,
    short_answer,
    state_in_the_way,
    tag_of,
)
from labeler.api.preconditions import Condition, Tags, etag, parse_tags, write_condition
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import image_id_of
from labeler.api.responses import ASK_AGAIN, headers
from labeler.errors import InvalidDocument, LabelerError, NotFound, StoreError, VersionConflict
from labeler.model.document import (
    AnnotationDocument,
    Status,
    check_document,
    check_rects,
    dump_document,
    parse_document,
)
from labeler.model.document_change import CHANGE_TYPE, changed_document
from labeler.model.edits import with_image_facts
from labeler.model.layout import document_key
from labeler.model.limits import DOCUMENT_BYTES
from labeler.model.people import Person, Role, Roles
from labeler.model.reviews import as_saved, gives_verdict
from labeler.project.project import OpenedDocument, Project
from labeler.project.save_events import log_save
from labeler.runtime.events import Conflict, SaveFailed, log_event
from labeler.storage import ABSENT, Version

MAX_BYTES: Final = DOCUMENT_BYTES


class Documents:
    """The calls about documents of one project."""

    def __init__(self, project: Project, body_reader: BodyReader, roles: Roles) -> None:
        self._project = project
        self._roles = roles
        self._body_reader = body_reader

    async def get(self, request: Request, _: Person) -> Response:
        """GET /api/annotations/{image_id}"""
        image_id = image_id_of(request)
        version = request.query_params.get("version")
        seen = parse_tags("If-None-Match", request.headers.getlist("If-None-Match"))
        body, tag = await run_in_threadpool(self._get, image_id, version, seen)
        if body is None:
            return Response(status_code=304, headers=headers(ASK_AGAIN, ETag=tag or ""))
        return document_answer(200, body, tag)

    async def put(self, request: Request, person: Person) -> Response:
        """PUT /api/annotations/{image_id}"""
        condition = write_condition(
            request.headers.getlist("If-Match"), request.headers.getlist("If-None-Match")
        )
        image_id = image_id_of(request)
        async with self._body_reader.body(request, MAX_BYTES, "The document", person) as body:
            try:
                put, meant = await run_in_threadpool(
                    self._put, image_id, body, _is_change(request), condition, person
                )
            except StoreError as error:
                if not isinstance(error, NotFound):
                    told = error.for_log
                    log_event(SaveFailed(image_id=image_id, tries=1, code=error.code, reason=told))
                raise
        if put.status == 412:
            log_event(Conflict(image_id=image_id, boxes=0))
            return changed_answer(put)
        is_short = prefers_short(request.headers.getlist("Prefer"))
        if is_short and await run_in_threadpool(is_same_but_stamp, meant, put.body):
            return short_answer(put)
        here = f"/api/annotations/{image_id}"
        return document_answer(put.status, put.body, put.tag, Content_Location=here)

    def _get(
        self, image_id: str, version: str | None, seen: Tags | None
    ) -> tuple[bytes | None, str | None]:
        """The document and its ETag; None if the caller has it already."""
        opened = self._opened(image_id, version)
        tag = tag_of(opened)
        if seen and seen.match_weakly(tag):
            return None, tag
        return dump_document(opened.document), tag

    def _opened(self, image_id: str, version: str | None) -> OpenedDocument:
        """The stored document, or the document as it was in that version."""
        if version is None:
            return self._project.stored_document(image_id)
        self._project.stored_version(image_id)
        data = self._project.history.read(image_id, version)
        document = parse_document(data, document_key(image_id))
        return OpenedDocument(document, Version(version))

    def _put(
        self, image_id: str, body: bytes, is_change: bool, condition: Condition, person: Person
    ) -> tuple[Replaced, bytes]:
        """The result, and the whole document that the caller sent or described by a change."""
        began = time.monotonic()
        opened = self._project.open_document(image_id)
        if not condition.holds(tag_of(opened)):
            return current_state(opened), body
        stored = opened.document
        meant = changed_document(stored, body) if is_change else body
        wanted = _completed(check_document(meant), self._with_picture(image_id, stored))
        if gives_verdict(wanted, stored):
            self._roles.require(person, Role.REVIEWER)
        author = person.name if person.email else None
        wanted = as_saved(wanted, stored, author, self._project.clock())
        try:
            saved = self._project.write_document(image_id, wanted, opened, person.name)
        except VersionConflict:
            return state_in_the_way(self._project, image_id), meant
        log_save(image_id, saved, person.name, began, began)
        status = 201 if opened.version is ABSENT else 200
        return Replaced(status, etag(saved.version), dump_document(saved.document)), meant

    def _with_picture(self, image_id: str, document: AnnotationDocument) -> AnnotationDocument:
        """The document with its image's size and MD5, if missing and the image can be read."""
        size = document.image_width, document.image_height
        if None not in (*size, document.metadata.content_md5):
            return document
        try:
            info = self._project.image_info(image_id)
        except LabelerError:  # boxes can be saved even if the image can't be read
            return document
        if None not in size and size != (info.width, info.height):
            return document
        return with_image_facts(document, info.width, info.height, info.md5)


def _is_change(request: Request) -> bool:
    """Whether the body says what changes. Any other body is a whole document."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0]
    return media_type.strip().lower() == CHANGE_TYPE


def _completed(given: AnnotationDocument, current: AnnotationDocument) -> AnnotationDocument:
    """The document with missing facts about its image filled in.

    With rects, unlabeled becomes in_progress, as in the merge: a program that reads an empty
    document and adds rects sends the old status back. Raises InvalidDocument if its facts differ
    from the stored ones, because then it is another image's document.
    """
    known = {
        name: _same(name, getattr(given, name), getattr(current, name))
        for name in ("image_path", "image_width", "image_height")
    }
    metadata = {
        name: _same(
            f"metadata.{name}", getattr(given.metadata, name), getattr(current.metadata, name)
        )
        for name in ("image_path", "content_md5")
    }
    if given.rects and given.metadata.status == Status.UNLABELED:
        metadata["status"] = Status.IN_PROGRESS.value
    document = given.model_copy(
        update={
            **{name: value for name, value in known.items() if value is not None},
            "metadata": given.metadata.model_copy(
                update={name: value for name, value in metadata.items() if value is not None}
            ),
        }
    )
    if document.image_width != given.image_width or document.image_height != given.image_height:
        check_rects(document, document.rects)  # without the size, nobody could check them before
    return document


def _same(field: str, given: Any, stored: Any) -> Any:
    if stored is None or given == stored:
        return given
    if given is None:
        return stored
    raise InvalidDocument(
        f"{field}: {given!r} is not this image's, which is {stored!r}. Nothing was saved: look "
        "which image this document belongs to.",
        field,
    )
