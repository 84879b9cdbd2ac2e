"""Where a click asked to go, whatever the browser had sent before it got the new address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

import labeler.ui
from labeler.ui.address import Clicks, Place


class Pages:
    """A session whose page goes where its address and its clicks say."""

    def __init__(self, **query: str) -> None:
        def script() -> None:
            import streamlit as st

            from labeler.ui import address
            from labeler.ui.address_parameters import run_again

            address.begin()
            place = address.wanted()
            st.session_state["place"] = place
            address.show_place(place)
            if st.session_state.pop("again", False):
                run_again()

        self.app = AppTest.from_function(script, default_timeout=120)
        for name, value in query.items():
            self.app.query_params[name] = value
        self.run()

    @property
    def clicks(self) -> Clicks:
        found: Clicks = self.app.session_state["clicks"]
        return found

    def run(self, **query: str) -> Place:
        """A run that begins with that address, or with the one that the page has."""
        if query:
            self.app.query_params.clear()
            self.app.query_params.update(query)
        self.app.run()
        assert [error.value for error in self.app.exception] == []
        found: Place = self.app.session_state["place"]
        return found

    def address(self) -> dict[str, str]:
        given = self.app.query_params.items()
        return {name: value if isinstance(value, str) else value[-1] for name, value in given}


def test_a_click_leads_and_the_address_follows() -> None:
    pages = Pages(image="a", view="labels")
    pages.clicks.to_image("b")
    assert pages.run() == Place("b")
    assert pages.address() == {"image": "b"}
    pages.clicks.to_view("import")
    assert pages.run() == Place("b", "import")
    pages.clicks.to_view(None)
    assert pages.run() == Place("b")
    assert pages.clicks.leads == 1


@pytest.mark.parametrize(
    ("click", "place"),
    [
        (lambda clicks: clicks.to_image("b"), Place("b")),
        (lambda clicks: clicks.to_view("labels"), Place("a", "labels")),
        (lambda clicks: clicks.follow("b"), Place("b")),
    ],
)
def test_an_address_from_before_the_click_does_not_undo_it(
    click: Callable[[Clicks], Any], place: Place
) -> None:
    """A box that was sent at the moment of the click comes with the address of then."""
    pages = Pages(image="a")
    click(pages.clicks)
    assert pages.run() == place
    assert pages.run(image="a") == place
    assert pages.run(image="a") == place
    assert pages.run() == place
    # From here on the browser has the new address: another one is where somebody went.
    assert pages.run(image="a") == Place("a")


def test_a_run_that_the_page_asks_for_does_not_tell_what_the_browser_has_received() -> None:
    """A page that runs again at once, as the counts of labels do when they are there."""
    pages = Pages(image="a")
    pages.clicks.to_view("labels")
    pages.app.session_state["again"] = True
    assert pages.run() == Place("a", "labels")
    assert pages.run(image="a") == Place("a", "labels")
    assert pages.run(image="a", view="labels") == Place("a", "labels")
    assert pages.run(image="a") == Place("a")


def test_the_page_runs_again_by_one_function_only() -> None:
    found = [
        path.name
        for path in Path(labeler.ui.__file__).parent.rglob("*.py")
        if "st.rerun(" in path.read_text()
    ]
    assert found == ["address_parameters.py"]


def test_to_an_image_and_back_again_ends_there_whatever_the_browser_has_seen_of_it() -> None:
    """Each request comes with the address that the browser had by then, one after the other."""
    pages = Pages(image="a")
    pages.clicks.follow("b")
    assert pages.run(image="a") == Place("b")
    pages.clicks.follow("a")
    for late in ("a", "a", "b", "b", "a"):
        assert pages.run(image=late) == Place("a")
    assert pages.run(image="b") == Place("b")


def test_an_older_address_takes_no_other_parameter_back() -> None:
    pages = Pages(image="a")

    def script() -> None:
        import streamlit as st

        from labeler.ui import address_parameters

        address_parameters.begin_address()
        if values := st.session_state.pop("put", None):
            address_parameters.put_parameters(values)

    pages.app = AppTest.from_function(script, default_timeout=120)
    pages.app.query_params["image"] = "a"
    pages.app.session_state["put"] = {"export": "1", "find": "street"}
    pages.app.run()
    for late in ({"image": "a"}, {"image": "a", "export": "1"}):
        pages.app.query_params.clear()
        pages.app.query_params.update(late)
        pages.app.run()
        assert pages.address() == {"export": "1", "find": "street", "image": "a"}
    pages.app.session_state["put"] = {"find": None}
    pages.app.run()
    assert pages.address() == {"export": "1", "image": "a"}
    pages.app.query_params["find"] = "street"
    pages.app.run()
    assert pages.address() == {"export": "1", "image": "a"}


def test_back_counts_from_the_moment_on_when_it_is_pressed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pages = Pages(image="a")
    pages.clicks.to_image("b")
    assert pages.run() == Place("b")
    from labeler.ui import address_parameters

    class Back:
        is_history_navigation = True

    monkeypatch.setattr(address_parameters, "get_script_run_ctx", Back)
    assert pages.run(image="a") == Place("a")
    # A click that came with the same request, or a run later, counts.
    pages.clicks.to_image("b")
    assert pages.run(image="a") == Place("b")
    pages.clicks.to_image("c")
    pages.clicks.is_new = False  # asked for, but the address does not say it yet
    assert pages.run(image="a") == Place("a")
    monkeypatch.undo()
    assert pages.run() == Place("a")


def test_a_view_stays_where_the_workbench_goes_on() -> None:
    pages = Pages(image="a", view="labels")
    pages.clicks.follow("b")
    assert pages.run() == Place("b", "labels")
    pages.clicks.to_image("c")
    pages.clicks.to_view("import")
    assert pages.run() == Place("c", "import")


def test_what_the_workbench_opens_takes_no_view_that_is_asked_for() -> None:
    clicks = Clicks()
    clicks.to_view("import")
    clicks.follow("b")
    assert clicks.asked == Place("b", "import")


def test_what_the_workbench_opened_before_it_heard_of_a_click_does_not_undo_it() -> None:
    pages = Pages(image="a")
    pages.clicks.to_image("c")
    pages.clicks.follow("b")
    assert pages.run() == Place("c")
    pages.clicks.follow("b")
    assert pages.run() == Place("b")
