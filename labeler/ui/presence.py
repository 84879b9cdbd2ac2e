"""The tab's connection: told honestly, and let go while nobody is there.

What it does in the browser is told in presence.js.
"""

from __future__ import annotations

import json
from pathlib import Path

import streamlit as st

_KEY = "presence"

_mount = st.components.v2.component(
    "labeler_presence",
    html="<div></div>",
    js=(Path(__file__).parent / "presence.js").read_text(encoding="utf-8"),
)


def show(*, session: str, run: int, unsaved: bool, pause_after_s: int) -> None:
    """Watch the tab's connection; `run` differs from run to run of the session.

    After `pause_after_s` seconds without pointer or key (0: never) the tab lets it go, unless
    something is `unsaved`.
    """
    heard = (st.session_state.get(_KEY) or {}).get("asked") or 0
    task = {
        "session": session,
        "run": run,
        "heard": heard,
        "unsaved": unsaved,
        "pauseAfter": pause_after_s,
    }
    _mount(
        key=_KEY,
        data={"task": json.dumps(task)},
        default={"asked": 0},
        on_asked_change=lambda: None,
    )
