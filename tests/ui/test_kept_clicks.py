"""What a run has taken from the browser is carried out, whatever is asked for at that moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData, ScriptRequests
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.testing.v1 import AppTest

from labeler.ui import kept_clicks


class GivesWay(Exception):
    """Another run was asked for."""


def state() -> SafeSessionState:
    def give_way() -> None:
        raise GivesWay

    return SafeSessionState(SessionState(), give_way)


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's own methods, also where this process has repaired them before."""
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", kept_clicks.ORIGINAL)
    monkeypatch.setattr(ScriptRequests, "_request_rerun_locked", kept_clicks.JOIN)
    monkeypatch.setattr(AppSession, "request_rerun", kept_clicks.REQUEST)


@pytest.fixture
def page() -> Callable[[], AppTest]:
    """A page whose first callback gets a request for another run while it works."""

    def script() -> None:
        import streamlit as st
        from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
        from streamlit.runtime.scriptrunner import get_script_run_ctx
        from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

        state = st.session_state

        def callback() -> None:
            context = get_script_run_ctx()
            assert context is not None
            assert context.script_requests is not None
            state["done"] = ["begun"]
            other = WidgetState(id=state["other_id"], trigger_value=True)
            for widgets in ([other], []):
                states = WidgetStates(widgets=widgets)
                context.script_requests.request_rerun(RerunData(widget_states=states))
            state["done"] = [*state["done"], "ended"]
            st.query_params["done"] = "1"

        st.button("Go", key="go", on_click=callback)
        pressed = st.button("Other", key="other")
        state["pressed"] = state.get("pressed", False) or pressed

    def press() -> AppTest:
        app = AppTest.from_function(script, default_timeout=120).run()
        app.session_state["other_id"] = app.button(key="other").proto.id
        app.button(key="go").click().run()
        assert [error.value for error in app.exception] == []
        return app

    return press


@pytest.mark.usefixtures("original")
def test_callbacks_come_before_the_next_run() -> None:
    with pytest.raises(GivesWay):  # else Streamlit needs no repair any more
        state().on_script_will_rerun(None)
    kept_clicks.keep_clicks()
    state().on_script_will_rerun(None)


@pytest.mark.usefixtures("original")
def test_a_callback_runs_to_its_end_and_the_runs_that_were_asked_for_come_after_it(
    page: Callable[[], AppTest],
) -> None:
    assert page().session_state["done"] == ["begun"]  # else Streamlit needs no repair any more
    kept_clicks.keep_clicks()
    app = page()
    assert app.session_state["done"] == ["begun", "ended"]
    assert app.session_state["pressed"]


def waiting(*requests: RerunData) -> RerunData:
    """What waits after these requests."""
    queue = ScriptRequests()
    for request in requests:
        assert queue.request_rerun(request)
    return queue.on_scriptrunner_ready().rerun_data


@pytest.mark.usefixtures("original")
def test_back_is_known_though_something_is_asked_for_right_after_it() -> None:
    click = WidgetStates(widgets=[WidgetState(id="one", trigger_value=True)])
    requests = (
        RerunData(query_string="a", is_history_navigation=True, widget_states=click),
        RerunData(query_string="a", widget_states=WidgetStates()),
    )
    assert not waiting(*requests).is_history_navigation  # else no repair is needed any more
    kept_clicks.keep_clicks()
    assert waiting(*requests).is_history_navigation
    assert waiting(*requests).widget_states == click
    assert not waiting(*requests[1:]).is_history_navigation


@pytest.mark.usefixtures("original")
def test_back_is_known_until_the_page_asks_for_it() -> None:
    """The run that takes it may be cut short before the page asks."""
    kept_clicks.keep_clicks()

    def script() -> None:
        import streamlit as st

        from labeler.ui.kept_clicks import take_navigation

        st.session_state["navigated"] = [take_navigation(), take_navigation()]

    app = AppTest.from_function(script, default_timeout=120).run()
    assert app.session_state["navigated"] == [False, False]
    safe: Any = SafeSessionState(SessionState(), lambda: None)
    safe.on_script_will_rerun(None, is_history_navigation=True)
    safe.on_script_will_rerun(None)
    app.session_state[kept_clicks._NAVIGATED] = safe[kept_clicks._NAVIGATED]
    app.run()
    assert app.session_state["navigated"] == [True, False]


@pytest.mark.usefixtures("original")
@pytest.mark.parametrize(("by_clock", "sent"), [(True, ["text"]), (False, ["go", "text"])])
def test_a_click_counts_once_though_the_clock_of_a_fragment_rings_before_it_is_sent(
    monkeypatch: pytest.MonkeyPatch, by_clock: bool, sent: list[str]
) -> None:
    """The browser takes a click out of what it sends when it sends the click's own message."""
    asked: list[ClientState] = []
    monkeypatch.setattr(kept_clicks, "REQUEST", lambda _, client_state: asked.append(client_state))
    kept_clicks.keep_clicks()
    session: Any = object()
    states = WidgetStates(
        widgets=[
            WidgetState(id="go", trigger_value=True),
            WidgetState(id="text", string_value="typed"),
        ]
    )
    AppSession.request_rerun(
        session, ClientState(widget_states=states, is_auto_rerun=by_clock, fragment_id="clock")
    )
    [request] = asked
    assert [widget.id for widget in request.widget_states.widgets] == sent


@pytest.mark.usefixtures("original")
def test_an_unknown_streamlit_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kept_clicks, "__version__", "1.99.0")
    kept_clicks.keep_clicks()
    assert "1.99.0 is not known" in caplog.text
    with pytest.raises(GivesWay):
        state().on_script_will_rerun(None)
