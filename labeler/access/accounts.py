"""The person of an OpenID account, by the claims that the provider has signed."""

from __future__ import annotations

from collections.abc import Mapping

from labeler.errors import NotPermitted, NotSignedIn
from labeler.model.people import Person, clean_email


def person_of_account(claims: Mapping[str, object]) -> Person:
    """The person with the account's verified address.

    Raises NotSignedIn if nobody is signed in, and NotPermitted if the account has no such address.
    """
    if not claims.get("is_logged_in"):
        raise NotSignedIn("Sign in to label images.")
    address = clean_email(str(claims.get("email", "")))
    if not address:
        raise NotPermitted("Your account names no e-mail address. Sign in with another one.")
    if str(claims.get("email_verified", True)).lower() != "true":
        raise NotPermitted(
            f"The address {address} was never verified where you have signed in. Verify it there, "
            "then sign in again."
        )
    return Person(address)
