"""What holds for all tests."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

# The same examples in every run, so that a failure is the change's own;
# `--hypothesis-profile explore` looks for new ones. No deadline: a busy machine is no failure.
settings.register_profile("same", deadline=None, derandomize=True, database=None)
settings.register_profile("explore", deadline=None, max_examples=3000)
settings.load_profile("same")

# A shell that runs the tests in the background has them ignore Ctrl+C, and every program that
# they start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before the marks are looked at
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the browser tests to one worker: two browsers at once would leave no processor."""
    for item in items:
        if item.get_closest_marker("e2e"):
            item.add_marker(pytest.mark.xdist_group("browser"))
