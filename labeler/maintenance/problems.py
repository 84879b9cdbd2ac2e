"""Something in a project that does not fit together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """An inconsistency. `fault` is False if nothing can get lost because of it.

    `repair` repairs it and returns a description; it is None if only a person can repair it.
    """

    key: str
    what: str
    fault: bool = True
    repair: Callable[[], str] | None = None
