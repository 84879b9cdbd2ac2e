"""The shell around the workbench: it leads the workbench to an image, and follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import streamlit as st

from labeler.access.policy import TOKEN_HEADER
from labeler.access.tokens import Purpose
from labeler.errors import LabelerError
from labeler.model.labels import LabelSet
from labeler.model.layout import is_image_id
from labeler.model.people import Role, SignIn
from labeler.model.review_sample import WHOLE
from labeler.ui import address, session_state, visitor
from labeler.ui.context import Context
from labeler.ui.export_panel import EXPORT_KEY
from labeler.ui.sign_in import SIGN_OUT_KEY
from labeler.ui.workbench.component import (
    Review,
    Setup,
    mount_workbench,
    told,
    told_label,
    told_review,
)

_KEY: Final = "workbench_lead"

# A person who exports or leaves means what they see. The server knows only saved work.
_AWAITS: Final = (
    f".st-key-{EXPORT_KEY} button, .st-key-{SIGN_OUT_KEY} button, a[href*='/api/export/']"
)

STYLE: Final = """
<style>
  [data-testid="stMainBlockContainer"] { padding-bottom: 0; }
  [data-testid="stMainBlockContainer"] > div { gap: 0 !important; }
  [data-testid="stMain"] { overflow: hidden; scrollbar-gutter: auto !important; }
  [data-testid="stApp"][data-testid] { --page-side: 0px; --workbench-height: calc(100dvh - 40px); }
  /* In a wide window the bar shares its line with the links to the pages, and with the menu. */
  @media (min-width: 1200px) {
    [data-testid="stApp"][data-testid] {
      --navigation-right: 0px;
      --workbench-right: 2.8rem;
      --workbench-left: var(--navigation-width, 20rem);
      --workbench-height: 100dvh;
    }
    [data-testid="stLayoutWrapper"]:has(> .st-key-navigation_row) { width: max-content; }
    [data-testid="stLayoutWrapper"]:has(> .st-key-navigation_row) ~ * { margin-top: -40px; }
  }
</style>
"""


@dataclass
class _Lead:
    """The image that the page and the workbench last agreed on."""

    image: str = ""
    count: int = 0
    clicks: int = 0


def leave_workbench() -> None:
    """Tell the workbench that the page shows something else.

    Otherwise it stays in the window, as after a run of the page that broke off.
    """
    st.html('<i class="labeler-elsewhere" hidden></i>')


def agreed_image() -> str:
    """The image that the page and the workbench last agreed on; "" before."""
    lead: _Lead = st.session_state.setdefault(_KEY, _Lead())
    return lead.image


def show_workbench_page(
    context: Context,
    image_id: str,
    labels: LabelSet,
    filters: address.Filters,
    images: int,
    review: Review | None = None,
) -> None:
    """The workbench over the whole window, led to that image if it has not reported it.

    `images` are all images, or all that are to be reviewed. Raises NotFound for an image ID that no
    call could name.
    """
    if not is_image_id(image_id):
        leave_workbench()
        context.project.find_image(image_id)
    st.html(STYLE)
    lead: _Lead = st.session_state.setdefault(_KEY, _Lead())
    clicks = address.clicks().leads
    if image_id != lead.image or clicks != lead.clicks:
        lead.image, lead.clicks = image_id, clicks
        lead.count += 1
    asked = {
        "status": filters.status.value if filters.status else "",
        "label": filters.label,
        "find": filters.text,
        "person": review.person if review else "",
        "sample": str(review.sample) if review else "",
    }
    nobody_asks = context.access.sign_in is SignIn.NONE
    # Identity-Aware Proxy vouches for each call itself, for the person signed in by then; the
    # token beside it says whose work this is. The proxy treats a bearer token as its own.
    is_iap = context.access.sign_in is SignIn.IAP
    mount_workbench(
        Setup(
            image=image_id,
            lead=str(lead.count),
            revision=str(images),
            session=session_state.session().id,
            person=visitor.current().email,
            name=visitor.current().name,
            token="" if nobody_asks else visitor.token(Purpose.API),
            token_header=TOKEN_HEADER if is_iap else "Authorization",
            labels=labels.labels,
            is_admin=visitor.may(Role.ADMIN),
            filters={name: value for name, value in asked.items() if value},
            awaits=_AWAITS,
            reviews=visitor.may(Role.REVIEWER),
            review=review,
        ),
        _follow,
        lambda: _add_label(context),
        _choose_review,
    )


def _follow() -> None:
    """Make the address name the image that the workbench has opened.

    A report from before the last lead is out of date: "back" had been pressed by then.
    """
    now = told()
    lead: _Lead = st.session_state.setdefault(_KEY, _Lead())
    if now is not None and now.lead == str(lead.count) and now.image != lead.image:
        lead.image = now.image
        address.clicks().follow(now.image)


def _choose_review() -> None:
    """Make the address say whose images to review."""
    chosen = told_review()
    person, sample = chosen.get("person"), chosen.get("sample")
    if isinstance(person, str):
        address.clicks().to_parameters({address.PERSON: person or None})
    if isinstance(sample, int):
        address.clicks().to_parameters({address.SAMPLE: None if sample == WHOLE else str(sample)})


def _add_label(context: Context) -> None:
    """Add a label that boxes have to the project's labels."""
    name = told_label()
    if not name:
        return
    try:
        visitor.require(Role.ADMIN)
        context.project.labels.add([name])
    except LabelerError as error:
        session_state.tell(error.message)
