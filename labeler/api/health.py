"""Probes: whether this instance is alive, and whether it can work."""

from __future__ import annotations

import asyncio
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler import __version__
from labeler.api.responses import json_answer
from labeler.api.shared_calls import SharedCalls
from labeler.errors import Exhausted, LabelerError, Unavailable
from labeler.project.project import Project
from labeler.runtime.descriptors import count_descriptors
from labeler.runtime.events import NotReady, log_event

READY_S: Final = 5
"""The longest wait of a probe; the store itself keeps trying."""
_INDEX_AWAY: Final = "The index in the database can't be used. The store answers; the log says why."


class Health:
    """The probes of one project's service."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._checks = SharedCalls[None](outlives_callers=True)

    async def health(self, _: Request) -> Response:
        """GET /api/health"""
        return json_answer({"status": "ok", "version": __version__})

    async def ready(self, _: Request) -> Response:
        """GET /api/ready; simultaneous callers share one request to the store."""
        found = count_descriptors()
        try:
            if found.nearly_used_up:
                raise Exhausted(
                    f"{found.open} of {found.limit} file descriptors are in use. Close pages that "
                    "nobody needs, or start Labeler with a higher limit (ulimit -n)."
                )
            await self._look()
            problem = await run_in_threadpool(self._project.image_index.problem)
        except LabelerError as error:
            log_event(NotReady(code=error.code, reason=error.for_log))
            raise
        told = {"status": "ready", "descriptors": {"open": found.open, "limit": found.limit}}
        return json_answer(told | ({"index": _INDEX_AWAY} if problem else {}))

    async def _look(self) -> None:
        """Raise the store's problem, or that it does not answer in time."""
        try:
            async with asyncio.timeout(READY_S):
                await self._checks.run("store", self._check)
        except TimeoutError as error:
            raise Unavailable(
                f"The store has not answered for {READY_S:g} seconds. Check the store and the "
                "network, or call GET /api/ready again."
            ) from error

    async def _check(self) -> None:
        await run_in_threadpool(self._project.check_store)
