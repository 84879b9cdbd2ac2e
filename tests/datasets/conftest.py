"""A project of each kind for the tests of imports."""

from __future__ import annotations

from tests.project.conftest import server, workspace

__all__ = ["server", "workspace"]
