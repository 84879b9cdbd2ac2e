"""Callbacks that another run cuts short."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.runtime.scriptrunner import RerunException
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.testing.v1 import AppTest

from labeler.ui.callbacks import rerun_safe

QUERY = "image=1"


def cut(times: int) -> tuple[Callable[[str], None], list[str]]:
    """A callback that is cut short so often, and what it has done to its end."""
    done: list[str] = []
    left = [times]

    @rerun_safe
    def callback(what: str) -> None:
        if left[0]:
            left[0] -= 1
            raise RerunException(RerunData(query_string=QUERY))
        done.append(what)

    return callback, done


def test_one_that_nothing_cuts_short_is_called_once() -> None:
    callback, done = cut(0)
    callback("a")
    assert done == ["a"]


@pytest.mark.parametrize("times", [1, 3])
def test_one_that_is_cut_short_is_carried_out_and_the_run_comes_after_it(times: int) -> None:
    callback, done = cut(times)
    with pytest.raises(RerunException) as raised:
        callback("a")
    assert done == ["a"]
    assert raised.value.rerun_data.query_string == QUERY


def test_one_that_asks_for_a_run_itself_ends() -> None:
    callback, done = cut(10_000)
    with pytest.raises(RerunException):
        callback("a")
    assert done == []


def test_every_run_that_was_asked_for_meanwhile_comes() -> None:
    """By Streamlit's own rules: each request is cut in when session state is used next."""

    def script() -> None:
        import streamlit as st
        from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
        from streamlit.runtime.scriptrunner import get_script_run_ctx
        from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

        from labeler.ui.callbacks import rerun_safe

        state = st.session_state
        tries = state.setdefault("tries", [])
        pressed = st.button("Other", key="other")
        state.setdefault("pressed", []).append(pressed)

        def request(*widgets: WidgetState) -> None:
            context = get_script_run_ctx()
            assert context is not None
            assert context.script_requests is not None
            states = WidgetStates(widgets=widgets)
            context.script_requests.request_rerun(RerunData(widget_states=states))

        @rerun_safe
        def callback() -> None:
            tries.append("begun")
            if tries == ["begun"]:
                request(WidgetState(id=state["other_id"], trigger_value=True))
            elif tries == ["begun", "begun"]:
                request()
            assert state["tries"] is tries
            tries.append("done")

        st.button("Go", key="go", on_click=callback)

    app = AppTest.from_function(script, default_timeout=30).run()
    app.session_state["other_id"] = app.button(key="other").proto.id
    app.button(key="go").click().run()
    assert [error.value for error in app.exception] == []
    assert app.session_state["tries"] == ["begun", "begun", "begun", "done"]
    assert True in app.session_state["pressed"]
