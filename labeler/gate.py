"""What every call and every page is checked by: the same for both, handed over by app.py."""

from __future__ import annotations

from dataclasses import dataclass

from labeler.auth import Roles
from labeler.tokens import Signer


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may do what, and what signs and checks the tokens that pages give out."""

    roles: Roles
    signer: Signer
