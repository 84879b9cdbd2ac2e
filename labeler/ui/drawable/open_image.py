"""The image that is open on the simple canvas, and leaving it in two phases.

The canvas sends a drawing 200 ms after the last change, and loses it if the canvas is removed
sooner. So a run that is to show something else keeps the canvas, held, and asks the browser for
another run in 0.3 seconds. The browser's clock times both, and the browser sends in order: the
second run has everything that was drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

import streamlit as st

from labeler.errors import LabelerError
from labeler.images import ImageInfo
from labeler.model import edits
from labeler.model.document import AnnotationDocument, Status
from labeler.model.labels import LabelSet
from labeler.project.project import Project
from labeler.ui import session_state, visitor
from labeler.ui.address_parameters import run_again
from labeler.ui.drawable.canvas import Canvas, new_canvas
from labeler.ui.drawable.geometry import Fit
from labeler.ui.drawable.saving import Edit, Work

QUIET_S: Final = 0.3
_KEY: Final = "drawable"


@dataclass
class OpenImage:
    """An image with the person's work on it; without `info`, `problem` says why.

    `mark` is the status that a click asked for. It is set once the canvas has sent everything.
    Otherwise a box that was drawn before the click would count as drawn after it.
    """

    work: Work
    info: ImageInfo | None = None
    problem: str = ""
    canvas: Canvas | None = None
    mark: Status | None = None

    def mark_as(self, status: Status) -> None:
        """Note the status that a click asked for."""
        self.mark = status

    def edit(self, change: Edit) -> None:
        """Change what is wanted, with the image's facts filled in where they are missing."""
        self.work.change(lambda document: self._with_facts(document, change(document)))

    def _with_facts(
        self, before: AnnotationDocument, after: AnnotationDocument
    ) -> AnnotationDocument:
        if after == before or self.info is None:
            return after
        return edits.with_image_facts(after, self.info.width, self.info.height, self.info.md5)


@dataclass
class Session:
    """The open image of one tab; `is_quiet` in a run by which its canvas has sent everything."""

    open: OpenImage | None = None
    is_quiet: bool = False
    has_rung: bool = False
    runs: int = 0
    canvases: int = 0

    def ring(self) -> None:
        """Note that the clock has rung."""
        self.has_rung = True

    def discard(self) -> None:
        """Discard unsaved work; the image is opened again as it is stored."""
        self.open = None


def session() -> Session:
    """This session's state of the simple canvas."""
    found: Session = st.session_state.setdefault(_KEY, Session())
    return found


def image_id() -> str | None:
    """The image that this session has open."""
    image = session().open
    return image.work.image_id if image else None


def is_saved() -> bool:
    """Whether the store has all the work of this session's person."""
    image = session().open
    return image is None or image.work.is_saved


def take_over(project: Project, wanted: str | None, *, is_view: bool) -> str | None:
    """Take over and save the work on the canvas; returns the image that stays open, if any.

    If it returns None, the run goes to the image `wanted`, or to a view in front of it.
    """
    state, page = session(), session_state.session()
    image = state.open
    state.runs += 1
    state.is_quiet, state.has_rung = state.has_rung, False
    if image is None:
        return None
    work, canvas = image.work, image.canvas
    reading = canvas.read() if canvas else None
    # No use of Streamlit from here on: the run could be cut short there, and the work that was
    # read would never be saved.
    if canvas is not None and reading is not None:
        before, canvas.shown = canvas.shown, reading.rects
        image.edit(lambda document: edits.with_drawn_rects(document, before, reading.rects))
        page.messages += [(message, ":material/front_hand:") for message in reading.messages]
    settled = state.is_quiet or canvas is None
    if settled and image.mark is not None:
        mark, image.mark = image.mark, None
        image.edit(lambda document: edits.with_status(document, mark))
    work.save(project)
    if wanted == work.image_id and not is_view:
        return None
    if settled and work.is_saved:
        state.open = None
        return None
    return work.image_id


def opened(project: Project, image_id: str, labels: LabelSet, width: int) -> OpenImage:
    """The image as this session has it open, with a canvas; opens it if it is not open.

    Raises LabelerError if the document can't be opened. An image that can't be shown is opened
    nevertheless, with its problem.
    """
    state = session()
    image = state.open
    if image is None or image.work.image_id != image_id:
        project.find_image(image_id)  # says best what is wrong with an address
        by = visitor.current().name
        image = OpenImage(Work(image_id, by, project.open_document(image_id)))
        state.open = image
    if image.info is None:
        _see_picture(project, image)
    rects = image.work.wanted.rects
    if image.canvas and state.is_quiet and image.canvas.is_stale(rects, labels, width):
        image.canvas = None
    if image.canvas is None and image.info is not None:
        state.canvases += 1
        fit = Fit.into(image.info.width, image.info.height, width, width * 3 // 4)
        number = f"{session_state.session().id}_{state.canvases}"
        image.canvas = new_canvas(number, image_id, rects, fit, width, labels)
    return image


def run_in(seconds: float, note: Callable[[], None] = lambda: None) -> None:
    """Make the browser ask for a run after that time; `note` is called right before it."""
    calls = count()
    # With the same interval the browser would keep its old clock; another interval starts anew.
    interval = seconds + session().runs % 1000 * 1e-6

    @st.fragment(run_every=interval)
    def ring() -> None:
        if next(calls):  # the first run is the page's own
            note()
            run_again()

    ring()


def _see_picture(project: Project, image: OpenImage) -> None:
    """Check the image itself; another image's document is not edited on it."""
    image.problem = ""
    document = image.work.wanted
    try:
        info = project.image_info(image.work.image_id)
    except LabelerError as error:
        image.problem = error.message
        return
    size = (document.image_width, document.image_height)
    if document.metadata.content_md5 not in (None, info.md5):
        # The facts were read before another image took its place.
        image.problem = (
            "The boxes were drawn on another image of this name and size. They "
            "are left as they are."
        )
    elif None not in size and size != (info.width, info.height):
        image.problem = (
            f"The document's boxes were drawn on an image of {size[0]} x {size[1]} pixels, but "
            f"this one has {info.width} x {info.height} as displayed. They are left as they are."
        )
    else:
        image.info = info
