"""The page script: Streamlit runs it from top to bottom for every visit and every change."""

from labeler.ui import page

page.show_page()
