"""The page's address: it says which image is open, and which images the list shows.

Widgets are set from the address before they are drawn, never the other way. So a person can send
the address to somebody, and the browser's Back works.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from labeler.model.document import Status
from labeler.model.labels import LabelSet
from labeler.model.review_sample import WHOLE
from labeler.ui.address_parameters import begin_address, put_parameters

IMAGE: Final = "image"
STATUS: Final = "status"
TEXT: Final = "find"
LABEL: Final = "label"
VIEW: Final = "view"
PERSON: Final = "person"
SAMPLE: Final = "sample"
MAX_TEXT: Final = 200
_CLICKS: Final = "clicks"
_AS_IT_IS: Final = ""
"""The view that an address has."""


@dataclass(frozen=True, slots=True)
class Place:
    """One image, with or without a view in front of it; None if the address names none."""

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

    Its methods are the callbacks of buttons. The run may be cut short anywhere, so a request stays
    until the address contains it.
    """

    asked: Place | None = None
    leads: int = 0
    """How often a click led to an image, even to one that is open already."""
    is_led: bool = False
    """Whether the requested image comes from a click."""
    is_new: bool = False
    """Whether a click has asked for something since the last run of the page began."""
    filters_changed: bool = False
    all_wanted: bool = False
    parameters: dict[str, str | None] = field(default_factory=dict)

    def to_image(self, image_id: str) -> None:
        """Go to that image and close the view."""
        self.asked = Place(image_id)
        self.leads += 1
        self.is_led = self.is_new = True

    def follow(self, image_id: str) -> None:
        """Make the address name the image that the workbench has opened.

        A view stays, or opens as asked. A click on another image takes precedence,
        because the workbench had not received it yet.
        """
        if not self.is_led:
            self.asked = Place(image_id, self.asked.view if self.asked else _AS_IT_IS)

    def to_view(self, name: str | None) -> None:
        """Open that view, or the image again if None."""
        self.asked = Place(self.asked.image if self.asked else None, name)
        self.is_new = True

    def end(self) -> None:
        """Drop the request for a place."""
        self.asked = None
        self.is_led = False

    def to_filters(self) -> None:
        """Make the address contain the current values of the filter widgets."""
        self.filters_changed = True

    def to_parameters(self, parameters: Mapping[str, str | None]) -> None:
        """Make the address contain these parameters; None removes one."""
        self.parameters |= parameters

    def to_all(self) -> None:
        """Make the address ask for all images."""
        self.all_wanted = True


def clicks() -> Clicks:
    """The clicks of this session."""
    found: Clicks = st.session_state.setdefault(_CLICKS, Clicks())
    return found


def begin() -> None:
    """Bring the address up to date. "Back" and "forward" end what a click asked for before them."""
    noted = clicks()
    if begin_address() and not noted.is_new:
        noted.end()
    noted.is_new = False


def wanted() -> Place:
    """The place to show: the one that a click asked for, or the one in the address."""
    asked, here = clicks().asked, _here()
    if asked is None:
        return here
    view = here.view if asked.view == _AS_IT_IS else asked.view
    return Place(asked.image or here.image, view)


def show_place(place: Place) -> None:
    """Make the address name that place, and drop what clicks have asked for."""
    noted = clicks()
    put_parameters({IMAGE: place.image, VIEW: place.view})
    noted.end()


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


def review() -> tuple[str, int]:
    """Whose images the address wants reviewed ("" for everybody's), and the percentage.

    An invalid percentage counts as 100.
    """
    person = st.query_params.get(PERSON, "").strip()[:MAX_TEXT]
    sample = st.query_params.get(SAMPLE, "")
    is_percentage = sample.isascii() and sample.isdigit() and len(sample) <= 3
    return person, min(WHOLE, max(1, int(sample))) if is_percentage else WHOLE
