"""Exporting in the sidebar: options, progress, cancelling, coming back to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from labeler.datasets.exports.exporter import open_exporter
from labeler.model.document import Status
from labeler.runtime.jobs import Progress
from labeler.ui import export_panel
from tests.ui.visit import NewPlace, Place, Visit, three_images


@pytest.fixture
def place(new_place: NewPlace) -> Place:
    return three_images(new_place)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run waits for its export, however busy the machine is."""
    monkeypatch.setattr(export_panel, "WAIT_S", 60)


@pytest.fixture
def busy(place: Place, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Keeps all who run jobs busy until it is set."""
    monkeypatch.setattr(export_panel, "WAIT_S", 0.1)
    go_on = threading.Event()

    def work(_: Progress) -> None:
        go_on.wait(300)

    for _ in range(2):
        place.jobs.start("other", work)
    yield go_on
    go_on.set()


def exported(place: Place) -> list[dict[str, Any]]:
    """All exports, the oldest first."""
    return [json.loads(path.read_bytes()) for path in sorted(place.folder.glob("exports/*.json"))]


def names(coco: dict[str, Any]) -> list[str]:
    return [image["file_name"] for image in coco["images"]]


def job_of(visit: Visit) -> str:
    named = visit.app.query_params["export"]
    return named if isinstance(named, str) else str(named[0])


def test_options_say_what_goes_in(place: Place) -> None:
    visit = place.visit()
    visit.app.multiselect(key="export_label").select("dog")
    visit.run()
    assert "Exports only boxes of dog." in visit.shown()
    visit.press("export")
    visit.app.multiselect(key="export_label").unselect("dog")
    visit.app.multiselect(key="export_status").select(Status.UNLABELED.value)
    visit.app.text_input(key="export_name").set_value("c*")
    visit.press("export")
    first, second = exported(place)
    assert (names(first), len(first["annotations"])) == (["a.png"], 1)
    assert names(second) == ["c.png"]
    assert visit.errors() == []


def test_a_split_ends_in_a_link_for_each_part(place: Place) -> None:
    visit = place.visit()
    visit.app.text_input(key="export_split").set_value("50/50")
    visit.run()
    visit.app.text_input(key="export_seed").set_value("3")
    visit.press("export")
    train, val = exported(place)
    assert sorted(names(train) + names(val)) == ["a.png", "b.png"]
    for path in place.folder.glob("exports/*.json"):
        assert f"/api/exports/{path.name}?token=" in visit.shown()


def test_an_option_that_makes_no_sense_is_reported(place: Place) -> None:
    visit = place.visit()
    visit.app.text_input(key="export_split").set_value("most")
    visit.press("export")
    assert "such as 80/10/10" in visit.errors()[0]
    assert exported(place) == []


def test_a_reload_leads_back_to_the_export(place: Place) -> None:
    visit = place.visit()
    visit.press("export")
    again = Visit(place.project)
    again.app.query_params["export"] = job_of(visit)
    again.run()
    assert "2 images, 3 boxes" in again.shown()
    assert "car: 2" in again.shown()
    assert "Images not asked for: 1 unlabeled" in again.shown()


def test_what_the_browser_sends_before_it_has_the_new_address_takes_no_export_away(
    place: Place,
) -> None:
    """As the workbench does, which tells what is saved at the moment of the click."""
    visit = place.visit()
    before = dict(visit.app.query_params)
    visit.app.button(key="export").click().run()
    job = job_of(visit)
    visit.app.query_params.clear()
    visit.app.query_params.update(before)
    visit.run()
    assert job_of(visit) == job
    assert "2 images, 3 boxes" in visit.shown()
    assert len(exported(place)) == 1


def test_where_the_export_is_not_known_the_newest_are_offered(place: Place) -> None:
    (done,) = open_exporter(place.project).write()
    visit = Visit(place.project)
    assert done.key not in visit.shown()
    visit.app.query_params["export"] = "of another instance"
    visit.run()
    assert "can't be found" in visit.shown()
    assert f"/api/{done.key}?token=" in visit.shown()


def test_earlier_exports_are_listed_when_asked_for(place: Place) -> None:
    visit = place.visit()
    visit.press("earlier_exports")
    assert "There is no export yet." in visit.shown()
    keys = [open_exporter(place.project).write()[0].key for _ in range(7)]
    visit.run()
    assert [key for key in keys if f"/api/{key}" in visit.shown()] == keys[2:]


def test_an_export_waits_its_turn_and_can_be_cancelled(place: Place, busy: threading.Event) -> None:
    visit, other = place.visit(), place.visit()
    visit.press("export")
    other.press("export")
    assert job_of(visit) != job_of(other)
    assert visit.app.button(key="cancel_export")
    visit.press("cancel_export")
    assert "The export was cancelled. Nothing was written." in [one.value for one in visit.app.info]
    busy.set()
    job = place.jobs.find(job_of(other))
    assert job is not None
    job.future.result(60)
    other.run()
    assert "2 images, 3 boxes" in other.shown()
    assert len(exported(place)) == 1


def test_an_export_that_fails_is_reported(place: Place) -> None:
    visit = place.visit()
    place.workspace.put("registry/images.json", b"{")
    visit.press("export")
    assert any("registry/images.json is damaged" in error for error in visit.errors())
    assert exported(place) == []
