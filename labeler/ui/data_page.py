"""The data page: imports, exports in every format, earlier exports and how they differ."""

from __future__ import annotations

import streamlit as st

from labeler.ui.context import Context
from labeler.ui.data_exports import show_earlier_exports, show_export_form
from labeler.ui.import_panel import show_import_panel
from labeler.ui.session_state import Overview


def show_data_page(context: Context, overview: Overview) -> None:
    """Draw the page."""
    st.markdown("#### Import", width="content")
    show_import_panel(context)
    st.markdown("#### Export", width="content")
    show_export_form(context, overview)
    st.markdown("#### Earlier exports", width="content")
    show_earlier_exports(context)
