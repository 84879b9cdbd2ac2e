"""The labelling page, from top to bottom."""

from __future__ import annotations

import streamlit as st

from labeler.catalogue import ImageEntry
from labeler.errors import LabelerError
from labeler.models import Status
from labeler.ui import sidebar, stage, state
from labeler.ui.context import bound
from labeler.ui.text import plain

STYLE = """
<style>
  [data-testid="stHeader"] { height: 2.4rem; background: transparent; }
  [data-testid="stMain"] { scrollbar-gutter: stable; }
  [data-testid="stMainBlockContainer"] { padding: 1.6rem 1.5rem 1rem; max-width: none; }
  [data-testid="stMainBlockContainer"] > div { gap: 0.6rem; }
  [data-testid="stSidebarHeader"] { height: 2.2rem; padding: 0.4rem 1rem; margin: 0; }
  [data-testid="stSidebarUserContent"] { padding-top: 0; }
  [class*="st-key-canvas_"] { visibility: hidden; pointer-events: none; padding-top: 1.2rem; }
  .st-key-open_list button, .st-key-open_list button > div { justify-content: flex-start; }
  .st-key-save_state { min-height: 1.5rem; }
  @media (max-width: 640px) {
    [data-testid="stMainBlockContainer"] { padding: 2.6rem 0.6rem 1rem; }
  }
</style>
"""


def show() -> None:
    """Draw the page for the image that the address names."""
    st.set_page_config(page_title="Labeler", layout="wide")
    st.html(STYLE)
    session = state.session()
    session.runs += 1
    try:
        _show_page()
    except LabelerError as error:
        st.error(plain(error.message))
    for text, icon in session.messages:
        st.toast(plain(text), icon=icon)
    session.messages.clear()


def _show_page() -> None:
    context = bound()
    with st.sidebar:
        sidebar.uploader(context)
        labels = context.dataset.label_set()
        label = sidebar.label_picker(context, labels)
        entries = context.dataset.list_images()
        current = _current(entries)
        listed = sidebar.image_list(entries, current)
        sidebar.export(context)
    if current is None:
        _welcome(entries)
        return
    stage.show(context, current, listed, labels, label)


def _current(entries: list[ImageEntry]) -> str | None:
    """The image that the address names, or the first with work left, or the first."""
    named = st.query_params.get("image")
    if named:
        return named
    for entry in entries:
        if entry.status in (Status.UNLABELED, Status.IN_PROGRESS, Status.RETURNED):
            return entry.image_id
    return entries[0].image_id if entries else None


def _welcome(entries: list[ImageEntry]) -> None:
    st.header("Draw labelled boxes on your images")
    st.markdown(
        "1. **Upload images** in the sidebar: JPEG, PNG, WebP, BMP, GIF or TIFF, many at once.\n"
        "2. **Choose a label**, then press, drag and let go on the picture to draw a box.\n"
        "3. Every change **saves itself**. Go on with **Next** or the key **D**.\n"
        "4. **Export COCO** in the sidebar turns all boxes into one data set."
    )
