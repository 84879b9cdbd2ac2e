"""How people sign in and out in a browser: what the sign-in page offers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignInWays:
    """The providers and addresses; without any, nobody signs in here.

    `providers` are names to choose from, or "" for the only one; `begin` gives the address at which
    the sign-in with one begins. `sign_out` is a path, and the fields of its query. A tab keeps the
    address that it was opened with in its session storage, under `address_key`. `open_paths` are
    Streamlit's paths that the sign-in itself needs.
    """

    providers: Sequence[str] = ()
    begin: Callable[[str], str] = str
    sign_out: tuple[str, tuple[tuple[str, str], ...]] = ("/", ())
    address_key: str = ""
    open_paths: frozenset[str] = frozenset()
