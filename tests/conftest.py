"""What holds for all tests."""

from __future__ import annotations

import signal

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
