"""Who looks at the page, what they may do there, and the tokens that the page gives its parts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

import streamlit as st

from labeler.access.policy import ASSERTION_HEADER, TOKEN_HEADER
from labeler.access.tokens import Purpose, Token, new_token
from labeler.errors import NotSignedIn, SignInUnavailable
from labeler.model.people import Person, Role, SignIn, clean_email
from labeler.ui.context import page_context

_KEY: Final = "person"
_WAIT_S: Final = 20
_LEFT_S: Final = 120
_MOST_PICTURES: Final = 16


@dataclass
class _Entered:
    """Who opened the tab, and by what that was told; the tokens of pictures given out last."""

    person: Person
    evidence: tuple[str, ...]
    pictures: dict[str, Token] = field(default_factory=dict)


def enter() -> Person:
    """The person whose session this is; asked first in each run of the page.

    They are told at the start of a session, and again when its connection is another one: a
    session never becomes somebody else's. Raises NotSignedIn, SignInUnavailable.
    """
    entered: _Entered | None = st.session_state.get(_KEY)
    evidence = _evidence()
    if entered is not None and entered.evidence == evidence:
        return entered.person
    person = _vouched(evidence)
    if entered is not None and entered.person != person:
        raise NotSignedIn(
            f"{entered.person.email} has opened this page, and {person.email} is signed in now. "
            f"Reload the page to go on as {person.email}."
        )
    st.session_state[_KEY] = _Entered(person, evidence)
    return person


def current() -> Person:
    """The person who has entered. Raises what `enter` does."""
    entered: _Entered | None = st.session_state.get(_KEY)
    return entered.person if entered is not None else enter()


def may(role: Role) -> bool:
    """Whether that person has the role: what to offer. An action itself calls `require`."""
    return page_context().access.roles.has(current(), role)


def require(role: Role) -> Person:
    """The person, who has that role; each action on the page asks this first.

    Asked is who is there now: an action may be the first thing that comes over a new connection.
    Raises NotPermitted, and what `enter` does.
    """
    return page_context().access.roles.require(enter(), role)


# --- tokens -------------------------------------------------------------------------------


def token(purpose: Purpose, target: str = "") -> str:
    """A short-lived token in the person's name, for that purpose and target alone."""
    signer = page_context().access.signer
    return signer.sign(new_token(purpose, current().email, time.time(), target))


def token_headers() -> dict[str, str]:
    """The headers by which a part of the page calls in the person's name.

    Identity-Aware Proxy takes a bearer for its own, and turns away what it can't read.
    """
    text = token(Purpose.API)
    if page_context().access.sign_in is SignIn.IAP:
        return {TOKEN_HEADER: text}
    return {"Authorization": f"Bearer {text}"}


def picture_token(image_id: str) -> str:
    """A token for the picture, the same again while minutes are left of it.

    So a picture that was fetched before it was wanted is found under the same address.
    """
    person, now = current(), time.time()
    kept = st.session_state[_KEY].pictures
    last = kept.pop(image_id, None)
    if last is None or last.expires - now < _LEFT_S:
        last = new_token(Purpose.PICTURE, person.email, now, image_id)
    kept[image_id] = last
    while len(kept) > _MOST_PICTURES:
        del kept[next(iter(kept))]
    return page_context().access.signer.sign(last)


# --- who vouches --------------------------------------------------------------------------


def _evidence() -> tuple[str, ...]:
    """What the connection brings along that tells who somebody is."""
    match page_context().access.sign_in:
        case SignIn.NONE:
            return ()
        case SignIn.IAP:
            return tuple(st.context.headers.get_all(ASSERTION_HEADER))
        case SignIn.OIDC:
            user: dict[str, Any] = st.user.to_dict()
            if not user.get("is_logged_in"):
                return ()
            return str(user.get("email", "")), str(user.get("email_verified", True)).lower()


def _vouched(evidence: tuple[str, ...]) -> Person:
    access = page_context().access
    match access.sign_in:
        case SignIn.NONE:
            return Person("")
        case SignIn.IAP:
            return _by_assertion(evidence)
        case SignIn.OIDC:
            if not evidence:
                raise NotSignedIn("Sign in to label images.")
            email, verified = evidence
            address = clean_email(email)
            if not address:
                raise NotSignedIn("Your account names no e-mail address. Sign in with another one.")
            if verified != "true":
                raise NotSignedIn(
                    f"The address {address} was never verified where you have signed in. Verify "
                    "it there, then sign in again."
                )
            return Person(address)


def _by_assertion(values: tuple[str, ...]) -> Person:
    """The person whom IAP vouches for.

    While keys can't be had it waits, and sends nothing to the page meanwhile: a tab that was with
    another instance still has its canvas, and with it boxes that nobody has stored.
    """
    tell = page_context().access.by_assertion
    if tell is None:
        raise NotSignedIn("Sign-in isn't set up here. Please tell your administrator.")
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            return tell(values)
        except SignInUnavailable:
            if time.monotonic() > deadline:
                raise
        time.sleep(1)
