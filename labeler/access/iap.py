"""The assertion by which Google's Identity-Aware Proxy vouches for a person.

IAP adds a JSON web token, signed with ES256, to each request that it lets through. Anybody who gets
past IAP can send the other headers that it adds, above all the plain e-mail headers. The decision
and its reasons are in docs/adr/0010-sign-in.md.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPException
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from labeler.errors import NotSignedIn, SignInUnavailable
from labeler.model.people import Person, clean_email
from labeler.runtime.http_fetch import fetch

GOOGLE_KEYS: Final = "https://www.gstatic.com/iap/verify/public_key-jwk"
ISSUER: Final = "https://cloud.google.com/iap"
LEEWAY_S: Final = 30
"""The allowed difference between Google's clock and this machine's."""

FRESH_S: Final = 3600
KEPT_S: Final = 24 * 3600
"""How long old keys are valid if new ones can't be fetched."""

ASK_AGAIN_S: Final = 30
RETRY_S: Final = 5
_FETCH_S: Final = 5
_MOST_BYTES: Final = 2**20
_MOST_CHARS: Final = 8192


class Keys:
    """The public keys that are published at an address; threads may share it.

    They are fetched when first needed, every hour, and when a token names an unknown key ID, which
    may be a new one. They are fetched at most every 30 seconds, whatever callers send.
    """

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: Mapping[str, ECKey] = {}
        self._fetched = self._next_try = float("-inf")
        self._failure = ""

    def find(self, key_id: str) -> ECKey | None:
        """The key with that ID; None if it is not published. Raises SignInUnavailable."""
        key = self._keys.get(key_id)
        if key is not None and self._clock() - self._fetched < FRESH_S:
            return key
        with self._lock:
            if self._clock() >= self._next_try:
                self._fetch()
            if self._clock() - self._fetched < KEPT_S and key_id in self._keys:
                return self._keys[key_id]
            if self._failure:
                raise SignInUnavailable(
                    "Nobody can sign in right now: the keys that verify people could not be "
                    f"fetched from {self._url} ({self._failure}). Try again in a moment."
                )
            return None

    def _fetch(self) -> None:
        try:
            # The address is a constant or a checked setting, never a caller's.
            self._keys = _read_keys(fetch(self._url, _FETCH_S, _MOST_BYTES))
        except (OSError, HTTPException, ValueError, JoseError) as error:
            self._failure = str(error) or type(error).__name__
            self._next_try = self._clock() + RETRY_S
            return
        self._failure = ""
        self._fetched = self._clock()
        self._next_try = self._fetched + ASK_AGAIN_S


def _read_keys(data: bytes) -> dict[str, ECKey]:
    """The ES256 keys in a JSON web key set, by their IDs; ValueError for anything else."""
    content = json.loads(data)
    listed = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(listed, list):
        raise ValueError("the answer is not a set of keys")
    fitting = [
        one
        for one in listed
        if isinstance(one, dict)
        and (one.get("kty"), one.get("crv")) == ("EC", "P-256")
        and isinstance(one.get("kid"), str)
    ]
    return {one["kid"]: ECKey.import_key(one) for one in fitting}


class Assertions:
    """Identifies a person by IAP's assertion; threads may share it."""

    def __init__(self, audience: str, keys: Keys, clock: Callable[[], float] = time.time) -> None:
        self._audience = audience
        self._keys = keys
        self._clock = clock

    def person(self, values: Sequence[str]) -> Person:
        """The person in the assertion, which must be the only header value, valid now and for us.

        Raises NotSignedIn, or SignInUnavailable if the keys can't be fetched.
        """
        if len(values) != 1:
            raise _refused("it has no assertion" if not values else "it has several assertions")
        claims = self._verified(values[0])
        self._check_meant_for_us(claims)
        self._check_times(claims)
        external = claims.get("gcip")
        if isinstance(external, dict) and external.get("email_verified", True) is not True:
            raise _refused("the e-mail address was never verified")
        email = claims.get("email")
        address = clean_email(email) if isinstance(email, str) else ""
        if not address:
            raise _refused("its assertion names no e-mail address")
        return Person(address)

    def _verified(self, text: str) -> dict[str, Any]:
        """The claims of an assertion whose signature is valid."""
        if len(text) > _MOST_CHARS or not text.isascii():
            raise _refused("its assertion is not a JSON web token")
        try:
            # Reads only the key ID; nothing in it is trusted before the check below.
            key_id = jws.extract_compact(text.encode()).headers().get("kid")
            key = self._keys.find(key_id) if isinstance(key_id, str) else None
            if key is None:
                raise _refused("its assertion is signed with no key of Google's")
            checked = jws.deserialize_compact(text, key, algorithms=["ES256"])
            claims = json.loads(checked.payload)
        except (JoseError, ValueError, RecursionError) as error:
            raise _refused(f"its assertion does not hold ({error})") from error
        if not isinstance(claims, dict):
            raise _refused("its assertion claims nothing")
        return claims

    def _check_meant_for_us(self, claims: Mapping[str, Any]) -> None:
        if claims.get("iss") != ISSUER:
            raise _refused("its assertion was not issued by IAP")
        if claims.get("aud") != self._audience:
            raise _refused(
                f"its assertion is for {claims.get('aud')!r}, and LABELER_IAP_AUDIENCE is "
                f"{self._audience!r}"
            )

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock()
        begins = [_time(claims, "iat"), _time(claims, "nbf") if "nbf" in claims else 0.0]
        if max(begins) > now + LEEWAY_S:
            raise _refused("its assertion does not count yet; look at this machine's clock")
        if _time(claims, "exp") <= now - LEEWAY_S:
            raise _refused("its assertion has expired")


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(f"its assertion has no {name}")
    return float(value)


def _refused(why: str) -> NotSignedIn:
    return NotSignedIn(
        "This request does not prove who it comes from by Google's Identity-Aware Proxy: "
        f"{why}. Open Labeler at the address that IAP guards, or reload the page."
    )
