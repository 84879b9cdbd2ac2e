"""The router: `?view=` in the address opens a page other than the labeling page.

A row of links leads from page to page. The address keeps the image, so that "Label" leads back to
it; the sidebar stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from labeler.model.people import Role
from labeler.ui import address, visitor
from labeler.ui.components import navigation
from labeler.ui.context import Context
from labeler.ui.session_state import Overview

REVIEW: Final = "review"
"""The view that is the workbench itself."""
Show = Callable[[Context, Overview], None]


def _gallery() -> Show:
    from labeler.ui import gallery_page

    return gallery_page.show_gallery_page


def _dashboard() -> Show:
    from labeler.ui import dashboard_page

    return dashboard_page.show_dashboard_page


def _trash() -> Show:
    from labeler.ui import trash_page

    return trash_page.show_trash_page


def _labels() -> Show:
    from labeler.ui import labels_page

    return labels_page.show_labels_page


def _data() -> Show:
    from labeler.ui import data_page

    return data_page.show_data_page


def _review() -> Show:
    from labeler.ui import review_page

    return review_page.show_drawable_review


@dataclass(frozen=True, slots=True)
class View:
    """One of these pages; `load` imports it, because the first page needs none of them.

    The row of links has the `listed` pages, in the order of the table. A page that fills the window
    has no `heading`.
    """

    title: str
    role: Role
    load: Callable[[], Show]
    listed: bool = True
    heading: bool = True


VIEWS: Final = {
    "gallery": View("Gallery", Role.LABELER, _gallery, heading=False),
    REVIEW: View("Review", Role.REVIEWER, _review),
    "labels": View("Labels", Role.ADMIN, _labels),
    "data": View("Data", Role.ADMIN, _data),
    "dashboard": View("Dashboard", Role.ADMIN, _dashboard),
    "trash": View("Deleted images", Role.ADMIN, _trash, listed=False),
}
_LABELING: Final = ("", "Label")
"""The page without a view in its address."""


def find(name: str | None) -> View | None:
    """The page of that name; an unknown one is ignored with a message."""
    if name is not None and name not in VIEWS:
        st.warning("Page not found. Showing the images.")
    return VIEWS.get(name or "")


def is_review(name: str | None, *, on_workbench: bool) -> bool:
    """Whether the view is the workbench itself, over the images that this person reviews."""
    return name == REVIEW and on_workbench and visitor.may(VIEWS[REVIEW].role)


def show_navigation(current: str | None) -> None:
    """Show the links to the pages that this person may see."""
    links = [(name, view.title) for name, view in VIEWS.items() if _is_offered(view)]
    here = current if current in VIEWS else ""
    navigation.mount_navigation([_LABELING, *links], here or "", _to_view)


def _is_offered(view: View) -> bool:
    return view.listed and visitor.may(view.role)


def _to_view(name: str) -> None:
    address.clicks().to_view(name or None)


def show_view(view: View, context: Context, overview: Overview) -> None:
    """Draw the page. Raises NotSignedIn, NotPermitted."""
    visitor.require(view.role)
    if view.heading:
        st.markdown(f"### {view.title}", width="content")
    view.load()(context, overview)
