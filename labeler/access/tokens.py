"""Short-lived tokens: signed proof of a person's rights. Pure: the caller passes the time.

A token is `payload.signature`, both in URL-safe base64 without padding. The payload is the JSON
list [purpose, person, expires, target]; the signature is its HMAC-SHA256 under a key that is
derived from the project's secret for this purpose alone. So every instance with that secret can
check what another one made, and a token for one purpose never passes for another.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass
from enum import StrEnum
from typing import Final

from labeler.errors import InvalidToken


class Purpose(StrEnum):
    """The purpose of a token: any call in a person's name, reading one image, or one export."""

    API = "api"
    IMAGE = "picture"  # the word in tokens of pages that were opened before an upgrade
    EXPORT = "export"


LIFETIME_S: Final = {Purpose.API: 3600, Purpose.IMAGE: 900, Purpose.EXPORT: 900}


@dataclass(frozen=True, slots=True)
class Token:
    """`person` is empty with LABELER_AUTH=none; `expires` is in seconds since 1970.

    A token with a target is valid for that target only: an image ID or an export's name. Only
    tokens for calls have no target.
    """

    purpose: Purpose
    person: str
    expires: int
    target: str = ""


def new_token(purpose: Purpose, person: str, now: float, target: str = "") -> Token:
    """A token that expires after half to all of its purpose's lifetime, from `now`.

    All tokens made within half a lifetime are equal. So the next run of the page gives the same
    address, which the browser has in its cache.
    """
    if purpose is not Purpose.API and not target:
        raise ValueError(f"a token for one {purpose} must name it")
    step = LIFETIME_S[purpose] // 2
    return Token(purpose, person, (int(now) // step + 2) * step, target)


class Signer:
    """Signs and checks tokens; threads may share it."""

    def __init__(self, secret: bytes) -> None:
        self._keys = {
            purpose: hmac.digest(secret, f"labeler token {purpose}".encode(), "sha256")
            for purpose in Purpose
        }

    def sign(self, token: Token) -> str:
        """The token as text for a header or an address."""
        payload = _encoded(json.dumps(astuple(token), separators=(",", ":")).encode())
        return f"{payload}.{self._signature(payload, token.purpose)}"

    def check(self, text: str, purpose: Purpose, now: float, target: str = "") -> Token:
        """The token in `text`, made here for this purpose and target, and not expired.

        Raises InvalidToken. A wrong signature takes as long to compare as the right one.
        """
        payload, _, signature = text.partition(".")
        right = self._signature(payload, purpose)
        if not hmac.compare_digest(signature.encode("utf-8", "replace"), right.encode()):
            raise InvalidToken(
                "This token was not made here, or is for something else. Reload the page."
            )
        _, person, expires, named = json.loads(urlsafe_b64decode(payload + "=="))
        if now >= expires:
            raise InvalidToken("This token has expired. Reload the page.")
        if named != target and (named or purpose is not Purpose.API):
            raise InvalidToken(f"This token is for another {purpose}. Reload the page.")
        return Token(purpose, person, expires, named)

    def _signature(self, payload: str, purpose: Purpose) -> str:
        key = self._keys[purpose]
        return _encoded(hmac.digest(key, payload.encode("utf-8", "replace"), "sha256"))


def _encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
