"""The router: `?view=` in the address opens a page other than the labeling page.

The address keeps the image, so that the button back leads to it; the sidebar stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from labeler.model.people import Role
from labeler.ui import address, visitor
from labeler.ui.context import Context
from labeler.ui.session_state import Overview
from labeler.ui.text import plain

Show = Callable[[Context, Overview], None]


def _labels() -> Show:
    from labeler.ui import labels_page

    return labels_page.show_labels_page


def _import() -> Show:
    from labeler.ui import import_page

    return import_page.show_import_page


@dataclass(frozen=True, slots=True)
class View:
    """One of these pages; `load` imports it, because the first page needs none of them."""

    title: str
    icon: str
    role: Role
    load: Callable[[], Show]


VIEWS: Final = {
    "labels": View("All labels", ":material/sell:", Role.ADMIN, _labels),
    "import": View("Import", ":material/upload_file:", Role.ADMIN, _import),
}


def opener(name: str) -> None:
    """Show the button that opens the page, to people who may see it."""
    view = VIEWS[name]
    if visitor.may(view.role):
        st.button(
            view.title,
            icon=view.icon,
            key=f"view_{name}",
            type="tertiary",
            on_click=address.clicks().to_view,
            args=(name,),
        )


def find(name: str | None) -> View | None:
    """The page of that name; an unknown one is ignored with a message."""
    if name is not None and name not in VIEWS:
        st.warning(plain(f"There is no page {name!r}. These are the images."))
    return VIEWS.get(name or "")


def show_view(view: View, context: Context, overview: Overview) -> None:
    """Draw the page, with a button back. Raises NotSignedIn, NotPermitted."""
    visitor.require(view.role)
    with st.container(horizontal=True, vertical_alignment="center", key="view_head"):
        st.button(
            "Back to the images",
            icon=":material/arrow_back:",
            key="back",
            on_click=address.clicks().to_view,
            args=(None,),
        )
        st.markdown(f"### {view.title}", width="content")
    view.load()(context, overview)
