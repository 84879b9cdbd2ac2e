"""The page's address: it says which image is open, and which images the list shows.

Widgets are set from the address before they are drawn, never the other way. So a person can send
the address to somebody, and the browser's Back works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from labeler.model.document import Status
from labeler.model.labels import LabelSet
from labeler.ui.drawable.callbacks import rerun_safe

IMAGE: Final = "image"
STATUS: Final = "status"
TEXT: Final = "find"
LABEL: Final = "label"
VIEW: Final = "view"
MAX_TEXT: Final = 200
_LED: Final = "led_to"


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the list: a status, a text in the image's name, and a label."""

    status: Status | None = None
    text: str = ""
    label: str = ""

    def __bool__(self) -> bool:
        return self != Filters()


def image() -> str | None:
    """The image that the address names."""
    return st.query_params.get(IMAGE) or None


@rerun_safe
def go_to(image_id: str) -> None:
    """Make the address name that image, and no other page; the image is then shown."""
    st.query_params[IMAGE] = image_id
    open_view(None)


@rerun_safe
def open_view(name: str | None) -> None:
    """Make the address name that page, or none."""
    if name is None:
        st.query_params.pop(VIEW, None)
    else:
        st.query_params[VIEW] = name
    st.session_state[_LED] = _place()


def was_led() -> bool:
    """Whether the page itself has changed the address since the last call.

    Otherwise the browser has: by Back, Forward, or an address that a person typed.
    """
    return bool(st.session_state.pop(_LED, None) == _place())


def _place() -> tuple[str | None, str | None]:
    return st.query_params.get(IMAGE), st.query_params.get(VIEW)


def filters(labels: LabelSet | None) -> tuple[Filters, list[str]]:
    """The filters in the address, and a line for each invalid part, which is ignored."""
    ignored = []
    status = st.query_params.get(STATUS) or None
    if status is not None and status not in set(Status):
        ignored.append(f"{STATUS}={status[:40]}: it is one of {', '.join(Status)}")
        status = None
    label = st.query_params.get(LABEL, "")
    found = labels.find(label) if labels else None
    if label and found is None:
        ignored.append(f"{LABEL}={label[:40]}: there is no such label")
    label = found.name if found else ""
    text = " ".join(st.query_params.get(TEXT, "").split())[:MAX_TEXT]
    return Filters(Status(status) if status else None, text, label), ignored


@rerun_safe
def show_filters(wanted: Filters) -> None:
    """Write these filters to the address."""
    for name, value in (
        (STATUS, wanted.status.value if wanted.status else ""),
        (TEXT, wanted.text),
        (LABEL, wanted.label),
    ):
        if value:
            st.query_params[name] = value
        elif name in st.query_params:
            del st.query_params[name]
