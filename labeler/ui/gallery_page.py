"""The gallery: all images as thumbnails, and all boxes of a label, in a component of the browser.

It calls the HTTP API itself, and never waits for a run of the page.
"""

from __future__ import annotations

import json
from typing import Final

import streamlit as st

from labeler.access.policy import TOKEN_HEADER
from labeler.access.tokens import Purpose
from labeler.model.people import Role, SignIn
from labeler.runtime.browser_modules import workbench_modules
from labeler.ui import address, session_state, visitor
from labeler.ui.assets import script
from labeler.ui.context import Context
from labeler.ui.session_state import Overview
from labeler.ui.text import plain

KEY: Final = "gallery"
FILTERS: Final = (
    "find", "status", "label", "person", "assigned", "boxes", "since", "until", "warning",
    "sort", "show",
)  # fmt: skip
"""The parameters of the gallery in the address: its filters, its order, and the view in it."""
STYLE: Final = """
<style>
  [data-testid="stMainBlockContainer"] { padding-bottom: 0; }
  [data-testid="stMainBlockContainer"] > div { gap: 0 !important; }
</style>
"""

_mount = st.components.v2.component(
    "labeler_gallery",
    html='<div class="gallery-place"></div>',
    css=".gallery-place { height: calc(100dvh - 48px); min-height: 320px; }",
    js=script("workbench/loader"),
)


def show_gallery_page(context: Context, overview: Overview) -> None:
    """Draw the page."""
    labels = overview.labels
    if labels is None:
        for problem in overview.problems:
            st.error(plain(problem))
        return
    st.html(STYLE)
    is_iap = context.access.sign_in is SignIn.IAP
    setup = {
        "base": "./",
        "token": "" if context.access.sign_in is SignIn.NONE else visitor.token(Purpose.API),
        "tokenHeader": TOKEN_HEADER if is_iap else "Authorization",
        "person": visitor.current().email,
        "session": session_state.session().id,
        "labels": [label.model_dump(mode="json") for label in labels.labels],
        "isAdmin": visitor.may(Role.ADMIN),
        "heard": _state("filters"),
        "renewal": _state("renewal"),
    }
    _mount(
        key=KEY,
        data={
            "url": f"./api/workbench/{workbench_modules().version}/gallery/mount.js",
            "setup": json.dumps(setup),
        },
        default={"renewal": None, "filters": None},
        on_renewal_change=lambda: None,
        on_filters_change=_filter,
        on_open_change=_open,
        on_changed_change=context.project.image_index.expire,
    )


def _open() -> None:
    image = _state("open")
    if image:
        address.clicks().to_image(image)


def _filter() -> None:
    """Make the address say what the gallery shows."""
    wanted = json.loads(_state("filters") or "{}").get("wanted", {})
    address.clicks().to_parameters(
        {name: str(wanted.get(name, ""))[: address.MAX_TEXT] or None for name in FILTERS}
    )


def _state(name: str) -> str | None:
    found = (st.session_state.get(KEY) or {}).get(name)
    return None if found is None else str(found)
