"""A project of each kind for the tests of imports."""

from __future__ import annotations

from tests.dataset.conftest import project, server

__all__ = ["project", "server"]
