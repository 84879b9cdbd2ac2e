"""IAP's assertion: what it signs passes, and every way to forge one is refused."""

from __future__ import annotations

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey

from labeler.access import iap
from labeler.access.iap import (
    ASK_AGAIN_S,
    FRESH_S,
    GOOGLE_KEYS,
    KEPT_S,
    LEEWAY_S,
    RETRY_S,
    Assertions,
    Keys,
)
from labeler.errors import NotSignedIn, SignInUnavailable
from labeler.model.people import Person
from tests.access.iap_proxy import AUDIENCE, KEY, KeyServer, claims, signed
from tests.endless import endless_server

ANA = Person("ana@example.com")
OTHER = ECKey.generate_key("P-256", {"kid": "k1"})
NOW = 1_800_000_000.0


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def server() -> Iterator[KeyServer]:
    with KeyServer() as started:
        yield started


@pytest.fixture
def person(server: KeyServer) -> Callable[..., Person]:
    """Who is told by these values of the header, at NOW."""
    assertions = Assertions(AUDIENCE, Keys(server.url), lambda: NOW)
    return lambda *values: assertions.person(values)


Told = Callable[..., Person]


def at(email: str = "ana@example.com", **other: Any) -> dict[str, Any]:
    return claims(email, NOW, **other)


def test_what_iap_signs_names_the_person(person: Told) -> None:
    assert person(signed(at())) == ANA
    assert person(signed(at("Ana@Example.COM"))) == ANA
    assert person(signed(at(nbf=NOW, gcip={"email_verified": True}))) == ANA
    assert person(signed(at(unknown={"more": [1]}))) == ANA


# --- forged -------------------------------------------------------------------------------


def parts(text: str) -> list[str]:
    return text.split(".")


def coded(content: Any) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unsigned(alg: str) -> str:
    return f"{coded({'alg': alg, 'kid': 'k1'})}.{coded(at())}."


def with_public_key_as_secret(form: str) -> str:
    """The classic: a signature by a secret that everybody can read."""
    public = KEY.as_bytes("PEM" if form == "pem" else "DER", private=False)
    text = f"{coded({'alg': 'HS256', 'kid': 'k1'})}.{coded(at())}"
    return f"{text}.{coded(hmac.digest(public, text.encode(), 'sha256'))}"


def with_its_own_key(name: str) -> str:
    public: Any = OTHER.as_dict(private=False)
    if name == "jku":
        public = "https://evil.example/keys"
    if name == "x5c":
        public = [coded(b"a certificate")]
    return signed(at(), OTHER, **{name: public})


def moved(index: int, other: str) -> str:
    """A right assertion with one part of another."""
    found = parts(signed(at()))
    found[index] = parts(other)[index]
    return ".".join(found)


RSA = RSAKey.generate_key(2048, {"kid": "k1"})
P521 = ECKey.generate_key("P-521", {"kid": "k1"})
K256 = ECKey.generate_key("secp256k1", {"kid": "k1"})

FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: unsigned("none"),
    "alg None": lambda: unsigned("None"),
    "alg empty": lambda: unsigned(""),
    "alg ES256 without signature": lambda: unsigned("ES256"),
    "HS256 with the public key, PEM": lambda: with_public_key_as_secret("pem"),
    "HS256 with the public key, DER": lambda: with_public_key_as_secret("der"),
    "HS256 with an empty secret": lambda: signed(at(), OctKey.import_key(b"\0" * 32), "HS256"),
    "RS256": lambda: signed(at(), RSA, "RS256"),
    "ES512": lambda: signed(at(), P521, "ES512"),
    "another key under the known ID": lambda: signed(at(), OTHER),
    "an unknown key": lambda: signed(at(), OTHER, kid="k2"),
    "a known key under another ID": lambda: signed(at(), kid="k2"),
    "no key ID": lambda: signed(at(), kid=None),
    "a key ID that is no text": lambda: f"{coded({'alg': 'ES256', 'kid': ['k1']})}."
    f"{coded(at())}.{parts(signed(at()))[2]}",
    "a key in the header": lambda: with_its_own_key("jwk"),
    "a key's address in the header": lambda: with_its_own_key("jku"),
    "a certificate in the header": lambda: with_its_own_key("x5c"),
    "other claims under the signature": lambda: moved(1, signed(at("eve@example.com"))),
    "another header over the signature": lambda: moved(0, signed(at(), typ="other")),
    "another signature": lambda: moved(2, signed(at("eve@example.com"))),
    "a signature of zeros": lambda: ".".join([*parts(signed(at()))[:2], coded(b"\0" * 64)]),
    "a signature in DER's form": lambda: ".".join(
        [*parts(signed(at()))[:2], coded(b"\x30\x06\x02\x01\x01\x02\x01\x01")]
    ),
    "text after it": lambda: f"{signed(at())}A",
    "a fourth part": lambda: f"{signed(at())}.{coded(at())}",
    "a space in it": lambda: signed(at()).replace(".", ". ", 1),
    "two with a comma": lambda: f"{signed(at())}, {signed(at('eve@example.com'))}",
    "detached": lambda: ".".join([parts(signed(at()))[0], "", parts(signed(at()))[2]]),
    "JSON, not compact": lambda: json.dumps({"payload": coded(at())}),
    "empty": lambda: "",
    "dots": lambda: "..",
    "nonsense": lambda: "nonsense",
    "no ASCII": lambda: f"é{signed(at())}",
    "a header that is not valid JSON": lambda: f"{coded(b'{')}.{coded(at())}.x",
    "a header that is a list": lambda: f"{coded([])}.{coded(at())}.x",
    "a very deep header": lambda: f"{coded(b'[' * 5000)}.{coded(at())}.x",
    "very long": lambda: signed(at(more="x" * 9000)),
    "claims that are a list": lambda: signed([at()]),
    "claims that are no JSON": lambda: signed(b"{"),
    "a critical header that nobody knows": lambda: (
        f"{coded({'alg': 'ES256', 'kid': 'k1', 'crit': ['x'], 'x': 1})}."
        f"{coded(at())}.{parts(signed(at()))[2]}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_assertion_is_refused(person: Told, name: str) -> None:
    with pytest.raises(NotSignedIn, match="does not prove who it comes from"):
        person(FORGED[name]())


CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "for another service": ({"aud": f"{AUDIENCE}2"}, "LABELER_IAP_AUDIENCE"),
    "for several": ({"aud": [AUDIENCE, "x"]}, "LABELER_IAP_AUDIENCE"),
    "for a list of one": ({"aud": [AUDIENCE]}, "LABELER_IAP_AUDIENCE"),
    "for nobody": ({"aud": None}, "LABELER_IAP_AUDIENCE"),
    "an identity token of Google's": ({"iss": "https://accounts.google.com"}, "not issued by IAP"),
    "with a longer issuer": ({"iss": "https://cloud.google.com/iap/"}, "not issued by IAP"),
    "from nobody": ({"iss": None}, "not issued by IAP"),
    "expired": ({"exp": NOW - LEEWAY_S}, "has expired"),
    "without an end": ({"exp": None}, "has no exp"),
    "an end in words": ({"exp": str(NOW + 600)}, "has no exp"),
    "an end that is true": ({"exp": True}, "has no exp"),
    "without a beginning": ({"iat": None}, "has no iat"),
    "from the future": ({"iat": NOW + LEEWAY_S + 1}, "does not count yet"),
    "not yet valid": ({"nbf": NOW + LEEWAY_S + 1}, "does not count yet"),
    "a beginning in words": ({"nbf": "now"}, "has no nbf"),
    "nobody's address": ({"email": None}, "names no e-mail address"),
    "an empty address": ({"email": ""}, "names no e-mail address"),
    "several addresses": ({"email": ["ana@example.com"]}, "names no e-mail address"),
    "an address that is none": ({"email": "ana"}, "names no e-mail address"),
    "an address with a name space": (
        {"email": "accounts.google.com:ana@example.com"},
        "names no e-mail address",
    ),
    "an address never verified": ({"gcip": {"email_verified": False}}, "never verified"),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_right_signature_over_wrong_claims_is_refused(person: Told, name: str) -> None:
    other, why = CLAIMS[name]
    with pytest.raises(NotSignedIn, match=why):
        person(signed(at(**other)))


def test_clocks_may_differ_a_little(person: Told) -> None:
    assert person(signed(at(exp=NOW - LEEWAY_S + 1, iat=NOW - 600))) == ANA
    assert person(signed(at(iat=NOW + LEEWAY_S))) == ANA


def test_none_and_several_are_refused(person: Told) -> None:
    """Nobody can tell which of two a proxy has checked, even where both are right."""
    with pytest.raises(NotSignedIn, match="has no assertion"):
        person()
    with pytest.raises(NotSignedIn, match="several assertions"):
        person(signed(at()), signed(at()))
    with pytest.raises(NotSignedIn, match="several assertions"):
        person("nonsense", signed(at()))


def test_every_changed_character_is_seen(person: Told) -> None:
    text = signed(at())
    for place in range(0, len(text), 7):
        changed = text[:place] + ("A" if text[place] != "A" else "B") + text[place + 1 :]
        with pytest.raises(NotSignedIn):
            person(changed)


# --- keys ---------------------------------------------------------------------------------


def test_the_keys_are_google_s() -> None:
    assert GOOGLE_KEYS == "https://www.gstatic.com/iap/verify/public_key-jwk"


def test_keys_are_fetched_once_and_again_each_hour() -> None:
    clock = Clock()
    with KeyServer() as server:
        keys = Keys(server.url, clock)
        for _ in range(10):
            assert keys.find("k1")
        assert server.asked == 1
        clock.now += FRESH_S
        assert keys.find("k1")
        assert keys.find("k1")
        assert server.asked == 2


def test_many_at_once_fetch_once() -> None:
    with KeyServer() as server, ThreadPoolExecutor(16) as pool:
        keys = Keys(server.url)
        assert all(pool.map(lambda _: keys.find("k1"), range(64)))
        assert server.asked == 1


def test_a_new_key_is_found_and_strange_ones_ask_no_more_than_every_so_often() -> None:
    clock = Clock()
    new = ECKey.generate_key("P-256", {"kid": "k2"})
    with KeyServer() as server:
        keys = Keys(server.url, clock)
        for number in range(50):
            assert keys.find(f"strange{number}") is None
        assert server.asked == 1
        server.keys.append(new)
        assert keys.find("k2") is None
        clock.now += ASK_AGAIN_S
        assert keys.find("k2")
        assert keys.find("k1")
        assert server.asked == 2


def test_a_key_that_was_withdrawn_counts_no_more() -> None:
    clock = Clock()
    with KeyServer() as server:
        keys = Keys(server.url, clock)
        assert keys.find("k1")
        server.keys = [ECKey.generate_key("P-256", {"kid": "k2"})]
        clock.now += FRESH_S
        assert keys.find("k1") is None


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"[]", b'{"keys": {}}', b'{"a": 1}', b"<html>", b"\xff", b'{"keys": [{"kty": "EC",'
     b'"crv": "P-256", "kid": "k1", "x": "AA", "y": "AA"}]}'],
)  # fmt: skip
def test_keys_that_can_t_be_had_let_nobody_in(broken: bytes) -> None:
    clock = Clock()
    with KeyServer() as server:
        server.broken = broken
        keys = Keys(server.url, clock)
        assertions = Assertions(AUDIENCE, keys)
        for _ in range(5):
            with pytest.raises(SignInUnavailable, match=r"could not be fetched.*Try again"):
                assertions.person([signed(claims())])
        assert server.asked == 1
        server.broken = None
        clock.now += RETRY_S
        assert assertions.person([signed(claims())]) == ANA


def test_a_server_that_is_away_lets_nobody_in() -> None:
    with KeyServer() as server:
        url = server.url
    with pytest.raises(SignInUnavailable, match="refused"):
        Keys(url).find("k1")


def test_a_server_that_never_ends_its_answer_lets_nobody_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(iap, "_FETCH_S", 0.3)
    told: list[str] = []

    def ask(keys: Keys) -> None:
        try:
            keys.find("k1")
        except SignInUnavailable as error:
            told.append(error.message)

    with endless_server(b"HTTP/1.1 200 OK\r\n\r\n", b" ") as url:
        caller = threading.Thread(target=ask, args=(Keys(url),), daemon=True)
        caller.start()
        caller.join(60)
    assert [text for text in told if "could not be fetched" in text]


def test_known_keys_count_for_a_day_while_new_ones_can_t_be_had() -> None:
    clock = Clock()
    with KeyServer() as server:
        keys = Keys(server.url, clock)
        assert keys.find("k1")
        server.broken = b"{"
        clock.now += FRESH_S
        assert keys.find("k1")
        with pytest.raises(SignInUnavailable):
            keys.find("k2")
        clock.now += KEPT_S - FRESH_S
        with pytest.raises(SignInUnavailable):
            keys.find("k1")


def test_keys_of_other_kinds_are_passed_over() -> None:
    with KeyServer(RSA, P521, K256) as server:
        keys = Keys(server.url)
        assert keys.find("k1") is None
        assert server.asked == 1


def test_the_time_is_now_unless_told_otherwise() -> None:
    with KeyServer() as server:
        assertions = Assertions(AUDIENCE, Keys(server.url))
        assert assertions.person([signed(claims())]) == ANA
        with pytest.raises(NotSignedIn, match="has expired"):
            assertions.person([signed(claims(now=time.time() - 3600))])
