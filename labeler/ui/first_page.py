"""Streamlit's own first page, as installed."""

from __future__ import annotations

from pathlib import Path

import streamlit as st


def first_page() -> str:
    """The HTML that Streamlit sends for every address of a page."""
    path = Path(st.__file__).parent / "static" / "index.html"
    return path.read_text(encoding="utf-8")
