"""Who calls, and what they may do. Pure: who vouches for a person is told elsewhere."""

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


class Role(StrEnum):
    """What somebody may do: draw boxes; look over others' boxes; change the project, export."""

    LABELER = "labeler"
    REVIEWER = "reviewer"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose e-mail address was vouched for, as `clean_email` gives it.

    It is empty where nobody is asked, and nowhere else.
    """

    email: str


_EMAIL: Final = re.compile(r"[^\s@,;:\"<>()\x00-\x1f\x7f]+@[^\s@,;:\"<>()\x00-\x1f\x7f]+")


def clean_email(text: str) -> str:
    """The address in the one form in which addresses are compared; empty where it is none.

    Only A to Z are made small: some other capitals become ASCII letters, and so somebody else's.
    """
    text = text.strip()
    if len(text) > 254 or not _EMAIL.fullmatch(text):
        return ""
    return text.encode("utf-8", "replace").lower().decode()


@dataclass(frozen=True, slots=True)
class People:
    """Some people, by address or by the domain of it; empty means that nobody is named."""

    emails: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()

    def __contains__(self, person: Person) -> bool:
        return person.email in self.emails or person.email.partition("@")[2] in self.domains

    def __bool__(self) -> bool:
        return bool(self.emails or self.domains)


def parse_people(text: str) -> People:
    """The people in a comma-separated list of addresses and `@domain`. ValueError."""
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
    """Who may do what. Nobody who is not signed in may do anything, unless nobody is asked.

    An empty list leaves its role to everybody who is let in at all: to all who are signed in where
    `labelers` is empty, else to those whom any list names. Who is named as a reviewer or an admin
    may label, and a named admin may review.
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
        """The person, who has that role. Raises NotSignedIn, NotPermitted."""
        if self.asked and not person.email:
            raise NotSignedIn("Nobody is signed in. Open Labeler's page, sign in, and try again.")
        if not self.has(person, role):
            raise NotPermitted(
                f"{person.email} may not do this: it takes the role of {_NAMED[role]}. Whoever "
                f"runs Labeler gives it, by {_SETTING[role]}."
            )
        return person


_NAMED: Final = {
    Role.LABELER: "a labeler",
    Role.REVIEWER: "a reviewer",
    Role.ADMIN: "an admin",
}
_SETTING: Final = {
    Role.LABELER: "LABELER_LABELERS",
    Role.REVIEWER: "LABELER_REVIEWERS",
    Role.ADMIN: "LABELER_ADMINS",
}
