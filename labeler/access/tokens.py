"""Short-lived tokens: signed proof of who may do what, until when. Pure: the time is handed in.

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
    """What a token is for: any call in a person's name, one picture to look at, one export."""

    API = "api"
    PICTURE = "picture"
    EXPORT = "export"


LIFETIME_S: Final = {Purpose.API: 3600, Purpose.PICTURE: 900, Purpose.EXPORT: 900}


@dataclass(frozen=True, slots=True)
class Token:
    """`person` may be empty where nobody is asked; `expires` is in seconds since 1970.

    A token with a target is good for that alone: a picture's image ID, an export's name. Only one
    for calls goes without.
    """

    purpose: Purpose
    person: str
    expires: int
    target: str = ""


def new_token(purpose: Purpose, person: str, now: float, target: str = "") -> Token:
    """A token that ends between a half and the whole of its purpose's lifetime from `now`.

    All that are made within half a lifetime are equal, so that a page drawn again gives the same
    address, which the browser has cached.
    """
    if purpose is not Purpose.API and not target:
        raise ValueError(f"a token for one {purpose} names it")
    step = LIFETIME_S[purpose] // 2
    return Token(purpose, person, (int(now) // step + 2) * step, target)


class Signer:
    """Signs tokens and checks them; safe to share by threads."""

    def __init__(self, secret: bytes) -> None:
        self._keys = {
            purpose: hmac.digest(secret, f"labeler token {purpose}".encode(), "sha256")
            for purpose in Purpose
        }

    def sign(self, token: Token) -> str:
        """The token as text that may stand in a header or an address."""
        payload = _encoded(json.dumps(astuple(token), separators=(",", ":")).encode())
        return f"{payload}.{self._signature(payload, token.purpose)}"

    def check(self, text: str, purpose: Purpose, now: float, target: str = "") -> Token:
        """The token in `text`, made here for this purpose and target, and not run out.

        Raises InvalidToken. The comparison takes as long for a wrong signature as for the right.
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
