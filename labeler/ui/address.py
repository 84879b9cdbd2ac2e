"""The page's address: it says which image is open, and which images the list shows.

Widgets are set from the address before they are drawn, never the other way. So a person can send
the address to somebody, and the browser's Back works.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from labeler.model.document import Status
from labeler.model.labels import LabelSet

IMAGE: Final = "image"
STATUS: Final = "status"
TEXT: Final = "find"
LABEL: Final = "label"
VIEW: Final = "view"
MAX_TEXT: Final = 200
_CLICKS: Final = "clicks"
_AS_IT_IS: Final = ""
"""The view that an address has."""


@dataclass(frozen=True, slots=True)
class Place:
    """One image, with a view in front of it or without; None where the address names none."""

    image: str | None = None
    view: str | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of the list: a status, a text in the image's name, and a label."""

    status: Status | None = None
    text: str = ""
    label: str = ""

    def __bool__(self) -> bool:
        return self != Filters()


@dataclass
class Clicks:
    """Where clicks ask the page to go. The next run of the page goes there.

    Its methods are the callbacks of buttons. They use nothing of Streamlit's: Streamlit ends a
    callback at its next use of session state or of the address when another run has been asked for
    meanwhile, and does not call it again.
    """

    asked: Place | None = None
    leads: int = 0
    """How often a click led to an image: also to one that is open already."""
    filters_changed: bool = False
    all_wanted: bool = False

    def to_image(self, image_id: str) -> None:
        """Go to that image, and out of a view."""
        self.asked = Place(image_id)
        self.leads += 1

    def follow(self, image_id: str) -> None:
        """Have the address name what the workbench has opened. A view stays, or comes as asked."""
        self.asked = Place(image_id, self.asked.view if self.asked else _AS_IT_IS)

    def to_view(self, name: str | None) -> None:
        """Open that view, or with None the image again."""
        self.asked = Place(self.asked.image if self.asked else None, name)

    def to_filters(self) -> None:
        """Have the address say what the widgets of the filters say now."""
        self.filters_changed = True

    def to_all(self) -> None:
        """Have the address ask for all images."""
        self.all_wanted = True


def clicks() -> Clicks:
    """The clicks of this session."""
    found: Clicks = st.session_state.setdefault(_CLICKS, Clicks())
    return found


def wanted() -> Place:
    """Where to be: where a click asked to go, or where the address is.

    A click counts until a run of the page begins with its address: what the browser had sent before
    it got the new address still names the old one. "Back" and "forward" end it.
    """
    noted, here = clicks(), _here()
    if noted.asked is None:
        return here
    view = here.view if noted.asked.view == _AS_IT_IS else noted.asked.view
    place = Place(noted.asked.image or here.image, view)
    context = get_script_run_ctx()
    if place == here or (context is not None and context.is_history_navigation):
        noted.asked = None
        return here
    return place


def show_place(place: Place) -> None:
    """Make the address name that place."""
    for name, value in ((IMAGE, place.image), (VIEW, place.view)):
        if value is None:
            st.query_params.pop(name, None)
        elif st.query_params.get(name) != value:
            st.query_params[name] = value


def _here() -> Place:
    return Place(st.query_params.get(IMAGE) or None, st.query_params.get(VIEW))


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
