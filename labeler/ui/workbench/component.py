"""The workbench on the page: it gets IDs, addresses, labels and a token, but no boxes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import streamlit as st

from labeler.model.labels import Label
from labeler.runtime.browser_modules import workbench_modules
from labeler.ui.assets import script

KEY: Final = "workbench"
_STYLE: Final = ".workbench-place { height: var(--workbench-height, 100dvh); }"

_mount = st.components.v2.component(
    "labeler_workbench",
    html='<div class="workbench-place"></div>',
    css=_STYLE,
    js=script("workbench/loader"),
)


@dataclass(frozen=True, slots=True)
class Review:
    """What there is to review: how many images wait, in all and for each person.

    If `person` is not empty, only that person's images are reviewed, and a `sample` of them in
    percent.
    """

    waiting: int
    people: Sequence[tuple[str, int]]
    person: str
    sample: int


@dataclass(frozen=True, slots=True)
class Setup:
    """What the workbench gets in each run of the page.

    `lead` changes if the page wants `image` opened, `revision` if its list has changed; `session`
    identifies a session of the page. `person` is who is signed in, `name` how they are named in
    documents. `labels` are all of the project, since boxes may have any of
    them; `is_admin` says whether this person may add one, and change the guide. The token goes in
    the header `token_header`. `awaits` selects elements of the page whose clicks wait until
    everything is saved.
    """

    image: str
    lead: str
    revision: str
    session: str
    person: str
    name: str
    token: str
    token_header: str
    labels: Sequence[Label]
    is_admin: bool
    filters: Mapping[str, str]
    awaits: str
    reviews: bool
    review: Review | None


def mount_workbench(
    setup: Setup,
    on_open: Callable[[], None],
    on_added: Callable[[], None],
    on_review: Callable[[], None],
) -> None:
    """Show the workbench; `on_open` is called when it reports which image is open.

    `on_added` is called when somebody wants to add a label, `on_review` when a reviewer chooses
    whose images to review.
    """
    given = {
        "base": "./",
        "image": setup.image,
        "lead": setup.lead,
        "revision": setup.revision,
        "session": setup.session,
        "renewal": _states().get("renewal"),
        "person": setup.person,
        "name": setup.name,
        "token": setup.token,
        "tokenHeader": setup.token_header,
        "labels": [label.model_dump(mode="json") for label in setup.labels],
        "isAdmin": setup.is_admin,
        "filters": dict(setup.filters),
        "awaits": setup.awaits,
        "reviews": setup.reviews,
        "review": asdict(setup.review) if setup.review else None,
    }
    _mount(
        key=KEY,
        data={
            "url": f"./api/workbench/{workbench_modules().version}/mount.js",
            "setup": json.dumps(given),
        },
        default={"open": None, "renewal": None, "added": None, "review": None, "counted": None},
        on_open_change=on_open,
        on_renewal_change=lambda: None,
        on_added_change=on_added,
        on_review_change=on_review,
        on_counted_change=lambda: None,
    )


@dataclass(frozen=True, slots=True)
class Told:
    """The last report of the workbench: the open image, and the lead that it had followed."""

    image: str
    lead: str


def told() -> Told | None:
    """The last report of the workbench; None before the first."""
    found = _state("open")
    return Told(str(found["image"]), str(found.get("lead", ""))) if found else None


def told_label() -> str | None:
    """The label that somebody last asked to add."""
    found = _state("added")
    return str(found["name"]) if found else None


def told_review() -> dict[str, Any]:
    """The last choice of a reviewer: `person`, `sample`, or neither."""
    return _state("review") or {}


def _state(name: str) -> dict[str, Any] | None:
    text = _states().get(name)
    found: dict[str, Any] | None = json.loads(text) if text else None
    return found


def _states() -> Mapping[str, Any]:
    """The last report of the workbench to this session."""
    return st.session_state.get(KEY) or {}
