"""People and their roles. Pure: other modules verify who a person is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from labeler.errors import NotPermitted, NotSignedIn


class SignIn(StrEnum):
    """How people prove who they are."""

    NONE = "none"
    IAP = "iap"
    OIDC = "oidc"


class SavedBy(StrEnum):
    """How people are named in what is stored and logged."""

    EMAIL = "email"
    HASH = "hash"
    OFF = "off"


class Role(StrEnum):
    """A person's rights: draw boxes; review others' boxes; change the project and export."""

    LABELER = "labeler"
    REVIEWER = "reviewer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """A person whose e-mail address was verified, in the form of `clean_email`.

    The address is empty if and only if nobody has to sign in. `alias` stands for it in everything
    that is stored or logged, if it is not None.
    """

    email: str
    alias: str | None = None

    @property
    def name(self) -> str:
        """How the person is named in what is stored and logged; empty if they are not named."""
        return self.email if self.alias is None else self.alias


_EMAIL: Final = re.compile(r"[^\s@,;:\"<>()\x00-\x1f\x7f]+@[^\s@,;:\"<>()\x00-\x1f\x7f]+")


def clean_email(text: str) -> str:
    """The address in the form in which addresses are compared; empty if it is not valid.

    Only A to Z become lower case: some other capitals would become ASCII letters, and the address
    would become somebody else's.
    """
    text = text.strip()
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        return ""
    return text.encode("utf-8", "replace").lower().decode()


@dataclass(frozen=True, slots=True)
class People:
    """A list of people, by address or by domain; empty means that it names nobody."""

    emails: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def __contains__(self, person: Person) -> bool:
        return person.email in self.emails or person.email.partition("@")[2] in self.domains

    def __bool__(self) -> bool:
        return bool(self.emails or self.domains)


def parse_people(text: str) -> People:
    """The people in a comma-separated list of addresses and `@domain`, or ValueError."""
    emails, domains = set(), set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        address = clean_email(f"x{part}" if part.startswith("@") else part)
        if not address:
            raise ValueError(
                f"{part!r} is neither an e-mail address nor @domain; commas stand between them"
            )
        if part.startswith("@"):
            domains.add(address.partition("@")[2])
        else:
            emails.add(address)
    return People(frozenset(emails), frozenset(domains))


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles of people. If sign-in is on, a person who is not signed in has none.

    An empty list gives its role to everybody who has access. If `labelers` is empty, these are all
    who are signed in, else only the people on any list. Reviewers and admins on a list may label,
    and admins on a list may review.
    """

    asked: bool = False
    admins: People = People()
    reviewers: People = People()
    labelers: People = People()

    def has(self, person: Person, role: Role) -> bool:
        """Whether the person has that role."""
        if not self.asked:
            return True
        named_admin, named_reviewer = person in self.admins, person in self.reviewers
        let_in = bool(person.email) and (
            not self.labelers or person in self.labelers or named_reviewer or named_admin
        )
        match role:
            case Role.LABELER:
                return let_in
            case Role.REVIEWER:
                return let_in and (not self.reviewers or named_reviewer or named_admin)
            case Role.ADMIN:
                return let_in and (not self.admins or named_admin)

    def require(self, person: Person, role: Role) -> Person:
        """The person, if they have that role; raises NotSignedIn or NotPermitted otherwise."""
        if self.asked and not person.email:
            raise NotSignedIn("Nobody is signed in. Open Labeler's page, sign in, and try again.")
        if not self.has(person, role):
            raise NotPermitted(
                f"{person.email} isn't allowed to do this. It needs the {role.value} role "
                f"({_SETTING[role]})."
            )
        return person


_SETTING: Final = {
    Role.LABELER: "LABELER_LABELERS",
    Role.REVIEWER: "LABELER_REVIEWERS",
    Role.ADMIN: "LABELER_ADMINS",
}
