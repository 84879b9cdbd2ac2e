"""A project of each kind for the tests of imports."""

from __future__ import annotations

from tests.project.conftest import project, server

__all__ = ["project", "server"]
