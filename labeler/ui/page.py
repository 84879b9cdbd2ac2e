"""The labeling page, from top to bottom."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext

import streamlit as st

from labeler import __version__
from labeler.errors import LabelerError
from labeler.model.document import Status
from labeler.model.people import Role
from labeler.project.image_index import ImageEntry
from labeler.ui import (
    address,
    export_panel,
    image_list,
    router,
    session_state,
    sidebar,
    sign_in,
    visitor,
)
from labeler.ui.components import presence
from labeler.ui.context import Context, page_context
from labeler.ui.drawable import guard, image_page
from labeler.ui.drawable.saver import SaveState
from labeler.ui.text import plain, shortened
from labeler.ui.workbench.page import leave_workbench, show_workbench_page

STYLE = """
<style>
  [data-testid="stHeader"] { height: 2.4rem; background: transparent; }
  [data-testid="stMain"] { scrollbar-gutter: stable; }
  [data-testid="stMainBlockContainer"] { padding: 1.6rem 1.5rem 1rem; max-width: none; }
  [data-testid="stMainBlockContainer"] > div { gap: 0.6rem; }
  [class*="st-key-canvas_"] { visibility: hidden; pointer-events: none; padding-top: 1.2rem; }
  div:has(> .st-key-watch) { display: none; }
  .st-key-view_head { padding-top: 1rem; }
  .st-key-save_state { min-height: 1.5rem; }
  /* Beside the canvas's tools, in the room above the picture: it takes none of its own. */
  div:has(> .st-key-next_label) { height: 1.2rem; margin-bottom: -1.8rem; }
  /* A click on the picture puts the focus there; a frame around all of it tells nobody anything. */
  [data-testid="stMain"]:focus-visible { outline: none; }
  @media (max-width: 640px) {
    [data-testid="stMainBlockContainer"] { padding: 2.6rem 0.6rem 1rem; }
  }
</style>
"""


LEAVE_WITHIN_S = 20.0
"""A canvas that does not answer keeps nobody for ever."""


def show_page() -> None:
    """Draw the page for the image that the address names."""
    st.set_page_config(page_title="Labeler", layout="wide")
    st.html(STYLE)
    st.html(sidebar.STYLE)
    sign_in.warn_if_open(page_context())
    try:
        visitor.require(Role.LABELER)
    except LabelerError as error:
        leave_workbench()
        sign_in.show_sign_in(page_context(), error)
        return
    session = session_state.session()
    session.runs += 1
    watch = st.container(key="watch")
    try:
        _show_for()
    except LabelerError as error:
        st.error(plain(error.message))
    for text, icon in session.messages:
        st.toast(plain(text), icon=icon)
    session.messages.clear()
    with watch:
        presence.mount_presence(
            session=session.id,
            unsaved=not session_state.all_stored(),
            pause_after_s=page_context().settings.pause_after_s,
        )


def _show_for() -> None:
    context = page_context()
    if context.settings.canvas == "workbench":
        _show_workbench(context)
        return
    session_state.listen()
    stays = _stays()
    view = None if stays else router.current()
    with st.sidebar:
        sidebar.uploader(context)
        with st.container(), _patience():
            overview = session_state.read_overview(context.project)
        for problem in overview.problems:
            st.error(plain(problem))
        labels, entries = overview.labels, overview.entries
        label = sidebar.label_picker(context, labels) if labels else ""
        wanted, ignored = address.filters(labels)
        found = image_list.filter_images(context.project, entries or [], labels, wanted)
        current = stays or _current(found.entries or entries or [])
        listed = (
            image_list.show_image_list(entries, found, labels, current)
            if entries is not None
            else []
        )
        for line in ignored:
            st.caption(f"Ignored in the address: {plain(line)}.")
        export_panel.show_export_panel(context, labels)
        sign_in.account(context)
        st.caption(f"Labeler {__version__}")
    session_state.leave(None if view else current)
    with st.container():
        _left_unsaved()
    # Each in a place of its own: where a view takes the canvas's, the browser mounts the canvas
    # again inside of the view for a moment. What is there no more stays until the run ends: the
    # view comes second, where it moves no canvas.
    place, beside = st.container(), st.container()
    if view is not None:
        with beside:
            router.show_view(view, context, overview)
        return
    with place:
        _show_image(context, overview, listed, current, label)


def _show_workbench(context: Context) -> None:
    """The shell alone: the sidebar, and the workbench or a view over the rest of the window."""
    view = router.current()
    with st.sidebar:
        sidebar.uploader(context)
        with st.container(), _patience():
            overview = session_state.read_overview(context.project)
        for problem in overview.problems:
            st.error(plain(problem))
        labels, entries = overview.labels, overview.entries
        wanted, ignored = address.filters(labels)
        found = image_list.filter_images(context.project, entries or [], labels, wanted)
        current = _current(found.entries or entries or [])
        if entries is not None:
            image_list.show_image_list(entries, found, labels, current)
        for line in ignored:
            st.caption(f"Ignored in the address: {plain(line)}.")
        export_panel.show_export_panel(context, labels)
        sign_in.account(context)
        st.caption(f"Labeler {__version__}")
    place, beside = st.container(), st.container()
    if view is not None:
        with beside:
            leave_workbench()
            router.show_view(view, context, overview)
    elif labels is None or entries is None or current is None:
        with place:
            if entries == []:
                leave_workbench()
            _welcome()
    else:
        with place:
            show_workbench_page(context, current, labels, wanted, len(entries))


def _show_image(
    context: Context,
    overview: session_state.Overview,
    listed: list[str],
    current: str | None,
    label: str,
) -> None:
    labels = overview.labels
    if labels is None or overview.entries is None:
        for problem in overview.problems:  # where the sidebar is closed too
            st.error(plain(problem))
    elif current is None:
        _welcome()
    else:
        image_page.show_image_page(context, current, listed, labels, label)


def _stays() -> str | None:
    """The open image, while its canvas may hold a box that the page has not heard of.

    Buttons are pressed once the canvas has sent everything. "Back" and "forward" come at once:
    then the image stays until the canvas says that it is quiet.
    """
    session = session_state.session()
    image, led = session.open, address.was_led()
    session.asked_to_leave, asked = False, session.asked_to_leave
    if image is None or image.canvas is None or led:
        return None
    if address.image() == image.image_id and router.named() is None:
        return None
    if not asked:
        session.leaving_since = time.monotonic()
    elif guard.renewals() != session.renewals:
        return None
    if time.monotonic() - session.leaving_since > LEAVE_WITHIN_S:
        return None
    session.asked_to_leave = True
    return image.image_id


def _patience() -> AbstractContextManager[None]:
    """What a person sees while a large project is listed for the first time."""
    if session_state.session().overview.entries is not None:
        return nullcontext()
    return st.spinner("Loading images …")


def _current(entries: list[ImageEntry]) -> str | None:
    """The image that the address names, or the first that work is left on, or the first."""
    named = address.image()
    if named or not entries:
        return named
    unfinished = (Status.UNLABELED, Status.IN_PROGRESS, Status.RETURNED)
    left = (entry for entry in entries if entry.status in unfinished and not entry.problem)
    found = next(left, entries[0])
    # From here on the address names it: another one must not come in its place when somebody else
    # finishes it, or when the session goes on with another instance.
    st.query_params[address.IMAGE] = found.image_id
    return found.image_id


def _left_unsaved() -> None:
    """Other images whose boxes could not be saved; looked at again until they are."""
    if not session_state.unsaved():
        return

    @st.fragment(run_every=1.0)
    def note() -> None:
        failed = [draft for draft in session_state.unsaved() if draft.state is SaveState.FAILED]
        if failed:
            names = ", ".join(shortened(draft.wanted.image_path, 40) for draft in failed[:5])
            more = f" and {len(failed) - 5} more" if len(failed) > 5 else ""
            with st.container(key="unsaved"):
                st.error(
                    f"Not saved yet: {plain(names)}{more}. {plain(failed[0].error)} The boxes are "
                    "kept here and are tried again; leave this page open.",
                    icon=":material/error:",
                )

    note()


def _welcome() -> None:
    st.header("Draw labeled boxes on your images")
    st.markdown(
        "1. **Upload images** in the sidebar (if it's hidden, open it with **»** at the top left): "
        "JPEG, PNG, WebP, BMP, GIF or TIFF, many at once.\n"
        "2. **Choose a label**, then click and drag on the image to draw a box.\n"
        "3. Changes are **saved automatically**. Go on with **Next** or the key **D**.\n"
        + (
            "4. **Export COCO** in the sidebar turns all boxes into one data set."
            if visitor.may(Role.ADMIN)
            else ""
        )
    )
