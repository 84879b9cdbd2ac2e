"""The pages beside the labeling page: `?view=` in the address opens one.

The address keeps the image, so that the way back leads to it; the sidebar stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from labeler.model.people import Role
from labeler.ui import address, visitor
from labeler.ui.context import Context
from labeler.ui.drawable.guard import LEAVE
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
    """One of these pages; `load` imports it, for a first page needs none of them."""

    title: str
    icon: str
    role: Role
    load: Callable[[], Show]


VIEWS: Final = {
    "labels": View("All labels", ":material/sell:", Role.ADMIN, _labels),
    "import": View("Import", ":material/upload_file:", Role.ADMIN, _import),
}


def opener(name: str) -> None:
    """The button that opens the view, for those who may see it."""
    view = VIEWS[name]
    if visitor.may(view.role):
        st.button(
            view.title,
            icon=view.icon,
            key=f"{LEAVE}view_{name}",
            type="tertiary",
            on_click=address.open_view,
            args=(name,),
        )


def named() -> str | None:
    """The name of the view that the address names, if there is such a view."""
    name = st.query_params.get(address.VIEW, "")
    return name if name in VIEWS else None


def current() -> View | None:
    """The view that the address names; one that there is not is ignored with a word."""
    name = st.query_params.get(address.VIEW)
    if name is not None and name not in VIEWS:
        st.warning(plain(f"There is no view {name!r}. These are the images."))
    return VIEWS.get(name or "")


def show_view(view: View, context: Context, overview: Overview) -> None:
    """Draw the view, with the way back. Raises NotSignedIn, NotPermitted."""
    visitor.require(view.role)
    with st.container(horizontal=True, vertical_alignment="center", key="view_head"):
        st.button("Back to the images", icon=":material/arrow_back:", key="back", on_click=close)
        st.markdown(f"### {view.title}", width="content")
    view.load()(context, overview)


def close() -> None:
    """Have the next run show the image again."""
    address.open_view(None)
