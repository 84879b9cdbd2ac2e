"""The review page: the workbench over done images, for reviewers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import streamlit as st

from labeler.model.document import Status
from labeler.model.labels import LabelSet
from labeler.model.review_sample import WHOLE
from labeler.project.image_search import ImageFilters
from labeler.project.image_view import ImageView
from labeler.ui import address
from labeler.ui.address_parameters import put_parameters
from labeler.ui.context import Context
from labeler.ui.session_state import Overview
from labeler.ui.workbench.component import Review
from labeler.ui.workbench.page import agreed_image, leave_workbench, show_workbench_page

_KEY: Final = "review_page"


@dataclass
class _Begun:
    """What this session reviews: whose images, and how many percent; None elsewhere.

    `is_new`: no page was shown before, so the image in the address is intended.
    """

    of: tuple[str, int] | None = None
    is_new: bool = True


def leave_review() -> None:
    """Note that the page shows something else: the next review begins with the first that waits."""
    begun = _begun()
    begun.of, begun.is_new = None, False


def show_review_page(
    context: Context, image_id: str | None, labels: LabelSet, view: ImageView | None
) -> None:
    """The workbench over the images that wait for a review; no view: they are being listed."""
    if view is None:
        leave_workbench()
        st.info("The review begins when all images are listed.", icon=":material/hourglass:")
        return
    person, sample = address.review()
    done = ImageFilters(status=Status.DONE, sample=sample)
    people = context.project.search(done, view).people()
    waiting = context.project.search(replace(done, person=person), view)
    shown = context.project.image_index.known(image_id) if image_id else None
    first = next((entry.image_id for entry in waiting.after(None, 1).entries), None)
    is_waiting = shown is not None and waiting.has(shown)
    current = _choose(image_id, (person, sample), first, is_waiting=is_waiting)
    if current is None:
        leave_workbench()
        _nothing(person, sample)
        return
    put_parameters({address.IMAGE: current})
    count = waiting.count()
    review = Review(count, people, person, sample)
    filters = address.Filters(status=Status.DONE)
    show_workbench_page(context, current, labels, filters, count, review)


def show_drawable_review(_context: Context, _overview: Overview) -> None:
    """The text of the page if there is no workbench to review images on."""
    st.info(
        "Images are reviewed on the workbench, which LABELER_CANVAS=drawable replaces here. "
        "`POST /api/annotations/{id}/review` approves and returns images too."
    )


def _choose(
    image_id: str | None, of: tuple[str, int], first: str | None, *, is_waiting: bool
) -> str | None:
    """The image to open: the open one, until the reviewer begins with others.

    `first` is the first image that waits, `is_waiting` says whether the open one does.
    """
    begun = _begun()
    goes_on = begun.of == of or begun.is_new
    begun.of, begun.is_new = of, False
    if is_waiting:
        return image_id
    if not goes_on:
        return first
    return image_id or agreed_image() or first


def _begun() -> _Begun:
    found: _Begun = st.session_state.setdefault(_KEY, _Begun())
    return found


def _nothing(person: str, sample: int) -> None:
    st.info("No image is waiting for a review. Images wait here once they are done.")
    if person or sample < WHOLE:
        st.button("Show all that wait", on_click=_show_all)


def _show_all() -> None:
    address.clicks().to_parameters({address.PERSON: None, address.SAMPLE: None})
