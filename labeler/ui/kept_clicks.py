"""A repair of Streamlit 1.67: a click that a run has taken reaches its callback.

Streamlit looks for the next request before it calls the callbacks of the one that it has taken. If
there is one by then, such as what a canvas sends 200 ms after a box, the run gives way to it, and
the click is lost: its callback is never called. Here the callbacks come first, and the run gives
way right after them, as Streamlit does anyway.

`tests/ui/test_kept_clicks.py` fails once Streamlit no longer needs this; delete both then.
"""

from __future__ import annotations

import logging
from typing import Any, Final

from streamlit import __version__
from streamlit.runtime.state.safe_session_state import SafeSessionState

logger = logging.getLogger(__name__)

FOR_VERSIONS: Final = ("1.67.",)
ORIGINAL: Final = SafeSessionState.on_script_will_rerun


def keep_clicks() -> None:
    """Have each run call its callbacks first. An unknown Streamlit is left as it is."""
    if not __version__.startswith(FOR_VERSIONS):
        logger.warning(
            "Streamlit %s is not known to give way before it calls callbacks; left as it is",
            __version__,
        )
        return
    patched: Any = SafeSessionState
    patched.on_script_will_rerun = _call_callbacks_first


def _call_callbacks_first(session_state: Any, *states: Any, **more: Any) -> None:
    with session_state._lock:
        session_state._state.on_script_will_rerun(*states, **more)
