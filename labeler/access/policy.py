"""What every call and every page is checked by: the same for both, made once by app.py."""

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
"""Takes a token for calls where Identity-Aware Proxy keeps `Authorization` for itself."""


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """How people sign in, who may do what, and what signs the tokens that pages give out.

    `by_assertion` tells a person by the values of ASSERTION_HEADER, and is there with
    LABELER_AUTH=iap only. It raises NotSignedIn and SignInUnavailable, and may wait for a network.
    """

    sign_in: SignIn
    roles: Roles
    signer: Signer
    by_assertion: Callable[[Sequence[str]], Person] | None = None


def load_access_policy(settings: Settings) -> AccessPolicy:
    """The gate that the settings describe. Raises what `load_secret` does."""
    signer = Signer(load_secret(settings))
    if settings.auth is not SignIn.IAP:
        return AccessPolicy(settings.auth, settings.roles, signer)
    # Only here: it brings cryptography along, which no other way to sign in needs to start.
    from labeler.access.iap import GOOGLE_KEYS, Assertions, Keys

    assertions = Assertions(settings.iap_audience, Keys(settings.iap_keys_url or GOOGLE_KEYS))
    return AccessPolicy(settings.auth, settings.roles, signer, assertions.person)


def cookie_secret(settings: Settings) -> str:
    """What signs Streamlit's cookies: the same on all instances that share the secret key."""
    return hmac.digest(load_secret(settings), b"labeler cookies", "sha256").hex()
