"""All that pages keep in the session: the data read last, and messages to show."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final

import streamlit as st

from labeler.errors import LabelerError
from labeler.model.labels import LabelSet
from labeler.project.image_view import ImageView
from labeler.project.progress import Tally
from labeler.project.project import Project

_PATIENCE_S: Final = 0.5
"""How long a page waits for the first listing, which is enough for some 5,000 images."""


@dataclass
class Overview:
    """The label set and the images as this session last read them; None before the first time.

    `is_listing` says that the images are being listed for the first time, which takes longer than a
    page may wait. `problems` says what could not be read. The page goes on with the old data: a
    store that fails for a while must not remove the canvas that somebody draws on. `index_problem`
    says why the images come from the store and not from the database that is to know them.
    """

    labels: LabelSet | None = None
    view: ImageView | None = None
    tally: Tally | None = None
    is_listing: bool = False
    problems: list[str] = field(default_factory=list)
    index_problem: str = ""


@dataclass
class Session:
    """What the pages know of one tab; `offered` are the labels of the picker, text by name."""

    id: str = field(default_factory=lambda: secrets.token_hex(8))
    overview: Overview = field(default_factory=Overview)
    label: str = ""
    offered: dict[str, str] = field(default_factory=dict)
    label_note: tuple[str, str] = ("", "")
    """The result of adding the last label: "error" or "info", and the text."""
    messages: list[tuple[str, str]] = field(default_factory=list)
    results: list[tuple[str, str]] = field(default_factory=list)
    uploads: int = 0


def session() -> Session:
    """This session's state."""
    found: Session = st.session_state.setdefault("session", Session())
    return found


def tell(text: str, icon: str = ":material/info:") -> None:
    """Show a short message once, in the next page that is drawn."""
    session().messages.append((text, icon))


def read_overview(project: Project, person: str) -> Overview:
    """The label set and the images, each as it is now or, if that fails, as it was.

    The tally tells how many images that person has finished.
    """
    overview = session().overview
    problems: dict[str, None] = {}  # a store that fails may give the same message for both
    try:
        overview.labels = project.labels.read()
    except LabelerError as error:
        problems[error.message] = None
    overview.is_listing = False
    try:
        overview.is_listing = not project.image_index.is_listed(_PATIENCE_S)
        if not overview.is_listing:
            view = project.image_index.view()
            overview.view, overview.tally = view, view.tally(person)
    except LabelerError as error:
        problems[error.message] = None
    overview.problems = list(problems)
    overview.index_problem = project.image_index.problem()
    return overview
