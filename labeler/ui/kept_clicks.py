"""A repair of Streamlit 1.67: each click that a run has received is carried out to its end.

Streamlit looks for the next request before it calls the callbacks of the current one, and again at
each use of session state or of the page inside a callback. If there is a request by then, such as a
canvas sends 200 ms after a box, the run gives way to it. The click is lost: its callback is never
called, or only its first half. "Back" is lost in the same way, and also if Streamlit joins its
request with a later one. With this repair, callbacks run to their end, the run gives way right
after them, and "back" is remembered until the page asks for it.

A click could also count twice. If a fragment's clock rings between a click and its message, the
clock's message contains the click too. With this repair it does not count there.

`tests/ui/test_kept_clicks.py` fails once Streamlit no longer needs this; delete both then.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import streamlit as st
from streamlit import __version__
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner
from streamlit.runtime.scriptrunner_utils.script_requests import (
    ScriptRequests,
    ScriptRequestType,
    _has_active_trigger_value,
)
from streamlit.runtime.state.safe_session_state import SafeSessionState

logger = logging.getLogger(__name__)

FOR_VERSIONS: Final = ("1.67.",)
REQUEST: Final = AppSession.request_rerun
ORIGINAL: Final = SafeSessionState.on_script_will_rerun
JOIN: Final = ScriptRequests._request_rerun_locked
_NAVIGATED: Final = "browser_navigated"


def keep_clicks() -> None:
    """Make each run call its callbacks first. An unknown Streamlit is left as it is."""
    if not __version__.startswith(FOR_VERSIONS):
        logger.warning(
            "Streamlit %s is not known to give way before it calls callbacks; left as it is",
            __version__,
        )
        return
    state: Any = SafeSessionState
    state.on_script_will_rerun = _call_callbacks_first
    requests: Any = ScriptRequests
    requests._request_rerun_locked = _join
    session: Any = AppSession
    session.request_rerun = _request_without_clicks_of_clocks


def take_navigation() -> bool:
    """Whether the browser has gone back or forward since the last call in this session."""
    return bool(st.session_state.pop(_NAVIGATED, False))


def _request_without_clicks_of_clocks(session: Any, client_state: ClientState | None) -> None:
    if client_state is not None and client_state.is_auto_rerun:
        widgets = client_state.widget_states.widgets
        others = [one for one in widgets if not _has_active_trigger_value(one)]
        del widgets[:]
        widgets.extend(others)
    REQUEST(session, client_state)


def _call_callbacks_first(session_state: Any, *states: Any, **more: Any) -> None:
    with _undisturbed(session_state._yield_callback), session_state._lock:
        if more.get("is_history_navigation"):
            session_state._state[_NAVIGATED] = True
        session_state._state.on_script_will_rerun(*states, **more)


@contextmanager
def _undisturbed(give_way: Any) -> Iterator[None]:
    """Keep the run from giving way: it looks for requests only while it counts as executing."""
    runner = getattr(give_way, "__self__", None)
    if not isinstance(runner, ScriptRunner):
        yield
        return
    before, runner._execing = runner._execing, False
    try:
        yield
    finally:
        runner._execing = before


def _join(requests: Any, new: Any) -> bool:
    """Join a request with the waiting one; the result went back if either of them did."""
    waiting = requests._rerun_data if requests._state is ScriptRequestType.RERUN else None
    accepted = JOIN(requests, new)
    if accepted and waiting is not None and waiting.is_history_navigation:
        requests._rerun_data = replace(requests._rerun_data, is_history_navigation=True)
    return accepted
