"""The contract of the Store on every backend."""

from __future__ import annotations

from .contract import StoreContract


class TestStore(StoreContract):
    """Runs all tests of the contract on each backend of conftest.py."""
