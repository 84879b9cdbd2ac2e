"""The labeling page, from top to bottom."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from labeler import __version__
from labeler.errors import LabelerError
from labeler.model.document import NEEDS_WORK
from labeler.model.people import Role
from labeler.project.image_entry import ImageEntry
from labeler.ui import (
    address,
    export_panel,
    image_list,
    review_page,
    router,
    session_state,
    sidebar,
    sign_in,
    visitor,
)
from labeler.ui.address_parameters import put_parameters, run_again
from labeler.ui.components import navigation, presence
from labeler.ui.context import Context, page_context
from labeler.ui.drawable import image_page, open_image
from labeler.ui.image_list import NO_WAY, FilteredImages
from labeler.ui.session_state import Overview
from labeler.ui.text import plain
from labeler.ui.workbench.page import leave_workbench, show_workbench_page

STYLE = """
<style>
  [data-testid="stHeader"] { background: transparent; }
  [data-testid="stApp"] { --page-side: 1.5rem; }
  [data-testid="stMain"] { scrollbar-gutter: stable; }
  [data-testid="stMainBlockContainer"] { padding: 0 var(--page-side) 1rem; max-width: none; }
  [data-testid="stMainBlockContainer"] > div { gap: 0.6rem; }
  div:has(> .st-key-watch) { display: none; }
  .st-key-save_state { min-height: 1.5rem; }
  /* Streamlit's own gray is a little too pale to be read on white. */
  [data-testid="stApp"] [data-testid="stCaptionContainer"] { opacity: 0.75; }
  /* Streamlit writes white on the theme's color, which is bright in the dark one. */
  [data-testid^="stBaseButton-primary"]:enabled {
    background: #1f5fbf; border-color: #1f5fbf; color: #fff;
  }
  [data-testid^="stBaseButton-primary"]:enabled:is(:hover, :active) {
    background: #184c99; border-color: #184c99;
  }
  @media (max-width: 640px) {
    [data-testid="stApp"] { --page-side: 0.6rem; }
  }
</style>
"""


AWAY = {
    "workbench": "Not connected. Your boxes are kept here.",
    "drawable": "Not connected. What you draw now may be lost.",
}
"""What the page says near the canvas while there is no connection."""
_FIRST = 20


def show_page() -> None:
    """Draw the page for the image that the address names."""
    st.set_page_config(page_title="Labeler", layout="wide")
    st.html(STYLE)
    st.html(sidebar.STYLE)
    st.html(navigation.STYLE)
    context = page_context()
    sign_in.warn_if_open(context)
    try:
        visitor.require(Role.LABELER)
    except LabelerError as error:
        leave_workbench()
        st.error(plain(error.message))
        return
    session = session_state.session()
    watch = st.container(key="watch")
    try:
        _show(context)
    except LabelerError as error:
        st.error(plain(error.message))
    for text, icon in session.messages:
        st.toast(plain(text), icon=icon)
    session.messages.clear()
    with watch:
        presence.mount_presence(
            session=session.id,
            unsaved=not open_image.is_saved(),
            pause_after_s=context.settings.pause_after_s,
            away=AWAY[context.settings.canvas],
        )


def _show(context: Context) -> None:
    """The sidebar, and beside it a view or the image on the canvas that the settings name."""
    is_drawable = context.settings.canvas == "drawable"
    address.begin()
    place = address.wanted()
    place = replace(place, image=place.image or open_image.image_id())
    view = router.find(place.view)
    staying = None
    if is_drawable:
        staying = open_image.take_over(context.project, place.image, is_view=view is not None)
    if staying is None:
        address.show_place(place)
    else:
        view = None
    router.show_navigation(place.view if view is not None else None)
    image_list.follow_filters()
    label, way = "", NO_WAY
    with st.sidebar:
        sidebar.uploader(context)
        overview = session_state.read_overview(context.project, visitor.current().name)
        _tell(overview.problems)
        labels, images, tally = overview.labels, overview.view, overview.tally
        if labels:
            label = sidebar.label_panel(context, labels, picks=is_drawable)
        wanted, ignored = address.filters(labels)
        found = None
        if images is not None:
            found = image_list.filter_images(context.project, images, labels, wanted)
        current = staying or place.image or _first_image(context, overview, found)
        if overview.is_listing:
            _wait_for_images(context)
        if found is not None and tally is not None:
            shown = context.project.image_index.known(current) if current else None
            way = image_list.show_image_list(tally, found, labels, shown)
        for line in ignored:
            st.caption(f"Ignored in the address: {plain(line)}.")
        _tell_of_index(overview.index_problem)
        export_panel.show_export_panel(context, labels)
        sign_in.account(context)
        st.caption(f"Labeler {__version__}")
    # Each has a place of its own: if a view took the canvas's place, the browser would mount the
    # canvas again inside the view for a moment. Removed elements stay until the run ends, so the
    # view comes second, where it moves no canvas.
    beside, before = st.container(), st.container()
    has_images = tally is not None and tally.total > 0
    is_review = router.is_review(place.view, on_workbench=not is_drawable)
    if view is not None and not is_review:
        with before:
            leave_workbench()
            review_page.leave_review()
            router.show_view(view, context, overview)
        return
    with beside:
        if is_review and labels is not None and (images is not None or overview.is_listing):
            review_page.show_review_page(context, place.image, labels, images)
        elif labels is None or current is None or not (has_images or overview.is_listing):
            _show_no_image(overview)
        elif is_drawable:
            image_page.show_image_page(
                context, current, way, labels, label, is_leaving=staying is not None
            )
        else:
            review_page.leave_review()
            show_workbench_page(context, current, labels, wanted, tally.total if tally else 0)


def _show_no_image(overview: Overview) -> None:
    """Nothing while the images are listed for the first time, else a text about what to do."""
    is_unknown = overview.tally is None and not overview.is_listing
    if overview.labels is None or is_unknown:
        _tell(overview.problems)  # also if the sidebar is closed
        return
    leave_workbench()
    if not overview.is_listing:
        _welcome()


def _tell(problems: list[str]) -> None:
    for problem in problems:
        st.error(plain(problem))


def _tell_of_index(problem: str) -> None:
    """Say that the list comes from the store; only admins need to know where the database is."""
    if problem:
        why = plain(problem) if visitor.may(Role.ADMIN) else "Nothing is lost."
        st.caption(f"The index in the database can't be used, so the store made this list. {why}")


def _wait_for_images(context: Context) -> None:
    """Run the page again once all images of a large project are listed for the first time."""

    @st.fragment(run_every=1.0)
    def loading() -> None:
        try:
            is_listed = context.project.image_index.is_listed(0)
        except LabelerError as error:
            st.error(plain(error.message))
            return
        if is_listed:
            run_again()
        found = context.project.image_index.found
        st.caption(f"Loading images … {found:,} so far" if found else "Loading images …")

    loading()


def _first_image(context: Context, overview: Overview, found: FilteredImages | None) -> str | None:
    """The first image with work left, or the first image; the address names it from here on.

    No other image may replace it when somebody else finishes it, or when the session goes on with
    another instance.
    """
    first = None
    if overview.is_listing:
        first = _first_listed(context)
    elif found is not None and overview.view is not None:
        first = image_list.first_to_work_on(context.project, overview.view, found)
    if first is None:
        return None
    put_parameters({address.IMAGE: first.image_id})
    return first.image_id


def _first_listed(context: Context) -> ImageEntry | None:
    """An image to begin with before all are listed; None where none is found quickly."""
    entries = context.project.image_index.first_images(_FIRST).entries
    with_work = (entry for entry in entries if entry.status in NEEDS_WORK)
    return next(with_work, entries[0] if entries else None)


def _welcome() -> None:
    st.header("Draw labeled boxes on your images")
    st.markdown(
        "1. **Upload images** in the sidebar (if it's hidden, open it with **»** at the top left): "
        "JPEG, PNG, WebP, BMP, GIF or TIFF, many at once.\n"
        "2. **Choose a label**, then click and drag on the image to draw a box.\n"
        "3. Changes are **saved automatically**. **Start labeling** or the key **N** "
        "gives you one image after the other that nobody else has.\n"
        + (
            "4. **Export COCO** in the sidebar turns all boxes into one dataset."
            if visitor.may(Role.ADMIN)
            else ""
        )
    )
