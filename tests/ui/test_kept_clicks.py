"""A click that a run has taken reaches its callback, whatever is asked for at that moment."""

from __future__ import annotations

import pytest
from streamlit.runtime.state import SessionState
from streamlit.runtime.state.safe_session_state import SafeSessionState

from labeler.ui import kept_clicks


class GivesWay(Exception):
    """Another run was asked for."""


def state() -> SafeSessionState:
    def give_way() -> None:
        raise GivesWay

    return SafeSessionState(SessionState(), give_way)


@pytest.fixture
def original(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streamlit's own method, also where this process has repaired it before."""
    monkeypatch.setattr(SafeSessionState, "on_script_will_rerun", kept_clicks.ORIGINAL)


@pytest.mark.usefixtures("original")
def test_callbacks_come_before_the_next_run() -> None:
    with pytest.raises(GivesWay):  # else Streamlit needs no repair any more
        state().on_script_will_rerun(None)
    kept_clicks.keep_clicks()
    state().on_script_will_rerun(None)


@pytest.mark.usefixtures("original")
def test_an_unknown_streamlit_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(kept_clicks, "__version__", "1.99.0")
    kept_clicks.keep_clicks()
    assert "1.99.0 is not known" in caplog.text
    with pytest.raises(GivesWay):
        state().on_script_will_rerun(None)
