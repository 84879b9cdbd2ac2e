"""If-Match and If-None-Match, by the words of RFC 9110."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labeler.api.preconditions import Condition, etag, parse_tags, write_condition
from labeler.errors import ConditionMissing, InvalidRequest

NOW = etag("1795336765655983275-370-2351650")
ETAGC = st.text(
    st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters='"\x7f').filter(
        lambda char: char < "\x7f" or char >= "\x80"
    )
)


def held(current: str | None, match: str | None = None, none_match: str | None = None) -> bool:
    lines = [[value] if value is not None else [] for value in (match, none_match)]
    return Condition(parse_tags("If-Match", lines[0]), parse_tags("If-None-Match", lines[1])).holds(
        current
    )


@pytest.mark.parametrize(
    "listed", [NOW, f'"a", {NOW}', f' {NOW} ,"b"', f',, {NOW},,"c",', "*", " * "]
)
def test_if_match_holds_for_the_state_it_names(listed: str) -> None:
    assert held(NOW, match=listed)
    assert not held(None, match=listed)


@pytest.mark.parametrize("listed", ['"x"', '""', f"W/{NOW}", f'"x", W/{NOW}', f'"{NOW[1:-1]},"'])
def test_if_match_compares_strongly(listed: str) -> None:
    assert not held(NOW, match=listed)


@pytest.mark.parametrize("listed", [NOW, f"W/{NOW}", f'"x", W/{NOW}', "*"])
def test_if_none_match_compares_weakly(listed: str) -> None:
    assert not held(NOW, none_match=listed)
    assert held(None, none_match=listed)


def test_if_none_match_holds_for_other_states() -> None:
    assert held(NOW, none_match='"x", W/"y"')


def test_both_have_to_hold() -> None:
    assert held(NOW, match=NOW, none_match='"x"')
    assert not held(NOW, match=NOW, none_match="*")
    assert not held(NOW, match='"x"', none_match='"y"')


@pytest.mark.parametrize("listed", ["", " ", ",,"])
def test_an_empty_list_names_no_state(listed: str) -> None:
    assert not held(NOW, match=listed)
    assert held(NOW, none_match=listed)


def test_an_etag_may_hold_a_comma() -> None:
    assert held(etag("a,b"), match='"a", "a,b"')
    assert not held(etag("a"), match='"a,b"')


@given(st.lists(st.tuples(st.booleans(), ETAGC), min_size=1, max_size=5), st.integers(0, 3))
def test_every_list_is_read(found: list[tuple[bool, str]], lines: int) -> None:
    tags = [f'W/"{text}"' if weak else f'"{text}"' for weak, text in found]
    cut = min(lines, len(tags) - 1)
    values = [", ".join(tags)] if not cut else [" ,".join(tags[:cut]), ",".join(tags[cut:])]
    parsed = parse_tags("If-Match", values)
    assert parsed
    assert (parsed.star, parsed.tags) == (False, tuple(tags))


@pytest.mark.parametrize(
    "text", ["abc", '"abc', 'abc"', "W/abc", 'w/"abc"', "**", '*, "a"', '"a" "b"', '"a\x00"']
)
def test_what_is_no_list_of_etags_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="quotes included"):
        parse_tags("If-Match", [text])


@pytest.mark.parametrize("none_match", [[], ['"x"'], [NOW, 'W/"y"']])
def test_a_write_names_what_it_replaces(none_match: list[str]) -> None:
    with pytest.raises(ConditionMissing, match="If-None-Match: \\*"):
        write_condition([], none_match)
    assert write_condition([NOW], none_match).match
    assert write_condition([], ["*"]).holds(None)
