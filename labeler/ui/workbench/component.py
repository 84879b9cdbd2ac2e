"""The workbench on the page: it is handed IDs, addresses, labels and a token, and never boxes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import streamlit as st

from labeler.model.labels import Label
from labeler.runtime.browser_modules import workbench_modules
from labeler.ui.assets import script

KEY: Final = "workbench"
_STYLE: Final = ".workbench-place { height: 100dvh; }"

_mount = st.components.v2.component(
    "labeler_workbench",
    html='<div class="workbench-place"></div>',
    css=_STYLE,
    js=script("workbench/loader"),
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the workbench is given in each run of the page.

    `lead` is another text where the page wants `image` opened, `revision` where its list has
    changed; `session` tells sessions of the page apart.
    """

    image: str
    lead: str
    revision: str
    session: str
    person: str
    token: str
    labels: Sequence[Label]
    filters: Mapping[str, str]


def mount_workbench(setup: Setup, on_open: Callable[[], None]) -> None:
    """Show the workbench; `on_open` is called where it tells what is open now."""
    given = {
        "base": "./",
        "image": setup.image,
        "lead": setup.lead,
        "revision": setup.revision,
        "session": setup.session,
        "person": setup.person,
        "token": setup.token,
        "labels": [
            {"number": label.number, "name": label.name, "color": label.color}
            for label in setup.labels
        ],
        "filters": dict(setup.filters),
    }
    _mount(
        key=KEY,
        data={
            "url": f"./api/workbench/{workbench_modules().version}/mount.js",
            "setup": json.dumps(given),
        },
        default={"open": None, "renewal": None},
        on_open_change=on_open,
        on_renewal_change=lambda: None,
    )


def told_image() -> str | None:
    """The image that the workbench has open, as it was told last; None before."""
    state: Any = st.session_state.get(KEY)
    text = (state or {}).get("open")
    return str(json.loads(text)["image"]) if text else None
