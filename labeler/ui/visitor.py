"""The person at the page, their roles, and the tokens that the page hands out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from labeler.access.accounts import person_of_account
from labeler.access.policy import ASSERTION_HEADER, TOKEN_HEADER
from labeler.access.tokens import Purpose, Token, new_token
from labeler.errors import LabelerError, NotPermitted, NotSignedIn
from labeler.model.people import Person, Role, SignIn
from labeler.runtime.audit import Action, audit, set_acting
from labeler.ui.context import page_context

_KEY: Final = "person"
_REFUSALS: Final = "refusals"
_CLAIMS: Final = ("is_logged_in", "email", "email_verified")
_LEFT_S: Final = 120
_MOST_IMAGE_TOKENS: Final = 16


@dataclass
class _Visit:
    """The person who opened the tab, the evidence for it, and the last tokens for images."""

    person: Person
    evidence: tuple[str, ...]
    pictures: dict[str, Token] = field(default_factory=dict)


def enter() -> Person:
    """The session's person; each run of the page calls this first.

    The session's user is identified when it starts, and again when it has a new connection. A
    session never becomes another person's. Raises NotSignedIn, NotPermitted, SignInUnavailable.
    """
    entered: _Visit | None = st.session_state.get(_KEY)
    evidence = _evidence()
    if entered is not None and entered.evidence == evidence:
        return entered.person
    person = page_context().access.named(_vouched(evidence))
    if entered is not None and entered.person != person:
        raise NotSignedIn(
            f"{entered.person.email} has opened this page, and {person.email} is signed in now. "
            f"Reload the page to go on as {person.email}."
        )
    if person.email and entered is None:
        audit(Action.SIGN_IN, by=person.name)
    st.session_state[_KEY] = _Visit(person, evidence)
    return person


def current() -> Person:
    """The session's person. Raises the errors of `enter`."""
    entered: _Visit | None = st.session_state.get(_KEY)
    return entered.person if entered is not None else enter()


def may(role: Role) -> bool:
    """Whether that person has the role, to decide what to show. Actions call `require`."""
    return page_context().access.roles.has(current(), role)


def require(role: Role) -> Person:
    """The person, if they have that role; each action of the page calls this first.

    The person is identified again, because an action may be the first message on a new connection.
    Raises NotPermitted, and the errors of `enter`.
    """
    try:
        person = enter()
        set_acting(person.name)
        return page_context().access.roles.require(person, role)
    except (NotSignedIn, NotPermitted) as error:
        _audit_refusal(error)
        raise


def _audit_refusal(error: LabelerError) -> None:
    """One line per session and reason: a refused page runs again and again."""
    told: set[str] = st.session_state.setdefault(_REFUSALS, set())
    if error.code not in told:
        told.add(error.code)
        audit(Action.REFUSAL, "page", code=error.code)


# --- tokens -------------------------------------------------------------------------------


def token(purpose: Purpose, target: str = "") -> str:
    """A short-lived token in the person's name, for that purpose and target only."""
    signer = page_context().access.signer
    return signer.sign(new_token(purpose, current().email, time.time(), target))


def token_headers() -> dict[str, str]:
    """The headers with which a part of the page calls in the person's name.

    Identity-Aware Proxy treats a bearer token as its own, and refuses one that it can't read.
    """
    text = token(Purpose.API)
    if page_context().access.sign_in is SignIn.IAP:
        return {TOKEN_HEADER: text}
    return {"Authorization": f"Bearer {text}"}


def picture_token(image_id: str) -> str:
    """A token for the image; the same one as long as it is valid for some minutes.

    So the browser finds an image that was fetched ahead under the same address.
    """
    person, now = current(), time.time()
    kept = st.session_state[_KEY].pictures
    last = kept.pop(image_id, None)
    if last is None or last.expires - now < _LEFT_S:
        last = new_token(Purpose.IMAGE, person.email, now, image_id)
    kept[image_id] = last
    while len(kept) > _MOST_IMAGE_TOKENS:
        del kept[next(iter(kept))]
    return page_context().access.signer.sign(last)


# --- identification -----------------------------------------------------------------------


def _evidence() -> tuple[str, ...]:
    """The part of the connection that identifies a person."""
    match page_context().access.sign_in:
        case SignIn.NONE:
            return ()
        case SignIn.IAP:
            return tuple(st.context.headers.get_all(ASSERTION_HEADER))
        case SignIn.OIDC:
            user: dict[str, Any] = st.user.to_dict()
            if not user.get("is_logged_in"):
                return ()
            return "yes", str(user.get("email", "")), str(user.get("email_verified", True))


def _vouched(evidence: tuple[str, ...]) -> Person:
    access = page_context().access
    if access.sign_in is SignIn.NONE:
        return Person("")
    if access.by_assertion is not None:
        return access.by_assertion(evidence)
    return person_of_account(dict(zip(_CLAIMS, evidence, strict=False)))
