"""Calls that need a person: checks who calls and whether their role is enough, first of all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from labeler.access.policy import AccessPolicy
from labeler.access.tokens import Purpose
from labeler.api.authentication import caller, caller_of, check_writer, rated
from labeler.api.backpressure import SendBudget
from labeler.api.call_rate import CallRate
from labeler.errors import ForeignRequest, InvalidToken, NotPermitted, NotSignedIn
from labeler.model.people import Person, Role
from labeler.runtime.audit import Action, audit, set_acting

Call = Callable[[Request, Person], Awaitable[Response]]


class Signed(Route):
    """A path whose calls need a person; `roles` holds the required role for each method.

    Each call takes its turn at `rate`: of the person, or of the address if the call is refused
    before the person is known. Large answers take their room of `budget`. `link` is the purpose of
    tokens that are accepted in the address, if any.
    """

    def __init__(
        self,
        path: str,
        calls: Mapping[str, tuple[Role, Call]],
        access: AccessPolicy,
        rate: CallRate,
        budget: SendBudget,
        middleware: Sequence[Middleware] = (),
        *,
        link: Purpose | None = None,
    ) -> None:
        async def answer(request: Request) -> Response:
            role, call = calls["GET" if request.method == "HEAD" else request.method]
            reads = request.method in ("GET", "HEAD")
            try:
                try:
                    if not reads:
                        check_writer(request)
                    person = await caller(request, access, link if reads else None)
                except (ForeignRequest, InvalidToken, NotSignedIn):
                    await rate.turn(rated(request, Person("")))
                    raise
                # For the rest of the request: an answer may be made while it is sent.
                person = access.named(person)
                set_acting(person.name)
                await rate.turn(rated(request, person))
                answered = await call(request, access.roles.require(person, role))
                return budget.bounded(answered, caller_of(request, person), may_refuse=reads)
            except (ForeignRequest, InvalidToken, NotPermitted, NotSignedIn) as error:
                audit(Action.REFUSAL, f"{request.method} {request.url.path}", code=error.code)
                raise

        self.roles = {method: role for method, (role, _) in calls.items()}
        super().__init__(path, answer, methods=list(calls), middleware=middleware)
