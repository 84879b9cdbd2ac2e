"""The parameters of the page's address, as the page last wrote them.

Each request contains the address that the browser had when it sent the request. The browser may
have sent it just before it received the address that the page has written. Such an address is out
of date: if the page followed it, the page would undo its own change.

A run that the page itself asks for, by `run_again`, begins with the address that the page has
written. It does not tell whether the browser has received it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from labeler.ui.kept_clicks import take_navigation

_TRAILS: Final = "address_trails"
_IS_OWN: Final = "address_is_own"

Value = str | None
"""The value of a parameter; None if the address does not name it."""


def run_again() -> NoReturn:
    """End this run of the page, and run the page again."""
    st.session_state[_IS_OWN] = True
    st.rerun()


def begin_address() -> bool:
    """Bring the address up to date, at the beginning of each run of the page.

    A value that the page has replaced since the browser sent it becomes the last one that the page
    wrote. Any other value comes from the browser's own navigation and stays. Returns whether a
    person has pressed "back" or "forward".
    """
    here: dict[str, Value] = dict(st.query_params.to_dict())
    trails = _trails()
    is_own = st.session_state.pop(_IS_OWN, False)
    context = get_script_run_ctx()
    if take_navigation() or (context is not None and context.is_history_navigation):
        trails.clear()
        return True
    behind: dict[str, Value] = {}
    for name, trail in list(trails.items()):
        left = trail if is_own else _from(trail, here.get(name))
        if len(left) > 1:
            trails[name] = left
            behind[name] = left[-1]
        else:
            del trails[name]
    _write(here, behind)
    return False


def put_parameters(values: Mapping[str, Value]) -> None:
    """Write these parameters to the address; None removes one. The others stay."""
    here: dict[str, Value] = dict(st.query_params.to_dict())
    trails = _trails()
    for name, value in values.items():
        if here.get(name) != value:
            trails.setdefault(name, [here.get(name)]).append(value)
    _write(here, values)


def _trails() -> dict[str, list[Value]]:
    """For each parameter, the values that the browser may have: the oldest first, in written order.

    A parameter without a trail has the value that the browser has.
    """
    found: dict[str, list[Value]] = st.session_state.setdefault(_TRAILS, {})
    return found


def _from(trail: list[Value], value: Value) -> list[Value]:
    """The trail from the first place where the browser may be; empty if it has left the trail."""
    return trail[trail.index(value) :] if value in trail else []


def _write(here: Mapping[str, Value], values: Mapping[str, Value]) -> None:
    """Write the parameters in one step, so that the browser's history gets one entry."""
    after = {name: value for name, value in {**here, **values}.items() if value is not None}
    if after != here:
        st.query_params.from_dict(dict(sorted(after.items())))
