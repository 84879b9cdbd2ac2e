"""The canvas's guard: a component without a picture that makes the canvas safe to use.

What it does in the browser is told in guard.js: it measures the room for the canvas, holds the
canvas inert until it is ready, keeps clicks that leave the image waiting until the last box has
been sent, keeps drags inside the picture, and gives the page its keys.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from labeler.ui.assets import script, style

_KEY = "guard"
_HIGHER = 100_000  # CSS pixels
LEAVE = "leave_"
"""Begins the key of every widget whose click takes the canvas away; guard.js looks for it."""

_mount = st.components.v2.component(
    "labeler_guard",
    html='<div class="guard"></div>',
    css=style("drawable/guard"),
    js=script("drawable/guard"),
)


@dataclass(frozen=True, slots=True)
class Room:
    """How much of the window the canvas may take, in CSS pixels."""

    width: int
    height: int


def room() -> Room | None:
    """The room that the browser has measured last; None before it has."""
    measured = _said().get("room")
    if not measured or not measured.get("width"):
        return None
    return Room(max(int(measured["width"]), 64), max(int(measured["height"]), 64))


def renewals() -> int:
    """How often the guard has said that the canvas can be replaced, nothing being pending in it."""
    return int(_said().get("renew", 0))


def failed() -> str:
    """The key of the last canvas that could not be shown, or not its picture."""
    return str(_said().get("failed", ""))


def session() -> str:
    """The session that the tab took part in when it last said something; empty for a new tab."""
    return str(_said().get("session", ""))


def memo() -> object:
    """What the tab remembers of the canvas of a session before this one; see memo.py."""
    return _said().get("memo")


def mount_guard(
    *,
    session: str,
    run: int,
    image: str = "",
    canvas: str = "",
    picture: str = "",
    boxes: int = 0,
    renew: bool = False,
    label: tuple[int, str] = (-1, ""),
    prefetch: Sequence[str] = (),
    memo: str = "",
) -> None:
    """Guard the canvas of that key, on which the image of that ID is, with so many boxes.

    `run` differs from run to run, so that the guard hears of each. `picture` is the address that
    the canvas shows. `renew` asks for a moment in which the canvas can be replaced; `label` is the
    place in the picker and the name of the label that this run draws with; `prefetch` are pictures
    that will be wanted next. `memo` is kept in the tab, which gives it to the next session.
    """
    task = {
        "session": session,
        "run": run,
        "mark": mark(label[0]),
        "heard": _said().get("seq", 0),
        "image": image,
        "canvas": canvas,
        "picture": picture,
        "boxes": boxes,
        "renew": renew,
        "label": {"place": label[0], "name": label[1]},
        "prefetch": list(prefetch),
        "memo": memo,
        "leave": LEAVE,
    }
    # As text: a dict inside the data would load pandas and pyarrow to pack it.
    _mount(
        key=_KEY,
        data={"task": json.dumps(task)},
        default={"said": None},
        on_said_change=lambda: None,
    )


def mark(place: int) -> int:
    """The greatest height for the canvas, never reached: another one for each label of the picker.

    Where the canvas has it as its style it has been told that label.
    """
    return _HIGHER + place


def _said() -> dict[str, Any]:
    """What the guard has said last, in one value so that nothing of it arrives alone."""
    state = st.session_state.get(_KEY) or {}
    return state.get("said") or {}
