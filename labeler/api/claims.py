"""Claims: the next image that needs work, for one person's tab or program at a time."""

from __future__ import annotations

from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.authentication import CLIENT_HEADER
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import image_id_of, json_fields
from labeler.api.responses import NEVER, headers, json_answer
from labeler.errors import InvalidRequest
from labeler.model.document import Status
from labeler.model.layout import is_image_id
from labeler.model.limits import SMALL_BYTES
from labeler.model.people import Person
from labeler.project.claims import NEEDS_WORK, Claim, ClaimRequest, Claims, Holder, Order

MAX_BYTES: Final = SMALL_BYTES


class ClaimCalls:
    """The calls about the claims of one project."""

    def __init__(self, claims: Claims, body_reader: BodyReader) -> None:
        self._claims = claims
        self._body_reader = body_reader

    async def claim_next(self, request: Request, person: Person) -> Response:
        """POST /api/claims"""
        async with self._body_reader.body(request, MAX_BYTES, "The body", person) as body:
            wanted = _wanted(json_fields(body, ("after", "status", "order")))
        holder = _holder(request, person)
        claim, ended = await run_in_threadpool(self._claims.claim_next, holder, wanted)
        answer = _answer(claim) if claim else Response(status_code=204, headers=headers(NEVER))
        if ended:
            answer.background = BackgroundTask(self._claims.tidy, ended)
        return answer

    async def renew(self, request: Request, person: Person) -> Response:
        """PUT /api/claims/{image_id}"""
        image_id = await self._named(request, person)
        holder = _holder(request, person)
        return _answer(await run_in_threadpool(self._claims.renew, image_id, holder))

    async def release(self, request: Request, person: Person) -> Response:
        """DELETE /api/claims/{image_id}"""
        image_id = await self._named(request, person)
        await run_in_threadpool(self._claims.release, image_id, _holder(request, person))
        return Response(status_code=204, headers=headers(NEVER))

    async def _named(self, request: Request, person: Person) -> str:
        """The image in the path. A body says nothing here, and is within the limit all the same."""
        async with self._body_reader.body(request, MAX_BYTES, "The body", person):
            return image_id_of(request)


def _holder(request: Request, person: Person) -> Holder:
    return Holder(person.email, request.headers[CLIENT_HEADER])


def _answer(claim: Claim) -> Response:
    return json_answer({"image_id": claim.image_id, "until": claim.until.isoformat()})


def _wanted(given: dict[str, Any]) -> ClaimRequest:
    after, order = given.get("after"), given.get("order")
    if after is not None and not (isinstance(after, str) and is_image_id(after)):
        raise InvalidRequest(f"after={after!r} is not an image ID.")
    if order is not None and order not in list(Order):
        raise InvalidRequest(f"order={order!r} is not one of {', '.join(Order)}.")
    return ClaimRequest(after or "", _statuses(given.get("status")), Order(order or Order.RETURNED))


def _statuses(given: Any) -> frozenset[Status]:
    named = given if isinstance(given, list) else [given] if given is not None else []
    for status in named:
        if status not in list(Status):
            raise InvalidRequest(f"status={status!r} is not one of {', '.join(Status)}.")
    return frozenset(map(Status, named)) or NEEDS_WORK
