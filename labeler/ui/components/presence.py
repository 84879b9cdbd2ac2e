"""The tab's connection: it is shown to the person, and closed while nobody uses the tab.

components/presence.js describes the browser's side.
"""

from __future__ import annotations

import json
from typing import Final

import streamlit as st

from labeler.ui.assets import script

SAVE_STATE: Final = "save_state"
"""The key of the line about saving, which is hidden while there is no connection."""
_KEY = "presence"

_mount = st.components.v2.component(
    "labeler_presence",
    html="<div></div>",
    js=script("components/presence"),
)


def mount_presence(*, session: str, unsaved: bool, pause_after_s: int, away: str) -> None:
    """Watch the tab's connection, which may reach another `session` later.

    After `pause_after_s` seconds without pointer or key (0: never) the tab closes it, unless
    something is `unsaved`. Without a connection it says `away`.
    """
    heard = (st.session_state.get(_KEY) or {}).get("asked") or 0
    # Only values that rarely change: each change sends the whole script again.
    task = {
        "session": session,
        "heard": heard,
        "unsaved": unsaved,
        "pauseAfter": pause_after_s,
        "away": away,
        "saveState": SAVE_STATE,
    }
    _mount(
        key=_KEY,
        data={"task": json.dumps(task)},
        default={"asked": 0},
        on_asked_change=lambda: None,
    )
