"""Who may do what: the lists, the roles, and addresses that only look alike."""

from __future__ import annotations

import pytest

from labeler.errors import NotPermitted, NotSignedIn
from labeler.model.people import People, Person, Role, Roles, clean_email, parse_people

ANA, BEN, EVE = (Person(f"{name}@example.com") for name in ("ana", "ben", "eve"))
OTHER = Person("ola@other.org")
EVERYTHING = set(Role)


def roles(admins: str = "", reviewers: str = "", labelers: str = "") -> Roles:
    return Roles(True, parse_people(admins), parse_people(reviewers), parse_people(labelers))


def held(given: Roles, person: Person) -> set[Role]:
    return {role for role in Role if given.has(person, role)}


# --- lists --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("ana@example.com", [ANA], [BEN, OTHER]),
        (" ANA@Example.COM , ,ben@example.com,", [ANA, BEN], [EVE, OTHER]),
        ("@example.com", [ANA, BEN, EVE], [OTHER]),
        ("@EXAMPLE.com, ola@other.org", [ANA, OTHER], [Person("ben@other.org")]),
    ],
)
def test_lists(text: str, inside: list[Person], outside: list[Person]) -> None:
    people = parse_people(text)
    assert people
    for person in inside:
        assert person in people
    for person in outside:
        assert person not in people


@pytest.mark.parametrize("text", ["", " ", ",", " , "])
def test_an_empty_list_names_nobody(text: str) -> None:
    assert not parse_people(text)
    assert parse_people(text) == People()


@pytest.mark.parametrize(
    "text",
    ["ana", "@", "ana@", "a@b@c", "@a@b", "ana@example.com ben@example.com", "*@b.c@", "@ x",
     "ana@example.com; ben@example.com", "Ana <ana@example.com>", "mailto:ana@example.com"],
)  # fmt: skip
def test_what_is_no_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="neither an e-mail address nor @domain"):
        parse_people(f"ben@example.com,{text}")


@pytest.mark.parametrize(
    "address",
    ["ana@sub.example.com", "ana@example.com.evil.org", "ana@evilexample.com", "ana@example.co",
     "x@evil.org@example.com", "@example.com", "example.com", "", "ana@example.com\n"],
)  # fmt: skip
def test_a_domain_is_the_whole_domain(address: str) -> None:
    inside = Person(clean_email(address)) in parse_people("@example.com")
    assert inside == (address == "ana@example.com\n")  # only what stands around it is dropped


def test_letters_that_only_become_alike_stay_apart() -> None:
    """The long s and the Kelvin sign are s and k once they are made small by Unicode's rules."""
    people = parse_people("sam@example.com, kim@example.com, @kits.org")
    for address in ("ſam@example.com", "\u212aim@example.com", "a@\u212aits.org", "a@kitſ.org"):
        assert Person(clean_email(address)) not in people
    assert Person(clean_email("SAM@EXAMPLE.COM")) in people


@pytest.mark.parametrize(
    "text", ["a" * 250 + "@b.cd", "a b@c.d", "a\x00@c.d", "a,b@c.d", '"a"@c.d']
)
def test_what_is_no_address_is_nobody(text: str) -> None:
    assert clean_email(text) == ""


# --- roles --------------------------------------------------------------------------------


def test_without_lists_everybody_who_is_signed_in_may_do_everything() -> None:
    assert held(roles(), ANA) == held(roles(), OTHER) == EVERYTHING


def test_each_list_keeps_its_own_role() -> None:
    given = roles(admins="ana@example.com", reviewers="ben@example.com")
    assert held(given, ANA) == EVERYTHING
    assert held(given, BEN) == {Role.LABELER, Role.REVIEWER}
    assert held(given, OTHER) == {Role.LABELER}


def test_a_list_of_labelers_keeps_everybody_else_out_who_is_named_nowhere() -> None:
    given = roles(labelers="@example.com")
    assert held(given, ANA) == EVERYTHING
    assert held(given, OTHER) == set()
    given = roles(admins="ola@other.org", reviewers="rob@other.org", labelers="@example.com")
    assert held(given, OTHER) == EVERYTHING
    assert held(given, Person("rob@other.org")) == {Role.LABELER, Role.REVIEWER}
    assert held(given, ANA) == {Role.LABELER}
    assert held(given, Person("eve@other.org")) == set()


def test_an_empty_list_of_admins_makes_nobody_a_reviewer() -> None:
    assert held(roles(reviewers="ben@example.com"), ANA) == {Role.LABELER, Role.ADMIN}


@pytest.mark.parametrize("given", [roles(), roles("@example.com", "@example.com", "@example.com")])
def test_nobody_may_do_nothing(given: Roles) -> None:
    assert held(given, Person("")) == set()
    with pytest.raises(NotSignedIn, match="sign in"):
        given.require(Person(""), Role.LABELER)


def test_where_nobody_is_asked_everybody_may_do_everything() -> None:
    given = Roles(False, parse_people("ana@example.com"))
    assert held(given, Person("")) == EVERYTHING
    assert given.require(Person(""), Role.ADMIN) == Person("")


@pytest.mark.parametrize(
    ("role", "named", "setting"),
    [
        (Role.ADMIN, "the admin role", "LABELER_ADMINS"),
        (Role.REVIEWER, "the reviewer role", "LABELER_REVIEWERS"),
        (Role.LABELER, "the labeler role", "LABELER_LABELERS"),
    ],
)
def test_a_refusal_says_what_is_missing_and_who_gives_it(
    role: Role, named: str, setting: str
) -> None:
    given = roles(*["ana@example.com"] * 3)
    assert given.require(ANA, role) == ANA
    with pytest.raises(NotPermitted) as caught:
        given.require(EVE, role)
    assert caught.value.message.startswith("eve@example.com isn't allowed to do this")
    assert named in caught.value.message
    assert setting in caught.value.message
