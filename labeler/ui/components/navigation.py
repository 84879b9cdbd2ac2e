"""The row of links to the pages, at the top of each of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Final

import streamlit as st

from labeler.ui.assets import script, style

KEY: Final = "navigation"

STYLE: Final = """
<style>
  :is([data-testid="stHeader"], [data-testid="stToolbar"]) {
    height: 40px;
    min-height: 40px;
    pointer-events: none;
  }
  [data-testid="stHeader"] button { pointer-events: auto; }
  /* Room for the menu, and for the button that opens the sidebar where it is closed. */
  [data-testid="stApp"] { --navigation-right: 2.8rem; --navigation-left: 0px; }
  [data-testid="stApp"]:has([data-testid="stExpandSidebarButton"]) { --navigation-left: 2.8rem; }
  [data-testid="stLayoutWrapper"]:has(> .st-key-navigation_row) {
    position: sticky;
    top: 0;
    z-index: 10;
    height: 40px;
    width: auto;
    margin: 0 calc(-1 * var(--page-side));
  }
</style>
"""

_mount = st.components.v2.component(
    "labeler_navigation",
    html='<nav class="navigation" aria-label="Pages"></nav>',
    css=style("components/navigation"),
    js=script("components/navigation"),
)


def mount_navigation(
    links: Sequence[tuple[str, str]], current: str, to_view: Callable[[str], None]
) -> None:
    """Show a link for each view and its title; a click calls `to_view` with the view."""

    def clicked() -> None:
        view = (st.session_state.get(KEY) or {}).get("view")
        if view is not None:
            to_view(str(view))

    with st.container(key="navigation_row"):
        _mount(
            key=KEY,
            data={
                "links": json.dumps([{"view": view, "title": title} for view, title in links]),
                "current": current,
            },
            on_view_change=clicked,
        )
