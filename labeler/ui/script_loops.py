"""A repair of Streamlit 1.67: a session holds an event loop only while one of its runs is active.

Streamlit makes an event loop for each session and closes it when the session is shut down. After
its tab is closed, a session is kept for a while, then dropped, and never shut down. So each page
load leaves the three file descriptors of its loop open. With this repair, each thread that runs a
page has its own loop and closes it at its end.

`tests/ui/test_script_loops.py` fails once Streamlit no longer needs this; delete both then.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from streamlit import __version__
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner

logger = logging.getLogger(__name__)

FOR_VERSIONS: Final = ("1.67.",)
_PATCHED: Final = "_closes_loops_after_runs"


def close_loops_after_runs() -> None:
    """Make every run close its event loop. With an unknown Streamlit, only logs a warning.

    Objects that a run binds to its loop end with it; our pages bind none.
    """
    known = hasattr(AppSession, "_create_scriptrunner") and hasattr(
        ScriptRunner, "_run_script_thread"
    )
    if not known or not __version__.startswith(FOR_VERSIONS):
        logger.warning(
            "Streamlit %s is not known to keep event loops of closed pages open; left as it is",
            __version__,
        )
        return
    if not hasattr(AppSession, _PATCHED):
        setattr(AppSession, _PATCHED, True)
        _patch()


def _patch() -> None:
    begin: Any = AppSession.__init__
    create: Any = AppSession._create_scriptrunner
    run: Any = ScriptRunner._run_script_thread
    closed = asyncio.new_event_loop()
    closed.close()

    def begin_without_loop(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        self._script_event_loop.close()
        self._script_event_loop = closed

    def create_with_loop(self: Any, *args: Any, **kwargs: Any) -> None:
        loop = self._script_event_loop = asyncio.new_event_loop()
        try:
            create(self, *args, **kwargs)
        except BaseException:
            loop.close()
            raise
        finally:
            # From here on the run owns its loop. The session finds it closed and leaves it alone.
            self._script_event_loop = closed

    def run_and_close(self: Any) -> None:
        loop = self._event_loop
        try:
            run(self)
        finally:
            loop.close()

    patched: Any = AppSession
    patched.__init__ = begin_without_loop
    patched._create_scriptrunner = create_with_loop
    runner: Any = ScriptRunner
    runner._run_script_thread = run_and_close
