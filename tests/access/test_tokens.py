"""Tokens: what was signed passes, everything else is refused."""

from __future__ import annotations

import re
import string
from itertools import permutations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from labeler.access.tokens import LIFETIME_S, Purpose, Signer, Token, new_token
from labeler.errors import InvalidToken

SECRET = b"a secret of this test, long enough"
NOW = 1_700_000_000.5
SIGNER = Signer(SECRET)
PEOPLE = st.text(st.characters(codec="utf-8"), max_size=40)


def refused(text: str, purpose: Purpose, now: float = NOW, target: str = "") -> None:
    with pytest.raises(InvalidToken) as caught:
        SIGNER.check(text, purpose, now, target)
    assert caught.value.status == 401
    assert "Reload the page" in caught.value.message


@given(st.sampled_from(Purpose), PEOPLE, st.text("0123456789abcdef", min_size=1, max_size=64))
def test_what_was_signed_is_read_back_by_any_instance(
    purpose: Purpose, person: str, target: str
) -> None:
    token = new_token(purpose, person, NOW, target)
    text = SIGNER.sign(token)
    assert Signer(SECRET).check(text, purpose, NOW, target) == token
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", text)


@pytest.mark.parametrize("purpose", Purpose)
def test_it_ends(purpose: Purpose) -> None:
    text = SIGNER.sign(Token(purpose, "ana", 1000, "abc"))
    assert SIGNER.check(text, purpose, 999.999, "abc")
    refused(text, purpose, 1000, "abc")
    refused(text, purpose, NOW, "abc")


@given(st.sampled_from(Purpose), st.floats(0, 4e9))
def test_it_lives_for_a_half_to_the_whole_of_its_lifetime(purpose: Purpose, now: float) -> None:
    expires = new_token(purpose, "ana", now, "abc").expires
    assert LIFETIME_S[purpose] / 2 <= expires - int(now) <= LIFETIME_S[purpose]


def test_pages_drawn_soon_after_each_other_give_the_same_address() -> None:
    step = LIFETIME_S[Purpose.IMAGE] // 2
    start = NOW // step * step
    texts = {
        SIGNER.sign(new_token(Purpose.IMAGE, "ana", start + seconds, "abc"))
        for seconds in range(step)
    }
    assert len(texts) == 1


@pytest.mark.parametrize(("made", "asked"), list(permutations(Purpose, 2)))
def test_another_purpose_refuses_it(made: Purpose, asked: Purpose) -> None:
    refused(SIGNER.sign(new_token(made, "ana", NOW, "abc")), asked, target="abc")


@pytest.mark.parametrize("purpose", Purpose)
def test_another_target_refuses_it(purpose: Purpose) -> None:
    text = SIGNER.sign(new_token(purpose, "ana", NOW, "abc"))
    refused(text, purpose, target="abd")
    refused(text, purpose)


def test_a_token_for_calls_needs_no_target() -> None:
    text = SIGNER.sign(new_token(Purpose.API, "ana", NOW))
    assert SIGNER.check(text, Purpose.API, NOW, "abc").person == "ana"


@pytest.mark.parametrize("purpose", [Purpose.IMAGE, Purpose.EXPORT])
def test_a_token_for_an_address_always_names_what_it_opens(purpose: Purpose) -> None:
    with pytest.raises(ValueError, match=f"a token for one {purpose} must name it"):
        new_token(purpose, "ana", NOW)
    refused(SIGNER.sign(Token(purpose, "ana", 2**40)), purpose, target="abc")


def test_another_secret_refuses_it() -> None:
    text = Signer(SECRET + b"!").sign(new_token(Purpose.API, "ana", NOW))
    refused(text, Purpose.API)


@given(st.data())
def test_one_changed_character_refuses_it(data: st.DataObject) -> None:
    """Also in the last one, whose low bits base64 would ignore."""
    text = SIGNER.sign(new_token(Purpose.API, "ana", NOW))
    place = data.draw(st.integers(0, len(text) - 1))
    char = data.draw(st.sampled_from(string.ascii_letters + string.digits + "-_.=+/ é"))
    changed = text[:place] + char + text[place + 1 :]
    assume(changed != text)
    refused(changed, Purpose.API)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a", "a.b", "eyJhbGciOiJub25lIn0.e30.", "é.ü", "\ud800.x", "x" * 9999]
)
def test_what_is_no_token_is_refused(text: str) -> None:
    refused(text, Purpose.API)
