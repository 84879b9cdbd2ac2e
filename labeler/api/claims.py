"""Claims: the next image that needs work, for one person's tab or program at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from labeler.api.authentication import CLIENT_HEADER
from labeler.api.request_bodies import BodyReader
from labeler.api.request_parameters import image_id_of, json_fields, number_parameter
from labeler.api.responses import NEVER, headers, json_answer
from labeler.errors import InvalidRequest
from labeler.model.assignments import MAX_NAME
from labeler.model.document import NEEDS_WORK, Status
from labeler.model.layout import is_image_id
from labeler.model.limits import SMALL_BYTES
from labeler.model.people import Person
from labeler.project.claims import Claim, ClaimRequest, Claims, Holder, Order

MAX_BYTES: Final = SMALL_BYTES
MOST_NEXT: Final = 10
"""The most images that a call may look ahead at, and that it may prefer."""


class ClaimCalls:
    """The calls about the claims of one project."""

    def __init__(self, claims: Claims, body_reader: BodyReader) -> None:
        self._claims = claims
        self._body_reader = body_reader

    async def look_ahead(self, request: Request, person: Person) -> Response:
        """GET /api/claims"""
        asked = request.query_params
        limit = number_parameter(request, "limit", MOST_NEXT) or 1
        wanted = _request(asked.get("after"), asked.getlist("status"), asked.get("order"), [])
        wanted = replace(wanted, person=_whose(person, asked.get("person")))
        holder = Holder(person.name, request.headers.get(CLIENT_HEADER, ""))
        found = await run_in_threadpool(self._claims.next_ones, holder, wanted, limit)
        return json_answer({"images": found})

    async def claim_next(self, request: Request, person: Person) -> Response:
        """POST /api/claims"""
        async with self._body_reader.body(request, MAX_BYTES, "The body", person) as body:
            given = json_fields(body, ("after", "status", "order", "prefer", "person"))
        wanted = _request(*(given.get(name) for name in ("after", "status", "order", "prefer")))
        wanted = replace(wanted, person=_whose(person, given.get("person")))
        holder = _holder(request, person)
        claim, ended = await run_in_threadpool(self._claims.claim_next, holder, wanted)
        answer = self._answer(claim) if claim else Response(status_code=204, headers=headers(NEVER))
        if ended:
            answer.background = BackgroundTask(self._claims.tidy, ended)
        return answer

    async def look(self, request: Request, person: Person) -> Response:
        """GET /api/claims/{image_id}"""
        image_id = image_id_of(request)
        holder = Holder(person.email, request.headers.get(CLIENT_HEADER, ""))
        found = await run_in_threadpool(self._claims.look, image_id, holder)
        by, until = (found.by, found.until.isoformat()) if found else (None, None)
        own = found is not None and found.is_own
        return json_answer({"image_id": image_id, "by": by, "until": until, "own": own})

    async def renew(self, request: Request, person: Person) -> Response:
        """PUT /api/claims/{image_id}"""
        image_id = await self._named(request, person)
        holder = _holder(request, person)
        return self._answer(await run_in_threadpool(self._claims.renew, image_id, holder))

    async def release(self, request: Request, person: Person) -> Response:
        """DELETE /api/claims/{image_id}"""
        image_id = await self._named(request, person)
        await run_in_threadpool(self._claims.release, image_id, _holder(request, person))
        return Response(status_code=204, headers=headers(NEVER))

    def _answer(self, claim: Claim) -> Response:
        until, lease_s = claim.until.isoformat(), self._claims.lease_s
        return json_answer({"image_id": claim.image_id, "until": until, "lease_s": lease_s})

    async def _named(self, request: Request, person: Person) -> str:
        """The image in the path. A body has no meaning here, but its size is limited."""
        async with self._body_reader.body(request, MAX_BYTES, "The body", person):
            return image_id_of(request)


def _holder(request: Request, person: Person) -> Holder:
    return Holder(person.name, request.headers[CLIENT_HEADER])


def _whose(person: Person, given: Any) -> str:
    """In whose queue to look; raises InvalidRequest."""
    if person.email:
        if given not in (None, "", person.email, person.name):
            raise InvalidRequest("person is only for projects in which nobody signs in.")
        return person.name
    if given is not None and not (isinstance(given, str) and len(given) <= MAX_NAME):
        raise InvalidRequest(f"person={given!r} is not a name of at most {MAX_NAME} characters.")
    return given or ""


def _request(after: Any, status: Any, order: Any, prefer: Any) -> ClaimRequest:
    if after is not None and not (isinstance(after, str) and is_image_id(after)):
        raise InvalidRequest(f"after={after!r} is not an image ID.")
    if order is not None and order not in list(Order):
        raise InvalidRequest(f"order={order!r} is not one of {', '.join(Order)}.")
    return ClaimRequest(
        after or "", _statuses(status), Order(order or Order.RETURNED), _preferred(prefer)
    )


def _preferred(given: Any) -> tuple[str, ...]:
    named = given if given is not None else []
    is_list = isinstance(named, list) and len(named) <= MOST_NEXT
    if not is_list or not all(isinstance(one, str) and is_image_id(one) for one in named):
        raise InvalidRequest(f"prefer={given!r} is not a list of at most {MOST_NEXT} image IDs.")
    return tuple(named)


def _statuses(given: Any) -> frozenset[Status]:
    named = given if isinstance(given, list) else [given] if given is not None else []
    for status in named:
        if status not in list(Status):
            raise InvalidRequest(f"status={status!r} is not one of {', '.join(Status)}.")
    return frozenset(map(Status, named)) or NEEDS_WORK
