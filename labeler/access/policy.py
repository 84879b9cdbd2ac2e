"""The access policy that every call and every page checks; app.py makes the one object."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from labeler.access.secret_key import load_secret
from labeler.access.tokens import Signer
from labeler.model.people import Person, Roles, SignIn
from labeler.settings import Settings

ASSERTION_HEADER: Final = "X-Goog-IAP-JWT-Assertion"
TOKEN_HEADER: Final = "X-Labeler-Token"  # noqa: S105 - a header's name
"""The header for a token if Identity-Aware Proxy uses `Authorization` itself."""


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """How people sign in, what they may do, and the signer of the tokens that pages give out.

    `by_assertion` identifies a person by the values of ASSERTION_HEADER, and is set only with
    LABELER_AUTH=iap. It raises NotSignedIn and SignInUnavailable, and may wait for the network.
    """

    sign_in: SignIn
    roles: Roles
    signer: Signer
    by_assertion: Callable[[Sequence[str]], Person] | None = None


def load_access_policy(settings: Settings) -> AccessPolicy:
    """The policy that the settings describe. Raises the errors of `load_secret`."""
    signer = Signer(load_secret(settings))
    if settings.auth is not SignIn.IAP:
        return AccessPolicy(settings.auth, settings.roles, signer)
    # Imported here: it loads cryptography, which no other way to sign in needs at the start.
    from labeler.access.iap import GOOGLE_KEYS, Assertions, Keys

    assertions = Assertions(settings.iap_audience, Keys(settings.iap_keys_url or GOOGLE_KEYS))
    return AccessPolicy(settings.auth, settings.roles, signer, assertions.person)


def cookie_secret(settings: Settings) -> str:
    """The key that signs Streamlit's cookies; instances with one secret key share it."""
    return hmac.digest(load_secret(settings), b"labeler cookies", "sha256").hex()
