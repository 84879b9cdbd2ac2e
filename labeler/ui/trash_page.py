"""The trash for admins: deleted images, when they expire, and the way back."""

from __future__ import annotations

from itertools import islice

import streamlit as st

from labeler.errors import LabelerError
from labeler.model.people import Role
from labeler.project.trash import KEPT, TrashedImage
from labeler.ui import session_state, visitor
from labeler.ui.context import Context, page_context
from labeler.ui.session_state import Overview
from labeler.ui.text import plain, shortened

MOST = 100


def show_trash_page(context: Context, _overview: Overview) -> None:
    """Draw the page."""
    st.caption(
        f"Deleted images are kept for {KEPT.days} days, with their boxes. Restoring brings both "
        "back as they were."
    )
    try:
        found = list(islice(context.project.trash.images(), MOST + 1))
    except LabelerError as error:
        st.error(plain(error.message))
        return
    if not found:
        st.caption("The trash is empty.")
    with st.container(key="trash_rows", gap="small"):
        for trashed in found[:MOST]:
            _row(trashed)
    if len(found) > MOST:
        st.caption(f"There are more than {MOST}. Restore some to see the others.")


def _row(trashed: TrashedImage) -> None:
    newest = max(info.updated for info in (*trashed.documents, *trashed.originals))
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(shortened(trashed.name, 60))}**", width="stretch")
        st.caption(
            f"deleted {newest:%Y-%m-%d %H:%M} UTC, expires {newest + KEPT:%Y-%m-%d}",
            width="content",
        )
        st.button(
            "Restore",
            key=f"restore_{trashed.image_id}",
            icon=":material/undo:",
            type="tertiary",
            on_click=_restore,
            args=(trashed.image_id,),
        )


def _restore(image_id: str) -> None:
    try:
        visitor.require(Role.ADMIN)
        page_context().project.trash.restore(image_id)
    except LabelerError as error:
        session_state.tell(error.message, ":material/error:")
