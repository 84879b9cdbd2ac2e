"""The call that imports a dataset, sent as the body, into the project."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, BinaryIO, Final, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import (
    HEAD_BYTES,
    NAME_HEADER,
    check_is_file,
    file_name,
    flag_parameter,
)
from labeler.api.responses import NEVER, error_body, headers, json_answer
from labeler.datasets.formats.dataset_files import dataset_files_of
from labeler.datasets.formats.registry import DETECT, IMPORTED, find_format
from labeler.datasets.formats.voc import Convention
from labeler.datasets.imports.place import ExistingBoxes
from labeler.datasets.imports.report import IMPORT_STATUSES, ImportReport, ImportRequest
from labeler.datasets.imports.run import run_import
from labeler.errors import Busy, InvalidRequest, LabelerError
from labeler.model.document import Status
from labeler.model.limits import IMPORT_BYTES
from labeler.model.people import Person
from labeler.project.project import Project

logger = logging.getLogger(__name__)

MAX_BYTES: Final = IMPORT_BYTES
"""Bytes of a body. Cloud Run accepts 32 MiB: packed by gzip or zip, a large dataset fits."""
LINES: Final = "application/x-ndjson"
_PARAMETERS: Final = ("format", "existing", "dry_run", "voc", "status", "class_name")
_TELL_S: Final = 0.5

T = TypeVar("T", bound=StrEnum)


@dataclass(slots=True)
class _ImportProgress:
    """The progress of an import."""

    doing: str = ""
    done: int = 0
    total: int = 0

    def __call__(self, doing: str, done: int = 0, total: int = 0) -> None:
        self.doing, self.done, self.total = doing, done, total

    def __str__(self) -> str:
        if not self.doing:
            return ""
        return f" ({self.doing}{f': {self.done:,} of {self.total:,}' if self.total else ''})"


class Imports:
    """The call that imports into one project, one import at a time."""

    def __init__(self, project: Project, body_reader: BodyReader) -> None:
        self._project = project
        self._body_reader = body_reader
        self._running = asyncio.Lock()
        self._told = _ImportProgress()
        self._tasks: set[asyncio.Task[ImportReport]] = set()

    async def run(self, request: Request, person: Person) -> Response:
        """POST /api/imports

        An import that has begun runs to its end, even if the caller goes away.
        """
        wanted = _wanted(request)
        name = file_name(request) if NAME_HEADER in request.headers else "The file"
        self._check_none_is_running()
        async with contextlib.AsyncExitStack() as held:
            arriving = self._body_reader.file(request, MAX_BYTES, name, person)
            file = await held.enter_async_context(arriving)
            file.seek(0)
            check_is_file(request, await run_in_threadpool(file.read, HEAD_BYTES), name)
            # Only now: a body that stops arriving keeps no other import from its turn.
            self._check_none_is_running()
            await held.enter_async_context(self._running)
            told = self._told = _ImportProgress()
            work = self._work(held.pop_all(), file, name.replace("/", "_"), wanted, person, told)
            task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        if LINES in request.headers.get("Accept", ""):
            return StreamingResponse(_lines(task, told), media_type=LINES, headers=headers(NEVER))
        report = await asyncio.shield(task)
        return json_answer(report.as_json())

    def _check_none_is_running(self) -> None:
        if self._running.locked():
            raise Busy(
                f"Another import is running{self._told}. This one can be sent when it has ended."
            )

    async def _work(
        self,
        held: contextlib.AsyncExitStack,
        file: BinaryIO,
        name: str,
        wanted: ImportRequest,
        person: Person,
        told: _ImportProgress,
    ) -> ImportReport:
        def work() -> ImportReport:
            with contextlib.closing(dataset_files_of(file, name)) as source:
                return run_import(self._project, source, wanted, by=person.name, progress=told)

        async with held:
            return await run_in_threadpool(work)

    def _ended(self, task: asyncio.Task[ImportReport]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the caller may be gone, so that nobody else retrieves the error


async def _lines(task: asyncio.Task[ImportReport], told: _ImportProgress) -> AsyncGenerator[bytes]:
    """A line of progress twice a second, and at the end the report or the error."""
    while not task.done():
        yield _line({"doing": told.doing, "done": told.done, "total": told.total})
        await asyncio.wait({task}, timeout=_TELL_S)
    error = task.exception()
    if error is None:
        yield _line({"report": task.result().as_json()})
    elif isinstance(error, LabelerError):
        yield _line(error_body(error))
    else:  # the answer has begun, so the error has to be reported in it
        logger.error("An import failed", exc_info=error)
        text = (
            "Something went wrong. Try again, or tell your administrator (details are in the log)."
        )
        yield _line({"error": {"code": "internal", "message": text}})


def _line(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _wanted(request: Request) -> ImportRequest:
    for name in request.query_params:
        if name not in _PARAMETERS:
            raise InvalidRequest(f"{name} is not a parameter of an import.")
    names = request.query_params.getlist("format")
    if len(names) != 1:
        given = "missing" if not names else "given twice"
        raise InvalidRequest(
            f"format is {given}: it is {DETECT}, or one of "
            f"{', '.join(kind.name for kind in IMPORTED)}."
        )
    kind = None if names[0] == DETECT else find_format(names[0], IMPORTED)
    existing = _one_of(request, "existing", ExistingBoxes, ExistingBoxes.KEEP)
    voc = _one_of(request, "voc", Convention, Convention.AUTO)
    status = _one_of(request, "status", Status, Status.DONE)
    if status not in IMPORT_STATUSES:
        raise InvalidRequest(f"status={status.value!r} is not one of {', '.join(IMPORT_STATUSES)}.")
    return ImportRequest(
        kind,
        existing,
        flag_parameter(request, "dry_run"),
        voc,
        class_names=tuple(request.query_params.getlist("class_name")),
        status=status,
    )


def _one_of(request: Request, name: str, kind: type[T], default: T) -> T:
    given = request.query_params.getlist(name)
    if not given:
        return default
    if len(given) > 1 or given[0] not in set(kind):
        raise InvalidRequest(f"{name}={', '.join(given)!r} is not one of {', '.join(kind)}.")
    return kind(given[0])
