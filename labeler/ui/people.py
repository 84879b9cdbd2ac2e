"""Who looks at the page, and what they may do there."""

from __future__ import annotations

from labeler.auth import Person, Role
from labeler.ui.context import bound


def current() -> Person:
    """The person whose session this is."""
    return Person("")


def may(role: Role) -> bool:
    """Whether that person has the role: what to offer. An action itself calls `require`."""
    return bound().gate.roles.has(current(), role)


def require(role: Role) -> Person:
    """The person, who has that role; each action on the page asks this first.

    Raises NotSignedIn, NotPermitted.
    """
    return bound().gate.roles.require(current(), role)
