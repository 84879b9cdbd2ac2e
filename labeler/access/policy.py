"""The access policy that every call and every page checks; app.py makes the one object."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from labeler.access.secret_key import load_secret
from labeler.access.tokens import Signer
from labeler.model.people import Person, Roles, SavedBy, SignIn
from labeler.settings import Settings

ASSERTION_HEADER: Final = "X-Goog-IAP-JWT-Assertion"
TOKEN_HEADER: Final = "X-Labeler-Token"  # noqa: S105 - a header's name
"""The header for a token if Identity-Aware Proxy uses `Authorization` itself."""


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """How people sign in, what they may do, and the signer of the tokens that pages give out.

    `by_assertion` identifies a person by the values of ASSERTION_HEADER, and is set only with
    LABELER_AUTH=iap. It raises NotSignedIn and SignInUnavailable, and may wait for the network.
    `alias` gives what stands for an e-mail address in all that is stored and logged, if anything.
    """

    sign_in: SignIn
    roles: Roles
    signer: Signer
    by_assertion: Callable[[Sequence[str]], Person] | None = None
    alias: Callable[[str], str] | None = None

    def named(self, person: Person) -> Person:
        """The person, with the name that stands for them in all that is stored and logged."""
        return replace(person, alias=self.alias(person.email)) if self.alias else person


def load_access_policy(settings: Settings) -> AccessPolicy:
    """The policy that the settings describe. Raises the errors of `load_secret`."""
    secret = load_secret(settings)
    signer, alias = Signer(secret), _alias(settings.saved_by, secret)
    if settings.auth is not SignIn.IAP:
        return AccessPolicy(settings.auth, settings.roles, signer, alias=alias)
    # Imported here: it loads cryptography, which no other way to sign in needs at the start.
    from labeler.access.iap import GOOGLE_KEYS, Assertions, Keys

    assertions = Assertions(settings.iap_audience, Keys(settings.iap_keys_url or GOOGLE_KEYS))
    return AccessPolicy(settings.auth, settings.roles, signer, assertions.person, alias)


def _alias(saved_by: SavedBy, secret: bytes) -> Callable[[str], str] | None:
    match saved_by:
        case SavedBy.EMAIL:
            return None
        case SavedBy.OFF:
            return lambda _: ""
        case SavedBy.HASH:
            key = hmac.digest(secret, b"labeler people", "sha256")
            return lambda email: email and hmac.digest(key, email.encode(), "sha256").hex()[:16]


def cookie_secret(settings: Settings) -> str:
    """The key that signs Streamlit's cookies; instances with one secret key share it."""
    return hmac.digest(load_secret(settings), b"labeler cookies", "sha256").hex()
