"""All calls of the API: their paths, and the role that each method needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from labeler.access.policy import AccessPolicy
from labeler.access.tokens import Purpose
from labeler.api import responses
from labeler.api.assignments import AssignmentCalls
from labeler.api.backpressure import SendBudget
from labeler.api.box_pages import BoxCalls
from labeler.api.call_rate import CallRate
from labeler.api.claims import ClaimCalls
from labeler.api.documents import Documents
from labeler.api.exports import Exports
from labeler.api.fair_semaphore import FairSemaphore
from labeler.api.guide import GuideCalls
from labeler.api.guide_pictures import GuidePictureCalls
from labeler.api.health import Health
from labeler.api.history import HistoryCalls
from labeler.api.images import Images
from labeler.api.labels import Labels
from labeler.api.request_bodies import BodyReader
from labeler.api.reviews import Reviews
from labeler.api.signed import Call, Signed
from labeler.api.statistics import StatisticsCalls
from labeler.api.streamlit_host import HOST_CONFIG, answer_host_config
from labeler.api.trash import TrashCalls
from labeler.api.workbench import send_module
from labeler.datasets.formats.registry import DEFAULT, EXPORTED
from labeler.model.limits import IMPORT_BYTES, LISTS_AT_ONCE
from labeler.model.people import Person, Role
from labeler.project.project import Project

if TYPE_CHECKING:
    from labeler.api.imports import Imports

_HELD_BYTES: Final = 128 * 2**20
"""Bytes of all uploads that are being received or processed, and of all other bodies. The two are
separate, so saves never wait behind uploads."""
_SENT_BYTES: Final = 192 * 2**20
"""Bytes of all large answers that are on their way to callers."""


def application(
    project: Project, access: AccessPolicy, max_upload_bytes: int, max_calls_per_s: int
) -> Starlette:
    """The calls below /api/ for one project; `max_calls_per_s` is each caller's rate, 0 for any."""
    calls = _Calls(project, access, max_upload_bytes, CallRate(max_calls_per_s))
    app = Starlette(
        routes=[*calls.labeling(), *calls.datasets(), *calls.open_to_all()],
        exception_handlers=responses.HANDLERS,
    )
    app.router.redirect_slashes = False
    return app


class _Calls:
    """The calls of one project, grouped by purpose."""

    def __init__(
        self, project: Project, access: AccessPolicy, max_upload_bytes: int, rate: CallRate
    ) -> None:
        self._project = project
        self._access = access
        self._rate = rate
        self._budget = SendBudget(_SENT_BYTES)
        self._max_upload_bytes = max_upload_bytes
        self._bodies = BodyReader(_HELD_BYTES)
        self._listing = FairSemaphore(LISTS_AT_ONCE)
        # Images and zips are compressed already, and a document's ETag names its uncompressed
        # bytes.
        self._packed = [Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)]

    def labeling(self) -> list[Route]:
        """Images, their documents, and who works on which."""
        project, bodies, roles = self._project, self._bodies, self._access.roles
        images = Images(project, BodyReader(_HELD_BYTES), self._listing, self._max_upload_bytes)
        documents = Documents(project, bodies, roles)
        history = HistoryCalls(project, bodies, roles)
        reviews = Reviews(project, bodies)
        assignments = AssignmentCalls(project, bodies, self._access)
        trash = TrashCalls(project, bodies)
        claims = ClaimCalls(project.claims, bodies)
        boxes = BoxCalls(project, self._listing)
        signed, packed = self._signed, self._packed
        return [
            signed("/api/boxes", packed, GET=_labeler(boxes.of_images)),
            signed("/api/crops", packed, GET=_labeler(boxes.of_label)),
            signed("/api/images", packed, GET=_labeler(images.find), POST=_labeler(images.add)),
            signed(
                "/api/images/{image_id}",
                link=Purpose.IMAGE,
                GET=_labeler(images.show),
                DELETE=_admin(trash.delete),
            ),
            signed("/api/images/{image_id}/restore", POST=_admin(trash.restore)),
            signed(
                "/api/annotations/{image_id}",
                GET=_labeler(documents.get),
                PUT=_labeler(documents.put),
            ),
            signed("/api/annotations/{image_id}/versions", packed, GET=_labeler(history.versions)),
            signed("/api/annotations/{image_id}/restore", POST=_labeler(history.restore)),
            signed("/api/annotations/{image_id}/review", POST=_reviewer(reviews.decide)),
            signed("/api/annotations/{image_id}/assign", POST=_admin(assignments.assign)),
            signed(
                "/api/claims",
                GET=_labeler(claims.look_ahead),
                POST=_labeler(claims.claim_next),
            ),
            signed(
                "/api/claims/{image_id}",
                GET=_labeler(claims.look),
                PUT=_labeler(claims.renew),
                DELETE=_labeler(claims.release),
            ),
        ]

    def datasets(self) -> list[Route]:
        """Labels, statistics, imports and exports."""
        project, bodies = self._project, self._bodies
        labels = Labels(project, bodies)
        guide = GuideCalls(project, bodies)
        pictures = GuidePictureCalls(project, BodyReader(_HELD_BYTES))
        statistics = StatisticsCalls(project, self._listing)
        exports = Exports(project, bodies)

        # Imported late: it loads all formats, and no start needs them.
        @cache
        def imports() -> Imports:
            from labeler.api.imports import Imports

            return Imports(project, BodyReader(IMPORT_BYTES))

        async def run_import(request: Request, person: Person) -> Response:
            return await imports().run(request, person)

        signed, packed = self._signed, self._packed
        return [
            signed("/api/statistics", packed, GET=_labeler(statistics.count)),
            signed("/api/guide", GET=_labeler(guide.get), PUT=_admin(guide.put)),
            signed("/api/guide/{picture}", GET=_labeler(pictures.show), PUT=_admin(pictures.add)),
            signed("/api/labels", GET=_labeler(labels.get), PUT=_admin(labels.put)),
            *(
                signed(
                    f"/api/export/{kind.name}",
                    () if kind.is_packed else packed,
                    link=None if kind is DEFAULT else Purpose.EXPORT,
                    GET=_admin(exports.download(kind)),
                )
                for kind in EXPORTED
            ),
            signed("/api/exports", POST=_admin(exports.write)),
            signed("/api/exports/{name}", packed, link=Purpose.EXPORT, GET=_admin(exports.fetch)),
            signed("/api/imports", POST=_admin(run_import)),
        ]

    def open_to_all(self) -> list[Route]:
        """Calls that need no sign-in."""
        state = Health(self._project)

        # Imported late: it loads all formats, and no start needs them.
        async def describe(request: Request) -> Response:
            from labeler.api import openapi

            return await openapi.answer(request)

        calls: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/api/health": state.health,
            "/api/ready": state.ready,
            "/api/openapi.json": describe,
            "/api/workbench/{version}/{name:path}": send_module,
            HOST_CONFIG: answer_host_config,
        }
        return [Route(path, call, methods=["GET"]) for path, call in calls.items()]

    def _signed(
        self,
        path: str,
        middleware: Sequence[Middleware] = (),
        *,
        link: Purpose | None = None,
        **calls: tuple[Role, Call],
    ) -> Route:
        return Signed(path, calls, self._access, self._rate, self._budget, middleware, link=link)


def _labeler(call: Call) -> tuple[Role, Call]:
    return Role.LABELER, call


def _reviewer(call: Call) -> tuple[Role, Call]:
    return Role.REVIEWER, call


def _admin(call: Call) -> tuple[Role, Call]:
    return Role.ADMIN, call
